/** Exports as lines: ndjson and CSV as `ticks replay` prints them. */
import { LINES, type LineFormat, type LineFormatName, type PlacedTick } from '../wire/lines.js';
import type { TextSink } from './out-file.js';
import type { ExportSymbol, TickWriter } from './writer.js';

export class LineWriter implements TickWriter {
  readonly #line: LineFormat['line'];

  constructor(
    readonly file: TextSink,
    format: LineFormatName,
    readonly isForSheet: boolean,
  ) {
    const { header, line } = LINES[format];
    this.#line = line;
    if (header !== undefined) file.addText(`${header}\n`);
  }

  add(tick: PlacedTick, symbol: ExportSymbol): boolean {
    if (this.file.addText(`${this.#line(tick, symbol, this.isForSheet)}\n`)) this.file.flush();
    return true;
  }

  get waiting(): number {
    return this.file.waiting;
  }

  flush(): void {
    this.file.flush();
  }

  finish(): void {
    this.file.finish();
  }
}
