/** What an export writes: one format, into files of one symbol each or of all. */
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
  /** Of CSV: names that a spreadsheet would take for a formula are made plain text. */
  isForSheet: boolean;
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
