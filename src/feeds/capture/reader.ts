/** Reads the capture of one feed, file after file, entry by entry. */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { TickwireError } from '../../core/errors.js';
import type { CaptureEntry } from '../connector/feed.js';
import { captureFileNumber, ENTRY_HEADER_BYTES, FILE_HEADER_BYTES, FILE_MAGIC } from './format.js';

const PIECE_BYTES = 1024 * 1024;

export class CaptureReader {
  readonly #files: string[];
  #file = -1;
  #name = '';
  #buffer = Buffer.alloc(0);
  #at = 0;

  /**
   * @param folder of one run
   * @param warn called for a file that ends in the middle of an entry, as one does whose process was killed
   */
  constructor(
    readonly folder: string,
    feed: string,
    readonly warn: (sentence: string) => void,
  ) {
    this.#files = readdirSync(folder)
      .map((file) => ({ file, n: captureFileNumber(feed, file) }))
      .filter((found): found is { file: string; n: number } => found.n !== null)
      .sort((a, b) => a.n - b.n)
      .map(({ file }) => file);
  }

  /**
   * The next entry; null at the end.
   * @throws TickwireError bad_input when a file is none of a capture
   */
  next(): CaptureEntry | null {
    for (;;) {
      if (this.#file < 0 && !this.#open()) return null;
      if (this.#has(ENTRY_HEADER_BYTES)) {
        const bytes = this.#buffer.readUInt32LE(this.#at);
        if (this.#has(ENTRY_HEADER_BYTES + bytes)) return this.#entry(bytes);
      }
      if (this.#buffer.length > this.#at) {
        this.warn(
          `${this.#name} ends in the middle of an entry: the process that wrote it was killed, or its disk was full.`,
        );
      }
      this.close();
    }
  }

  close(): void {
    if (this.#file >= 0) closeSync(this.#file);
    this.#file = -1;
    this.#buffer = Buffer.alloc(0);
    this.#at = 0;
  }

  #entry(bytes: number): CaptureEntry {
    const b = this.#buffer;
    const at = this.#at;
    this.#at += ENTRY_HEADER_BYTES + bytes;
    return {
      kind: b.readUInt16LE(at + 4),
      channel: b.readUInt32LE(at + 8),
      recvS: b.readUInt32LE(at + 12),
      recvNs: b.readUInt32LE(at + 16),
      payload: b.subarray(at + ENTRY_HEADER_BYTES, this.#at),
    };
  }

  #open(): boolean {
    const name = this.#files.shift();
    if (name === undefined) return false;
    this.#name = name;
    this.#file = openSync(join(this.folder, name), 'r');
    const isCapture =
      this.#has(FILE_HEADER_BYTES) && this.#buffer.toString('latin1', 0, FILE_HEADER_BYTES) === FILE_MAGIC;
    if (!isCapture)
      throw new TickwireError(
        'bad_input',
        `${name} is no capture file: it does not begin with ${FILE_MAGIC}.`,
      );
    this.#at = FILE_HEADER_BYTES;
    return true;
  }

  /** Whether so many bytes are at hand; reads on where they are not. */
  #has(bytes: number): boolean {
    while (this.#buffer.length - this.#at < bytes) {
      const rest = this.#buffer.subarray(this.#at);
      const buffer = Buffer.allocUnsafe(rest.length + Math.max(PIECE_BYTES, bytes - rest.length));
      rest.copy(buffer);
      const got = readSync(this.#file, buffer, rest.length, buffer.length - rest.length, null);
      this.#buffer = buffer.subarray(0, rest.length + got);
      this.#at = 0;
      if (got === 0) return false;
    }
    return true;
  }
}
