/** `ticks log stat|verify|recover`: what a log holds, whether it is whole, and what can be saved if not. */
import { existsSync, rmSync } from 'node:fs';
import { setImmediate as immediate } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { COMPRESSIONS, type Compression } from '../../log/format/compress.js';
import { compactLog } from '../../log/maintain/compact.js';
import { recoverLog } from '../../log/repair/recover.js';
import { openToRecover } from '../../log/repair/recover-catalog.js';
import { surveyLog } from '../../log/repair/survey.js';
import { LogVerifier } from '../../log/repair/verify.js';
import { logFolder } from '../../log/storage/catalog.js';
import { openStore } from '../../log/storage/log-store.js';
import { readLogRegistry } from '../../replay/symbols.js';
import { ExitCode, stopSignal, wholeNumber } from '../support/exit.js';
import { Progress } from '../support/stdout.js';
import { removedAtExit } from '../support/temporaries.js';
import { sizeText, statJson, statLines } from './stat-format.js';
import { verifyJson, verifyLines } from './verify-format.js';

/** Symbols that are listed unless an option says otherwise. */
const TOP = 10;

interface LogFlags {
  data: string;
  json?: boolean;
}

export function register(program: Command): void {
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
  log
    .command('compact')
    .description('Recompress all closed segments now. Without an engine: that does it in the background.')
    .option('-d, --data <folder>', 'data folder', './data')
    .addOption(new Option('--compression <how>', 'of the blocks').choices(COMPRESSIONS).default('brotli'))
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Every block is compared with what it was before the old file goes. The segment that is still open stays as it is.

Example:
  $ ticks log compact --data ./data`,
    )
    .action((flags: LogFlags & { compression: Compression }) => compact(flags));
  log
    .command('recover')
    .description('Save what can be read of a damaged log into a new folder. The old one is only read.')
    .option('-d, --data <folder>', 'data folder with the damaged log', './data')
    .requiredOption('-o, --out <folder>', 'data folder to make')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Stop the engine on the folder first: what it writes meanwhile is not in the new one. What could not be saved
is a gap there: readers are told of it, and "ticks log verify" names it. Exit code 1 where anything was lost.

Example:
  $ ticks log recover --data ./data --out ./recovered && ticks serve --data ./recovered`,
    )
    .action((flags: LogFlags & { out: string }) => recover(flags));
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

async function recover(flags: LogFlags & { out: string }): Promise<void> {
  const { store, troubles: before, close } = await openToRecover(flags.data);
  const signal = stopSignal();
  const progress = new Progress();
  const isNew = !existsSync(flags.out);
  let forget: (() => void) | undefined;
  try {
    const recovered = await recoverLog(store, flags.out, async (blocks) => {
      const created = isNew ? flags.out : logFolder(flags.out);
      forget ??= removedAtExit(() => rmSync(created, { recursive: true, force: true }));
      progress.tell(() => `${blocks} blocks saved`);
      await immediate();
      return signal.aborted;
    });
    const saved = { ...recovered, troubles: [...before, ...recovered.troubles] };
    progress.done();
    if (flags.json) {
      process.stdout.write(`${JSON.stringify(saved)}\n`);
    } else {
      const { segments, blocks, ticks, lostBlocks, lostSymbols, troubles } = saved;
      const lines = [...troubles, `${ticks} ticks in ${blocks} blocks of ${segments} segments were saved.`];
      if (lostBlocks > 0) lines.push(`${lostBlocks} damaged blocks could not be.`);
      if (lostSymbols > 0)
        lines.push(`The names of ${lostSymbols} symbols are lost: they are LOST.<id> now.`);
      lines.push(`"ticks log verify --data ${flags.out}" names the gaps.`);
      process.stdout.write(`${lines.join('\n')}\n`);
    }
    const isWhole = saved.lostBlocks === 0 && saved.lostSymbols === 0 && saved.troubles.length === 0;
    process.exitCode = isWhole ? ExitCode.done : ExitCode.failed;
  } finally {
    forget?.();
    progress.done();
    await close();
  }
}

async function compact(flags: LogFlags & { compression: Compression }): Promise<void> {
  const signal = stopSignal();
  const progress = new Progress();
  try {
    const done = await compactLog(flags.data, flags.compression, (left) => {
      progress.tell(() => `${left} segments left`);
      return signal.aborted;
    });
    progress.done();
    const before = done.reduce((sum, segment) => sum + segment.bytesBefore, 0);
    const bytes = done.reduce((sum, segment) => sum + segment.bytes, 0);
    const text = flags.json
      ? JSON.stringify({ segments: done, bytesBefore: before, bytes })
      : `${done.length} segments were recompressed: ${sizeText(bytes)}, of ${sizeText(before)}.`;
    process.stdout.write(`${text}\n`);
  } finally {
    progress.done();
  }
}
