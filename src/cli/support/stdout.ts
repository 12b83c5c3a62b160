/** Data on stdout, as much as its reader takes; figures and progress. */

const FLUSH_CHARS = 64 * 1024;

/** Writes, and waits while the reader is slower. The stream's `error` reports a failure: nothing more is written. */
export function writeOut(
  stream: NodeJS.WritableStream,
  piece: string | Uint8Array,
): Promise<void> | undefined {
  if (!stream.writable || stream.write(piece)) return undefined;
  return new Promise((resolve) => {
    const done = () => {
      for (const event of ENDS) stream.off(event, done);
      resolve();
    };
    for (const event of ENDS) stream.on(event, done);
  });
}

const ENDS = ['drain', 'error', 'close'] as const;

/** Tells something beside the data. */
export function note(message: string): void {
  process.stderr.write(`ticks: ${message}\n`);
}

/** A number with its noun: `1 file`, `2 files`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Gathers lines and writes them in large pieces. */
export class LineOutput {
  #text = '';

  constructor(readonly stream: NodeJS.WritableStream = process.stdout) {}

  /** Adds a line. True when it is time to `flush`. */
  add(line: string): boolean {
    return this.addText(`${line}\n`);
  }

  /** Adds text with its own line ends. True when it is time to `flush`. */
  addText(text: string): boolean {
    this.#text += text;
    return this.#text.length >= FLUSH_CHARS;
  }

  /** Writes what was gathered, and waits while the reader is slower. */
  async flush(): Promise<void> {
    const text = this.#text;
    this.#text = '';
    if (text !== '') await writeOut(this.stream, text);
  }
}

/** Progress on one line of stderr; nothing unless that is a terminal. */
export class Progress {
  #toldAt = 0;
  #isShown = false;

  constructor(
    readonly stream: NodeJS.WriteStream = process.stderr,
    readonly everyMs = 200,
  ) {}

  /** Shows a line that replaces the last one; calls in quick succession cost nothing. */
  tell(line: () => string): void {
    if (!this.stream.isTTY || Date.now() - this.#toldAt < this.everyMs) return;
    this.#toldAt = Date.now();
    this.#isShown = true;
    this.stream.write(`\r\u001b[K${line()}`);
  }

  /** Clears the line. */
  done(): void {
    if (this.#isShown) this.stream.write('\r\u001b[K');
    this.#isShown = false;
  }
}
