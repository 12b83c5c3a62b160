/** Puts the commands together. */
import { readFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { Command } from 'commander';
import { register as registerBench } from '../bench/cli.js';
import { registerDemo } from './demo.js';
import { report } from './exit.js';
import { registerExport } from './export.js';
import { registerImport } from './import.js';
import { registerLog } from './log.js';
import { registerReplay } from './replay.js';
import { registerServe } from './serve.js';
import { registerSimulate } from './simulate.js';
import { stdoutFailure, watchStdout } from './stdout.js';
import { register as registerTail } from './tail.js';

/** The version in package.json, two folders above the compiled file. */
function version(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** All commands of `ticks`. A wrong use throws instead of ending the process. */
export function createProgram(): Command {
  const program = new Command('ticks')
    .description(
      'Streams market-data ticks: one sequence, kept in a log, followed by any number of subscribers.',
    )
    .version(version())
    .option('--verbose', 'with an error, show where it comes from')
    .showHelpAfterError('Add --help for what is possible.')
    .exitOverride();
  registerServe(program);
  registerSimulate(program);
  registerReplay(program);
  registerImport(program);
  registerExport(program);
  registerLog(program);
  registerTail(program);
  registerBench(program);
  registerDemo(program);
  for (const command of program.commands) inherit(command);
  return program;
}

/** Subcommands that were made on their own answer wrong use like the program itself. */
function inherit(command: Command): void {
  command.exitOverride().showHelpAfterError('Add --help for what is possible.');
  for (const inner of command.commands) inherit(inner);
}

/** Runs one command; resolves to the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  watchStdout();
  const program = createProgram();
  let thrown: unknown;
  try {
    await program.parseAsync(argv as string[]);
  } catch (error) {
    thrown = error;
  }
  // Streams tell a turn later that they failed. What was thrown follows from that then.
  await turn();
  thrown = stdoutFailure() ?? thrown;
  return thrown === undefined
    ? Number(process.exitCode ?? 0)
    : report(thrown, program.opts().verbose === true);
}
