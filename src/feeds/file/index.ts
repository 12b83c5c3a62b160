/** The file feed: recorded ticks, played at any speed. */
import type { FeedType } from '../connector/feed.js';
import { CHECKPOINT_WORDS } from './checkpoint.js';
import { FileFeed } from './feed.js';
import type { FileOptions } from './options.js';

export { EntryKind, TickBatch } from './batch.js';
export { openMerged } from './merge.js';
export { fileNamePart, terminalNamePart } from './names.js';
export { type FileOptions, fileOptions } from './options.js';
export { listTickFiles } from './paths.js';
export { openTickFile, type TickFile, type TickFileOptions } from './reader.js';
export type { FileSymbol } from './symbols.js';

export const fileFeed: FeedType<FileOptions> = {
  policy: 'block',
  stateWords: () => CHECKPOINT_WORDS,
  create: (options) => new FileFeed(options),
};
