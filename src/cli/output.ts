/** Data on stdout, as much as its reader takes; figures and progress. */

const FLUSH_CHARS = 64 * 1024;

/** Ends quietly when whoever reads stdout has gone, as `head` does. */
export function endOnBrokenPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

/** Tells something beside the data. */
export function note(message: string): void {
  process.stderr.write(`ticks: ${message}\n`);
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
    if (text === '' || this.stream.write(text)) return;
    await new Promise((resolve) => this.stream.once('drain', resolve));
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
