/** What an import is asked for, and what came of it. */
import type { ReadOptions } from './identity.js';
import type { ReadFile } from './read.js';

/** An import that the log has, and that has ticks of the same symbols and times. */
export interface Overlap {
  hash: string;
  /** UNIX milliseconds. */
  importedAt: number;
  /** New ticks that it has already. They were left out, unless it was replaced. */
  doubles: number;
  isReplaced: boolean;
}

export interface ImportOutcome {
  /** Names the content that was imported now; absent where there was nothing new. */
  hash?: string;
  epoch?: number;
  ticks: number;
  /** Half-quotes whose other side never came. */
  held: number;
  /** Ticks that stand in more than one of the files: they were taken once. */
  doubles: number;
  /** Ticks left out as the names of their symbols were refused, and why that was. */
  nameless: number;
  refusedNames: { name: string; why: string }[];
  /** Files that were read, with what was bad in them. */
  files: { file: string; ticks: number; bad: ReadFile['bad'] }[];
  /** Files that the log has already. */
  known: string[];
  /** Files without a row. */
  empty: string[];
  /** Files of which nothing can be used, and why. */
  refused: { file: string; why: string }[];
  overlaps: Overlap[];
  /** Days that have a segment now. */
  days: string[];
}

export interface ImportOptions extends ReadOptions {
  /** Whether to take the place of the imports that have ticks of the same symbols and times. */
  replace?: boolean;
}
