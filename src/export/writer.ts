/** What an export writes: one format, into files of one symbol each or of all. */
import type { PlacedTick } from '../wire/lines.js';

export const EXPORT_FORMATS = ['csv', 'ndjson', 'mt5', 'parquet'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** A tick's symbol as the registry knows it. */
export interface ExportSymbol {
  name: string;
  digits: number;
}

/** Writes ticks of one file. */
export interface TickWriter {
  /** False where the format cannot hold the tick. */
  add(tick: PlacedTick, symbol: ExportSymbol): boolean;
  /** Bytes, about, that wait in memory. */
  readonly waiting: number;
  /** Writes what waits. */
  flush(): void;
  /** Ends the file; everything is on the disk then. */
  finish(): void;
}
