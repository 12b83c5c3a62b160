/**
 * Writes what a feed takes in, while it takes it. The feed never waits for the disk: what cannot be buffered
 * any more ends the capture, and only that.
 */
import { closeSync, openSync, readdirSync, write, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../../core/errors.js';
import { CAPTURE_BUFFER_BYTES } from '../../core/limits.js';
import type { FeedCapture } from '../connector/feed.js';
import {
  captureFileName,
  captureFileNumber,
  ENTRY_HEADER_BYTES,
  FILE_HEADER_BYTES,
  FILE_MAGIC,
} from './format.js';

const CHUNK_BYTES = 256 * 1024;
/** Milliseconds that an entry may wait for others to be written with. */
const FLUSH_MS = 200;
/** Others must not read it: a hello carries the port's secret. */
const FILE_MODE = 0o600;

const writeAll = promisify(write);

/** Where a capture goes. */
export interface CaptureTarget {
  /** Of this run of the engine; it exists. */
  folder: string;
  /** Bytes after which another file is begun. */
  fileBytes: number;
}

export class CaptureWriter implements FeedCapture {
  #file = -1;
  #fileNumber = 0;
  #fileBytes = 0;
  #chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  #used = 0;
  #full: Buffer[] = [];
  /** Bytes in memory: in the chunk at hand, in full ones, and on their way to the disk. */
  #waitingBytes = 0;
  #writing: Promise<void> | undefined;
  #isOver = false;
  readonly #timer: NodeJS.Timeout;

  /**
   * @param failed called once, with the reason why the capture ends before the feed does
   * @param bufferBytes how much may wait for the disk
   */
  constructor(
    readonly target: CaptureTarget,
    readonly feed: string,
    readonly failed: (sentence: string) => void,
    readonly bufferBytes = CAPTURE_BUFFER_BYTES,
  ) {
    this.#timer = setInterval(() => this.#flush(), FLUSH_MS);
    this.#timer.unref();
    try {
      // A feed whose thread died continues in files of its own, after those of before.
      const numbers = readdirSync(target.folder).map((file) => captureFileNumber(feed, file) ?? 0);
      this.#fileNumber = Math.max(0, ...numbers);
      this.#nextFile();
    } catch (error) {
      this.#fail(messageOf(error));
    }
  }

  /** Whether what is taken in is still written. */
  get isOpen(): boolean {
    return !this.#isOver;
  }

  /** Adds an entry; its parts are copied. */
  append(kind: number, channel: number, recvS: number, recvNs: number, ...parts: Uint8Array[]): void {
    if (this.#isOver) return;
    let payload = 0;
    for (const part of parts) payload += part.length;
    const bytes = ENTRY_HEADER_BYTES + payload;
    if (this.#waitingBytes + bytes > this.bufferBytes) {
      this.#fail(`the disk is slower than the feed: ${this.#waitingBytes} bytes wait for it`);
      return;
    }
    if (this.#used + bytes > this.#chunk.length) this.#nextChunk(bytes);
    const chunk = this.#chunk;
    let at = this.#used;
    chunk.writeUInt32LE(payload, at);
    chunk.writeUInt16LE(kind, at + 4);
    chunk.writeUInt16LE(0, at + 6);
    chunk.writeUInt32LE(channel, at + 8);
    chunk.writeUInt32LE(recvS, at + 12);
    chunk.writeUInt32LE(recvNs, at + 16);
    chunk.writeUInt32LE(0, at + 20);
    at += ENTRY_HEADER_BYTES;
    for (const part of parts) {
      chunk.set(part, at);
      at += part.length;
    }
    this.#used = at;
    this.#waitingBytes += bytes;
  }

  /** Writes the rest and closes. */
  async close(): Promise<void> {
    this.#flush();
    while (this.#writing !== undefined) await this.#writing;
    this.#end();
  }

  #nextChunk(bytes: number): void {
    this.#full.push(this.#chunk.subarray(0, this.#used));
    this.#chunk = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, bytes));
    this.#used = 0;
    this.#start();
  }

  #flush(): void {
    if (this.#used > 0) this.#nextChunk(0);
    else this.#start();
  }

  #start(): void {
    if (this.#full.length === 0) return;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  async #write(): Promise<void> {
    try {
      for (let chunk = this.#full.shift(); chunk !== undefined && !this.#isOver; chunk = this.#full.shift()) {
        if (this.#fileBytes >= this.target.fileBytes) this.#nextFile();
        for (let at = 0; at < chunk.length; ) {
          at += (await writeAll(this.#file, chunk, at, chunk.length - at)).bytesWritten;
        }
        this.#fileBytes += chunk.length;
        this.#waitingBytes -= chunk.length;
      }
    } catch (error) {
      this.#fail(messageOf(error));
    }
    if (this.#isOver) this.#closeFile();
  }

  #nextFile(): void {
    this.#closeFile();
    const path = join(this.target.folder, captureFileName(this.feed, ++this.#fileNumber));
    this.#file = openSync(path, 'wx', FILE_MODE);
    writeSync(this.#file, FILE_MAGIC);
    this.#fileBytes = FILE_HEADER_BYTES;
  }

  #closeFile(): void {
    if (this.#file >= 0) closeSync(this.#file);
    this.#file = -1;
  }

  #fail(why: string): void {
    if (this.#isOver) return;
    this.#end();
    this.failed(
      `The capture of feed ${this.feed} has ended (${why}); the feed continues. What was captured before can be replayed; restart the engine to capture again.`,
    );
  }

  #end(): void {
    this.#isOver = true;
    clearInterval(this.#timer);
    this.#full = [];
    if (this.#writing === undefined) this.#closeFile();
  }
}
