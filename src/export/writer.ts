/** The output of an export: one format, in a file for each symbol or one file for all. */
import type { LineSymbol, PlacedTick } from '../wire/lines.js';

export const EXPORT_FORMATS = ['csv', 'ndjson', 'mt5', 'parquet'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** A tick's symbol as the registry knows it. */
export type ExportSymbol = LineSymbol;

/** How a format is written. */
export interface ExportStyle {
  format: ExportFormat;
  /** Clock of the mt5 layout. */
  zone: string;
  /** CSV only: a name that a spreadsheet would read as a formula becomes plain text. */
  isForSheet: boolean;
}

/** Writes ticks of one file. */
export interface TickWriter {
  /** Returns false when the format cannot hold the tick. */
  add(tick: PlacedTick, symbol: ExportSymbol): boolean;
  /** Estimated bytes that wait in memory. */
  readonly waiting: number;
  /** Writes the waiting bytes. */
  flush(): void;
  /** Completes the file and flushes it to the disk. */
  finish(): void;
}
