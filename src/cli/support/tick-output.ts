/** Ticks on stdout or into a file: lines of text, or MessagePack maps one after the other. */
import { LINE_FORMATS, LINES, type LineSymbol, type PlacedTick } from '../../wire/lines.js';
import { tickMap } from '../../wire/maps.js';
import { ByteOutput } from './byte-output.js';

export const TICK_FORMATS = [...LINE_FORMATS, 'msgpack'] as const;
export type TickFormatName = (typeof TICK_FORMATS)[number];

/** What `--spreadsheet` says of itself. */
export const SPREADSHEET = 'put an apostrophe before names that a spreadsheet would take for a formula';

export class TickOutput extends ByteOutput {
  #format: TickFormatName = 'ndjson';
  #isForSheet = false;

  /**
   * @param path absent: stdout
   * @throws TickwireError bad_input
   */
  static async open(
    { format, spreadsheet }: { format: TickFormatName; spreadsheet?: boolean },
    path: string | undefined,
  ): Promise<TickOutput> {
    const output = new TickOutput(...(await ByteOutput.streamTo(path)));
    output.#format = format;
    output.#isForSheet = spreadsheet === true;
    const header = format === 'msgpack' ? undefined : LINES[format].header;
    if (header !== undefined) output.put(`${header}\n`);
    return output;
  }

  /** Adds a tick. */
  add(tick: PlacedTick, symbol: LineSymbol): void {
    const format = this.#format;
    if (format === 'msgpack') this.put(tickMap(tick, symbol.name));
    else this.put(`${LINES[format].line(tick, symbol, this.#isForSheet)}\n`);
  }
}
