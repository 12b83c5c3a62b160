/** Bytes on stdout or into a file, gathered into large pieces, as fast as their reader takes them. */
import { FileOutput } from './file-output.js';
import { writeOut } from './stdout.js';

/** What is gathered before it is written. */
const FLUSH_BYTES = 64 * 1024;

export class ByteOutput {
  #parts: (Uint8Array | string)[] = [];
  #bytes = 0;

  protected constructor(
    readonly stream: NodeJS.WritableStream,
    readonly file: FileOutput | undefined,
  ) {}

  /**
   * @param path absent: stdout
   * @throws TickwireError bad_input
   */
  protected static async streamTo(
    path: string | undefined,
  ): Promise<[NodeJS.WritableStream, FileOutput | undefined]> {
    if (path === undefined) return [process.stdout, undefined];
    const file = await FileOutput.create(path);
    return [file.stream, file];
  }

  /** Adds a piece, which is kept as it is. */
  protected put(part: Uint8Array | string): void {
    this.#parts.push(part);
    this.#bytes += part.length;
  }

  /** Whether it is time to `flush`. */
  get isFull(): boolean {
    return this.#bytes >= FLUSH_BYTES;
  }

  /** Writes what was gathered, and waits while the reader is slower. */
  async flush(): Promise<void> {
    if (this.#parts.length === 0) return;
    const isText = this.#parts.every((part) => typeof part === 'string');
    const piece = isText ? this.#parts.join('') : Buffer.concat(this.#parts.map((part) => Buffer.from(part)));
    this.#parts = [];
    this.#bytes = 0;
    await writeOut(this.stream, piece);
  }

  /**
   * Writes the rest; a file then gets its name.
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
