/**
 * The keyboard of a terminal, key by key. The terminal is given back as it was at the end, on a signal, and
 * while the process is suspended.
 */
import { readFileSync } from 'node:fs';

const CTRL_C = '\u0003';
const CTRL_Z = '\u001a';
/** Keys that come as more than one character, by what terminals send for them. */
const SEQUENCES: Record<string, string> = {
  '\u001b[A': 'up',
  '\u001b[B': 'down',
  '\u001b[C': 'right',
  '\u001b[D': 'left',
  '\u001bOA': 'up',
  '\u001bOB': 'down',
  '\u001bOC': 'right',
  '\u001bOD': 'left',
};
const LONGEST = 3;

/** Cuts what a terminal sends into keys: names for those with one, else characters. */
export function keysOf(text: string): string[] {
  const keys: string[] = [];
  for (let at = 0; at < text.length; ) {
    const name = SEQUENCES[text.slice(at, at + LONGEST)];
    keys.push(name ?? text[at]);
    at += name === undefined ? 1 : LONGEST;
  }
  return keys;
}

/** Whether this process may read the terminal: one in the background would be stopped for trying. */
function isForeground(): boolean {
  try {
    // The fields after the name in brackets: state, ppid, pgrp, session, tty, tpgid.
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ');
    return fields[2] === fields[5];
  } catch {
    return true;
  }
}

export class Keyboard {
  #isOpen = true;

  private constructor(
    readonly stdin: NodeJS.ReadStream,
    readonly onKey: (key: string) => void,
  ) {
    stdin.setRawMode(true);
    stdin.setEncoding('utf8');
    stdin.on('data', this.#take);
    process.on('SIGCONT', this.#again);
    process.on('exit', this.#restore);
  }

  /** Reads keys, where stdin is a terminal that is ours to read; undefined where it is not. */
  static open(onKey: (key: string) => void): Keyboard | undefined {
    if (!process.stdin.isTTY || !isForeground()) return undefined;
    return new Keyboard(process.stdin, onKey);
  }

  /** Gives the terminal back. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.stdin.off('data', this.#take);
    process.off('SIGCONT', this.#again);
    process.off('exit', this.#restore);
    this.#restore();
    this.stdin.pause();
  }

  readonly #restore = (): void => {
    this.stdin.setRawMode(false);
  };

  readonly #again = (): void => {
    if (isForeground()) this.stdin.setRawMode(true);
  };

  readonly #take = (chunk: Buffer | string): void => {
    for (const key of keysOf(String(chunk))) {
      // In this mode the terminal makes no signals of keys.
      if (key === CTRL_C) process.kill(process.pid, 'SIGINT');
      else if (key === CTRL_Z) {
        this.#restore();
        process.kill(process.pid, 'SIGTSTP');
      } else this.onKey(key);
    }
  };
}
