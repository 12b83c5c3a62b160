/** The options and the outcome of an import. */
import type { ReadOptions } from './identity.js';
import type { ReadFile } from './read.js';

/** An earlier import with ticks of the same symbols and times. */
export interface Overlap {
  hash: string;
  /** UNIX milliseconds. */
  importedAt: number;
  /** New ticks that the earlier import has already. They were left out, unless it was replaced. */
  doubles: number;
  isReplaced: boolean;
}

export interface ImportOutcome {
  /** Hash of the imported content; absent when nothing was new. */
  hash?: string;
  epoch?: number;
  ticks: number;
  /** Half-quotes whose other side never came. */
  oneSided: number;
  /** Ticks that occur in more than one file: they were imported once. */
  doubles: number;
  /** Ticks without a valid symbol name, which were left out; and the refused names with the reasons. */
  nameless: number;
  refusedNames: { name: string; why: string }[];
  /** Files that were read, with what was bad in them. */
  files: { file: string; ticks: number; bad: ReadFile['bad'] }[];
  /** Files that the log has already. */
  known: string[];
  /** Files without a row. */
  empty: string[];
  /** Files without a usable row, and the reasons. */
  refused: { file: string; why: string }[];
  overlaps: Overlap[];
  /** Days that have a segment now. */
  days: string[];
}

export interface ImportOptions extends ReadOptions {
  /** Whether to replace the imports with ticks of the same symbols and times. */
  replace?: boolean;
}
