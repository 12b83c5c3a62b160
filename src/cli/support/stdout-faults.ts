/** What is done where stdout cannot be written: its reader has gone, or the disk behind it is full. */
import { writeSync } from 'node:fs';
import { messageOf, TickwireError } from '../../core/errors.js';
import { stop } from './exit.js';

let failure: TickwireError | undefined;

/** Why stdout could not be written, if so. */
export function stdoutFailure(): TickwireError | undefined {
  return failure;
}

/**
 * Ends quietly when the reader of stdout has gone, as `head` does. Any other failure ends the command, which must
 * report it.
 */
export function watchStdout(): void {
  const { stdout, stderr } = process;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    failure ??= new TickwireError(
      'bad_input',
      `stdout cannot be written: ${messageOf(error)}. What it has is not whole.`,
    );
    stop();
  });
  // Nobody is left to read a report.
  stderr.on('error', () => {});
  for (const stream of [stdout, stderr]) writeWhole(stream as unknown as SyncStream);
}

interface SyncStream {
  readonly constructor: { readonly name: string };
  readonly fd: number;
  _write(chunk: Uint8Array, encoding: string, done: (error?: unknown) => void): void;
}

/**
 * Of a file, Node writes once and takes it for done, although a disk that fills up takes a part: the end of the output
 * would be lost without an error.
 */
function writeWhole(stream: SyncStream): void {
  if (stream.constructor.name !== 'SyncWriteStream') return;
  stream._write = (chunk, _encoding, done) => {
    try {
      for (let at = 0; at < chunk.length; ) at += writeSync(stream.fd, chunk, at);
    } catch (error) {
      done(error);
      return;
    }
    done();
  };
}
