/** Ticks on stdout or into a file: lines of text, or MessagePack maps one after the other. */
import { LINE_FORMATS, LINES, type PlacedTick } from '../wire/lines.js';
import { tickMap } from '../wire/maps.js';
import { ByteOutput } from './byte-output.js';

export const TICK_FORMATS = [...LINE_FORMATS, 'msgpack'] as const;
export type TickFormatName = (typeof TICK_FORMATS)[number];

export class TickOutput extends ByteOutput {
  #format: TickFormatName = 'ndjson';

  /**
   * @param path absent: stdout
   * @throws TickwireError bad_input
   */
  static async open(format: TickFormatName, path: string | undefined): Promise<TickOutput> {
    const output = new TickOutput(...(await ByteOutput.streamTo(path)));
    output.#format = format;
    const header = format === 'msgpack' ? undefined : LINES[format].header;
    if (header !== undefined) output.put(`${header}\n`);
    return output;
  }

  /** Adds a tick. */
  add(tick: PlacedTick, symbol: string): void {
    const format = this.#format;
    this.put(format === 'msgpack' ? tickMap(tick, symbol) : `${LINES[format].line(tick, symbol)}\n`);
  }
}
