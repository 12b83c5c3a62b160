/**
 * How commands end: 0 done, 1 failed, 2 wrong use. An error is one sentence with its code; the stack
 * is printed only on request.
 */
import { CommanderError, InvalidArgumentError } from 'commander';
import { codeOf, messageOf, TickwireError } from '../../core/errors.js';

export const ExitCode = { done: 0, failed: 1, wrongUse: 2 } as const;
/** As a shell reports a process that a signal ended. */
const ENDED_BY = { SIGINT: 130, SIGTERM: 143 } as const;
type Signal = keyof typeof ENDED_BY;
const SIGNALS = Object.keys(ENDED_BY) as Signal[];
/** Milliseconds that a command has to end by itself after a signal. */
const END_MS = 600;

const stopping = new AbortController();

/** Stops the command as a signal does. */
export function stop(): void {
  stopping.abort();
}

/** Writes an error to stderr and returns the exit code for it. */
export function report(error: unknown, verbose: boolean): number {
  if (error instanceof CommanderError) {
    // Commander has said it already; asking for help or the version is no error.
    return error.exitCode === 0 ? ExitCode.done : ExitCode.wrongUse;
  }
  const code = codeOf(error);
  process.stderr.write(`ticks: ${messageOf(error)}${code === undefined ? '' : ` [${code}]`}\n`);
  if (verbose && error instanceof Error && error.stack !== undefined)
    process.stderr.write(`${error.stack}\n`);
  return code === 'bad_config' ? ExitCode.wrongUse : ExitCode.failed;
}

/**
 * Waits for SIGINT or SIGTERM; a second one ends the process at once.
 * @param signal ends the wait early
 */
export function untilStopped(signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    for (const name of SIGNALS) {
      process.on(name, () => {
        if (stopping.signal.aborted) process.exit(ENDED_BY[name]);
        stop();
      });
    }
    for (const end of [stopping.signal, signal]) {
      if (end?.aborted) resolve();
      end?.addEventListener('abort', () => resolve(), { once: true });
    }
  });
}

/**
 * An abort signal that SIGINT and SIGTERM set off, for commands that are busy until they are done. What does not end
 * within a moment then is ended, and `temporary` files go.
 */
export function stopSignal(): AbortSignal {
  const abort = new AbortController();
  let code: number = ExitCode.failed;
  for (const name of SIGNALS) process.once(name, () => (code = ENDED_BY[name]));
  void untilStopped().then(() => {
    // A command that is done has its exit code already; what keeps its process may be a peer that does not answer.
    setTimeout(() => process.exit(process.exitCode ?? code), END_MS).unref();
    abort.abort();
  });
  return abort.signal;
}

/** An error in how the command was called: exit code 2. */
export function badUse(message: string): TickwireError {
  return new TickwireError('bad_config', message);
}

/** Parsers of option values, for commander. */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
    throw new InvalidArgumentError(`Expected a whole number ${range}.`);
  };
}

export const portNumber = wholeNumber(0, 65_535);

/** Recorded seconds per second, or `max`. */
export function speedValue(text: string): number | 'max' {
  if (text === 'max') return 'max';
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('Expected a number above 0, such as 1 or 10, or "max".');
}
