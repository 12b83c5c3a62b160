/** Puts the commands together. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { register as registerBench } from '../bench/cli.js';
import { registerDemo } from './demo.js';
import { report } from './exit.js';
import { registerExport } from './export.js';
import { registerImport } from './import.js';
import { registerLog } from './log.js';
import { endOnBrokenPipe } from './output.js';
import { registerReplay } from './replay.js';
import { registerServe } from './serve.js';
import { registerSimulate } from './simulate.js';
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
  endOnBrokenPipe();
  const program = createProgram();
  try {
    await program.parseAsync(argv as string[]);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return report(error, program.opts().verbose === true);
  }
}
