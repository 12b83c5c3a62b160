/**
 * Messages of the wire on stdout or into a file. Text goes a line each; of binary ones each comes after its
 * length, as u32 little-endian.
 */
import type { Encoding } from '../../wire/ticks.js';
import { ByteOutput } from './byte-output.js';

export class MessageOutput extends ByteOutput {
  #isText = false;
  readonly #length = new DataView(new ArrayBuffer(4));

  /**
   * @param path absent: stdout
   * @throws TickwireError bad_input
   */
  static async open(encoding: Encoding, path: string | undefined): Promise<MessageOutput> {
    const output = new MessageOutput(...(await ByteOutput.streamTo(path)));
    output.#isText = encoding === 'json';
    return output;
  }

  /** Adds a message; its bytes are copied. */
  add(message: Uint8Array): void {
    if (!this.#isText) {
      this.#length.setUint32(0, message.length, true);
      this.put(new Uint8Array(this.#length.buffer.slice(0)));
    }
    this.put(Uint8Array.from(message));
    if (this.#isText) this.put(NEWLINE);
  }
}

const NEWLINE = Uint8Array.of(0x0a);
