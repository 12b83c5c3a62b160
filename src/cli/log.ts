/** `ticks log stat|verify`: what a log holds, and whether it is whole. */
import { setImmediate as immediate } from 'node:timers/promises';
import type { Command } from 'commander';
import { openStore } from '../log/store.js';
import { surveyLog } from '../log/survey.js';
import { LogVerifier } from '../log/verify.js';
import { readLogRegistry } from '../replay/symbols.js';
import { ExitCode, stopSignal, wholeNumber } from './exit.js';
import { statJson, statLines } from './log-stat-format.js';
import { verifyJson, verifyLines } from './log-verify-format.js';
import { Progress } from './output.js';

/** Symbols that are listed unless told otherwise. */
const TOP = 10;

interface LogFlags {
  data: string;
  json?: boolean;
}

export function registerLog(program: Command): void {
  const log = program.command('log').description('Look after the tick log of a data folder.');
  log
    .command('stat')
    .description(
      'Tell what the log holds: segments, epochs, imports, symbols, bytes a tick. Also beside an engine.',
    )
    .option('-d, --data <folder>', 'data folder', './data')
    .option('--top <n>', 'symbols to list, those with the most ticks', wholeNumber(0), TOP)
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Example:
  $ ticks log stat --data ./data --top 20`,
    )
    .action((flags: LogFlags & { top: number }) => stat(flags));
  log
    .command('verify')
    .description('Read all of the log, and name what is damaged: exit code 1 then. Also beside an engine.')
    .option('-d, --data <folder>', 'data folder', './data')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Every block is decoded, and its checksum, its place and the sequence from it to the next are looked at. Nothing is
written. "ticks log recover" saves what can be read of a damaged log.

Example:
  $ ticks log verify --data ./data --json | jq .damages`,
    )
    .action((flags: LogFlags) => verify(flags));
}

async function stat(flags: LogFlags & { top: number }): Promise<void> {
  const registry = await readLogRegistry(flags.data);
  const store = openStore(flags.data, { readOnly: true });
  const signal = stopSignal();
  try {
    const survey = await surveyLog(store, async () => {
      await immediate();
      return signal.aborted;
    });
    if (signal.aborted) {
      process.exitCode = ExitCode.failed;
      return;
    }
    const text = flags.json
      ? [JSON.stringify(statJson(survey, registry, flags.top))]
      : statLines(survey, registry, flags.top);
    process.stdout.write(`${text.join('\n')}\n`);
  } finally {
    await store.close();
  }
}

async function verify(flags: LogFlags): Promise<void> {
  const registry = await readLogRegistry(flags.data).catch(() => undefined);
  const store = openStore(flags.data, { readOnly: true });
  const signal = stopSignal();
  const progress = new Progress();
  try {
    const symbols = registry?.symbolCount ?? Number.MAX_SAFE_INTEGER;
    const result = await new LogVerifier(store, symbols).run(async (blocks) => {
      progress.tell(() => `${blocks} blocks`);
      await immediate();
      return signal.aborted;
    });
    progress.done();
    const text = flags.json ? [JSON.stringify(verifyJson(result))] : verifyLines(result);
    process.stdout.write(`${text.join('\n')}\n`);
    const isGood = result.isWhole && result.damages.length === 0 && result.catalog.length === 0;
    process.exitCode = isGood ? ExitCode.done : ExitCode.failed;
  } finally {
    progress.done();
    await store.close();
  }
}
