/** Which ticks of the log a stream has. */
import type { LogGap } from '../log/read/log-reader.js';
import { IMPORTS_FROM } from '../log/storage/segments.js';
import type { Bound } from './range.js';

export interface StreamOptions {
  /** Inclusive. */
  from?: Bound | undefined;
  /** A time is exclusive, a place inclusive. */
  to?: Bound | undefined;
  /** Only epochs of engines, or only this one; absent: by what `from` and `to` are. */
  only?: 'engines' | number | undefined;
  /** By symbol id, 1 = wanted; null: all. */
  filter: Uint8Array | null;
  /** Told of every part of the range that the log does not hold. */
  onGap?: (epoch: number, shard: number, gap: LogGap) => void;
}

export interface CursorOptions extends StreamOptions {
  /** Called before each read of the log. */
  onRead?: () => void;
}

/** Which epochs a range is of: a place in an import is of that alone, any other place leaves imports out. */
export function onlyOf({ from, to, only }: Omit<StreamOptions, 'filter'>): StreamOptions['only'] {
  const place = from?.kind === 'seq' ? from : to?.kind === 'seq' ? to : undefined;
  if (only !== undefined || place === undefined) return only;
  return place.epoch >= IMPORTS_FROM ? place.epoch : 'engines';
}
