/**
 * A file in the making. It grows under a hidden name beside its place, and gets its own name only when it is
 * whole: whoever looks sees the old file or the new one, never a half.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';

/** What is gathered before it is written. */
const GATHER_BYTES = 256 * 1024;

/** Where lines go. */
export interface TextSink {
  /** Adds text. True when enough was gathered for a `flush` to pay. */
  addText(text: string): boolean;
  /** Characters that wait in memory. */
  readonly waiting: number;
  flush(): void;
  /** No more text comes. */
  finish(): void;
}

export class OutFile implements TextSink {
  bytes = 0;
  readonly temporary: string;
  #text: string[] = [];
  #chars = 0;

  /**
   * @param folder where it will stand
   * @param mark tells the hidden names of one export from all others
   */
  constructor(folder: string, mark: string, number: string | number) {
    this.temporary = path.join(folder, `${mark}${number}`);
    closeSync(openSync(this.temporary, 'w'));
  }

  addText(text: string): boolean {
    this.#text.push(text);
    this.#chars += text.length;
    return this.#chars >= GATHER_BYTES;
  }

  get waiting(): number {
    return this.#chars;
  }

  /** Writes what was gathered. The file is open only meanwhile, so that there may be thousands of them. */
  flush(): void {
    if (this.#chars === 0) return;
    const text = this.#text.join('');
    this.#text = [];
    this.#chars = 0;
    this.append(Buffer.from(text, 'utf8'));
  }

  append(bytes: Uint8Array): void {
    const file = openSync(this.temporary, 'a');
    try {
      let at = 0;
      while (at < bytes.length) at += writeSync(file, bytes, at);
    } finally {
      closeSync(file);
    }
    this.bytes += bytes.length;
  }

  /** Everything on the disk, still under its hidden name. */
  finish(): void {
    this.flush();
    const file = openSync(this.temporary, 'r+');
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }
}

/** Gives a finished file its name. */
export function publish(temporary: string, name: string): void {
  renameSync(temporary, name);
}

export function discard(temporary: string): void {
  rmSync(temporary, { force: true });
}
