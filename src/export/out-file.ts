/**
 * An output file. It is written under a hidden name in the same folder, and gets its final name only when it is complete:
 * so a reader sees the old file or the new one, never an incomplete one.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';

/** Characters that are gathered before a write. */
const GATHER_BYTES = 256 * 1024;

/** A target of lines. */
export interface TextSink {
  /** Adds text. Returns true when a `flush` is worth its cost. */
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
   * @param folder of the final file
   * @param mark makes the hidden names of one export unique
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

  /** Writes the gathered text. The file is open only meanwhile, so an export can have thousands of files. */
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

  /** Flushes the complete file to the disk, still under its hidden name. */
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
