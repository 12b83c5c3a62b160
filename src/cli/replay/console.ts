/** The terminal of a replay: its keys, and its line on stderr. Neither is there where it is no terminal. */
import type { ReplayControl } from '../../replay/control.js';
import type { Span } from '../../replay/span.js';
import { KEYS_HELP, ReplayKeys } from './key-bindings.js';
import { Keyboard } from './keyboard.js';
import { ReplayBar } from './progress-line.js';

const PAINT_MS = 100;
const COLUMNS = 80;
const CLEAR = '\r\u001b[K';

export class ReplayConsole {
  readonly #keyboard: Keyboard | undefined;
  readonly #bar: ReplayBar;
  readonly #timer: NodeJS.Timeout | undefined;
  #isPainted = false;

  /** @param quit called when the user wants it to end */
  constructor(
    control: ReplayControl,
    span: Span | null,
    quit: () => void,
    readonly stderr: NodeJS.WriteStream = process.stderr,
  ) {
    const keys = new ReplayKeys(control, quit);
    this.#keyboard = Keyboard.open((key) => {
      keys.press(key);
      this.#paint();
    });
    this.#bar = new ReplayBar(control, span, this.#keyboard === undefined ? undefined : keys);
    if (this.#keyboard !== undefined) this.note(KEYS_HELP);
    if (!stderr.isTTY) return;
    this.#timer = setInterval(() => this.#paint(), PAINT_MS);
    this.#timer.unref();
  }

  /** Says something on a line of its own. */
  note(text: string): void {
    this.#clear();
    this.stderr.write(`${text}\n`);
  }

  /** Gives the terminal back. */
  close(): void {
    clearInterval(this.#timer);
    this.#clear();
    this.#keyboard?.close();
  }

  #paint(): void {
    if (!this.stderr.isTTY) return;
    this.#isPainted = true;
    // One column less: a full line would wrap.
    const columns = (this.stderr.columns || COLUMNS) - 1;
    this.stderr.write(CLEAR + this.#bar.line(performance.now(), columns));
  }

  #clear(): void {
    if (this.#isPainted) this.stderr.write(CLEAR);
    this.#isPainted = false;
  }
}
