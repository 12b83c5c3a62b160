/** Puts the commands together. */
import { readFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { Command } from 'commander';
import { report } from './support/exit.js';
import { stdoutFailure, watchStdout } from './support/stdout-faults.js';

/**
 * The module that each command is in, in the order of `ticks --help`. A module loads only when its command is
 * named: loading all of them takes about a second of CPU.
 */
const COMMANDS: Record<string, () => Promise<{ register: (program: Command) => void }>> = {
  serve: () => import('./serve.js'),
  simulate: () => import('./simulate/command.js'),
  replay: () => import('./replay/command.js'),
  import: () => import('./import.js'),
  export: () => import('./export.js'),
  log: () => import('./log/command.js'),
  tail: () => import('./tail.js'),
  bench: () => import('../bench/cli.js'),
  demo: () => import('./demo.js'),
};

/** The version in package.json, two folders above the compiled file. */
function version(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/**
 * `ticks` with the command that `argv` names, or with all commands where it names none (help, a misspelt name).
 * A wrong use throws instead of ending the process.
 */
async function createProgram(argv: readonly string[]): Promise<Command> {
  const named = argv.find((argument) => !argument.startsWith('-'));
  const names = named !== undefined && Object.hasOwn(COMMANDS, named) ? [named] : Object.keys(COMMANDS);
  const program = new Command('ticks')
    .description(
      'Streams market-data ticks: one sequence, kept in a log, followed by any number of subscribers.',
    )
    .version(version())
    .option('--verbose', 'with an error, show where it comes from')
    .showHelpAfterError('Add --help for what is possible.')
    .exitOverride();
  const modules = await Promise.all(names.map((name) => COMMANDS[name]!()));
  for (const module of modules) module.register(program);
  for (const command of program.commands) inherit(command);
  return program;
}

/** Subcommands that were created on their own answer wrong use like the program itself. */
function inherit(command: Command): void {
  command.exitOverride().showHelpAfterError('Add --help for what is possible.');
  for (const inner of command.commands) inherit(inner);
}

/** Runs one command; resolves to the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  watchStdout();
  const program = await createProgram(argv.slice(2));
  let thrown: unknown;
  try {
    await program.parseAsync(argv as string[]);
  } catch (error) {
    thrown = error;
  }
  // Streams report a failure one turn later. The error that was thrown then follows from it.
  await turn();
  thrown = stdoutFailure() ?? thrown;
  return thrown === undefined
    ? Number(process.exitCode ?? 0)
    : report(thrown, program.opts().verbose === true);
}
