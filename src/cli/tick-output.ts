/** Ticks on stdout or into a file: lines of text, or MessagePack maps one after the other. */
import { LINE_FORMATS, LINES, type PlacedTick } from '../wire/lines.js';
import { tickMap } from '../wire/maps.js';
import { FileOutput } from './file-output.js';

export const TICK_FORMATS = [...LINE_FORMATS, 'msgpack'] as const;
export type TickFormatName = (typeof TICK_FORMATS)[number];

/** What is gathered before it is written. */
const FLUSH_BYTES = 64 * 1024;

export class TickOutput {
  #text = '';
  #parts: Uint8Array[] = [];
  #bytes = 0;

  private constructor(
    readonly format: TickFormatName,
    readonly stream: NodeJS.WritableStream,
    readonly file: FileOutput | undefined,
  ) {
    if (format === 'msgpack') return;
    const { header } = LINES[format];
    if (header !== undefined) this.#text = `${header}\n`;
  }

  /**
   * @param path absent: stdout
   * @throws TickwireError bad_input
   */
  static async open(format: TickFormatName, path: string | undefined): Promise<TickOutput> {
    if (path === undefined) return new TickOutput(format, process.stdout, undefined);
    const file = await FileOutput.create(path);
    return new TickOutput(format, file.stream, file);
  }

  /** Adds a tick. True when it is time to `flush`. */
  add(tick: PlacedTick, symbol: string): boolean {
    if (this.format !== 'msgpack') {
      this.#text += `${LINES[this.format].line(tick, symbol)}\n`;
      return this.#text.length >= FLUSH_BYTES;
    }
    const map = tickMap(tick, symbol);
    this.#parts.push(map);
    this.#bytes += map.length;
    return this.#bytes >= FLUSH_BYTES;
  }

  get isEmpty(): boolean {
    return this.#text === '' && this.#bytes === 0;
  }

  /** Writes what was gathered, and waits while the reader is slower. */
  async flush(): Promise<void> {
    if (this.isEmpty) return;
    const piece = this.format === 'msgpack' ? Buffer.concat(this.#parts) : this.#text;
    this.#text = '';
    this.#parts = [];
    this.#bytes = 0;
    if (this.stream.write(piece)) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.stream.off('drain', done);
        this.stream.off('error', done);
        resolve();
      };
      this.stream.on('drain', done);
      this.stream.on('error', done);
    });
  }

  /**
   * Writes the rest; a file appears in its place.
   * @throws TickwireError bad_input
   */
  async finish(): Promise<void> {
    await this.flush();
    await this.file?.keep();
  }

  /** Ends without a file. What stdout has got stays there. */
  async drop(): Promise<void> {
    await this.file?.drop();
  }
}
