/** `ticks import`: recorded files into the log, beside a running engine or without one. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { codeOf, messageOf } from '../core/errors.js';
import { DIGITS_MAX } from '../core/limits.js';
import { listTickFiles } from '../feeds/file/index.js';
import { parseZone } from '../feeds/mql/server-clock.js';
import { takeOutImports } from '../import/remove.js';
import { type ImportOutcome, type ImportProgress, importFiles } from '../import/run.js';
import type { RejectReason } from '../pipeline/memory/counters.js';
import { badUse, ExitCode, stopSignal, wholeNumber } from './support/exit.js';
import { counted, Progress } from './support/stdout.js';

const DOING: Record<ImportProgress['doing'], string> = {
  look: 'Looking at',
  read: 'Reading',
  build: 'Building',
};

/** Files that are named one by one; the others are only counted. */
const FILES_TOLD = 20;

interface ImportFlags {
  data: string;
  remove?: string[];
  replace?: boolean;
  negative?: boolean;
  format?: 'csv' | 'mqltick' | 'bi5';
  symbol?: string;
  digits?: number;
  zone: string;
  alias?: Record<string, string>;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('import')
    .description(
      'Import recorded tick files into the log, or take an import out, also while an engine runs on it.',
    )
    .argument('[paths...]', 'files, folders, and patterns with * and ? in their last part')
    .option('-d, --data <folder>', 'data folder', './data')
    .addOption(
      new Option('-f, --format <format>', "default: by each file's name").choices(['csv', 'mqltick', 'bi5']),
    )
    .option('--symbol <name>', "raw symbol of files that hold one symbol; default: by each file's name")
    .option(
      '--digits <n>',
      "digits of the prices; default: learnt from them, of bi5 files by Dukascopy's list of instruments",
      wholeNumber(0, DIGITS_MAX),
    )
    .option('--negative', 'prices may be zero or negative (spreads, rates); default: such rows are left out')
    .option('--zone <rule>', 'clock of the trade server, such as UTC+3 or America/New_York+7h', 'UTC')
    .option('--alias <raw=name>', 'a symbol under another name; may be repeated', addAlias)
    .option('--replace', 'take the place of imports that have ticks of the same symbols and times')
    .option(
      '--remove <contents...>',
      'take imports out of the log instead, by their content (see "ticks log stat")',
    )
    .option('--json', 'print one JSON object when it is done')
    .addHelpText(
      'after',
      `
An import is named by its content: files that the log has already are passed over. It is there as a whole or not
at all. Ticks stand at the time of their event; who follows the live stream never sees them, and "ticks export",
"ticks replay" and queries by time do. Rows that cannot be used are counted, and some of them told on stderr. Files of
which nothing can be used are named, the others are taken; the exit code is 1 then.

Of a file that has grown since it was imported only the new ticks are taken; this is told. With --replace the whole
file is taken, and the import that had its beginning goes.

Examples:
  $ ticks import --data ./data ./history
  $ ticks import --zone America/New_York+7h './mt5/*.csv' --alias EURUSD.i=EURUSD
  $ ticks import --replace EURUSD_2024.csv
  $ ticks import --remove 7557a0438c5b`,
    )
    .action((paths: string[], flags: ImportFlags) => {
      if (flags.remove !== undefined && paths.length > 0)
        throw badUse('--remove takes no files: it takes imports out.');
      if (flags.remove !== undefined) return runRemove(flags.remove, flags);
      if (paths.length === 0) throw badUse('Name files to import, or an import to --remove.');
      return runImport(paths, flags);
    });
}

function addAlias(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [, raw, name] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (raw === undefined) throw new InvalidArgumentError('Expected RAW=NAME, such as EURUSD.i=EURUSD.');
  return { ...before, [raw]: name };
}

async function runImport(paths: string[], flags: ImportFlags): Promise<void> {
  const { data, zone } = flags;
  parseZone(zone);
  const { files, missing } = await namedFiles(paths);
  const options = {
    ...(flags.format === undefined ? {} : { format: flags.format }),
    ...(flags.symbol === undefined ? {} : { symbol: flags.symbol }),
    ...(flags.digits === undefined ? {} : { digits: flags.digits }),
    ...(flags.negative === undefined ? {} : { negative: flags.negative }),
    ...(flags.replace === undefined ? {} : { replace: flags.replace }),
    zone,
    aliases: flags.alias ?? {},
  };
  const progress = new Progress();
  try {
    const outcome = await importFiles(data, files, options, stopSignal(), ({ doing, ticks, total }) => {
      const share = total === 0 ? '' : ` of ${total}`;
      progress.tell(() => `${DOING[doing]} ${counted(files.length, 'file')}: ${ticks} ticks${share}`);
    });
    progress.done();
    conclude({ ...outcome, refused: [...missing, ...outcome.refused] }, flags);
  } finally {
    progress.done();
  }
}

/**
 * The files that the paths name, and the paths that name none: those cost the others nothing.
 * @throws TickwireError bad_input where no path names a file
 */
async function namedFiles(
  paths: readonly string[],
): Promise<{ files: string[]; missing: ImportOutcome['refused'] }> {
  const files = new Set<string>();
  const missing: ImportOutcome['refused'] = [];
  let first: unknown;
  for (const path of paths) {
    try {
      for (const file of await listTickFiles(path)) files.add(file);
    } catch (error) {
      if (codeOf(error) !== 'bad_input') throw error;
      first ??= error;
      missing.push({ file: path, why: messageOf(error) });
    }
  }
  if (files.size === 0) throw first;
  return { files: [...files], missing };
}

function badOf({ files }: ImportOutcome): Partial<Record<RejectReason, number>> {
  const sums: Partial<Record<RejectReason, number>> = {};
  for (const { bad } of files) {
    for (const [reason, { count }] of Object.entries(bad)) {
      sums[reason as RejectReason] = (sums[reason as RejectReason] ?? 0) + count;
    }
  }
  return sums;
}

async function runRemove(contents: string[], { data, json }: ImportFlags): Promise<void> {
  const { removed, lacking } = await takeOutImports(data, contents, stopSignal());
  for (const hash of lacking) {
    process.stderr.write(
      `Import ${short(hash)} lacks ticks that were in what was taken out: import its files again to have them.\n`,
    );
  }
  if (json) {
    process.stdout.write(`${JSON.stringify({ removed, lacking })}\n`);
    return;
  }
  for (const { hash, ticks } of removed) {
    process.stderr.write(
      `Took import ${short(hash)} out of the log: ${counted(ticks, 'tick')}, definitions counted in.\n`,
    );
  }
}

function short(hash: string): string {
  return hash.slice(0, 12);
}

/** Tells the first of many, and how many more there are. */
function tellSome<T>(all: readonly T[], tell: (one: T) => string, more: (count: number) => string): void {
  for (const one of all.slice(0, FILES_TOLD)) process.stderr.write(`${tell(one)}\n`);
  if (all.length > FILES_TOLD) process.stderr.write(`${more(all.length - FILES_TOLD)}\n`);
}

function tellRows({ files, refused }: ImportOutcome): void {
  const isRefused = new Set(refused.map(({ file }) => file));
  const bad = files
    .filter((file) => !isRefused.has(file.file))
    .flatMap(({ file, bad }) =>
      Object.entries(bad).map(([reason, { count, samples }]) => ({ file, reason, count, samples })),
    );
  tellSome(
    bad,
    ({ file, reason, count, samples }) =>
      `${file}: ${counted(count, 'row')} left out (${reason}), such as ${samples.map(({ where, why }) => `${where}: ${why}`).join('; ')}.`,
    (count) => `… and rows of ${count} files more.`,
  );
  if (
    bad.some(({ reason, samples }) => reason === 'bad_price' && samples.some(({ why }) => why.includes('-')))
  ) {
    process.stderr.write('Where prices may be zero or negative, say so by --negative.\n');
  }
  tellSome(
    refused,
    ({ why }) => why,
    (count) => `… and ${count} files more.`,
  );
  if (refused.length > 0)
    process.stderr.write(`Not imported: ${counted(refused.length, 'file')}, named above.\n`);
}

function tellNames({ nameless, refusedNames }: ImportOutcome): void {
  tellSome(
    refusedNames,
    ({ name, why }) => `${why} Give it another name by --alias '${name}=NAME'.`,
    (count) => `… and ${count} symbols more.`,
  );
  if (nameless > 0) process.stderr.write(`Left out: ${counted(nameless, 'tick')} of these symbols.\n`);
}

function tellOverlaps({ overlaps, doubles }: ImportOutcome): void {
  if (doubles > 0)
    process.stderr.write(
      `Ticks that are in more than one of the files are taken once: ${doubles} left out.\n`,
    );
  for (const { hash, importedAt, doubles, isReplaced } of overlaps) {
    const which = `import ${short(hash)} of ${new Date(importedAt).toISOString().slice(0, 19)}Z`;
    process.stderr.write(
      isReplaced
        ? `Took the place of ${which}, which had ${doubles} of the ticks.\n`.replace(
            ', which had 0 of the ticks',
            '',
          )
        : `The log has ticks of the same symbols and times from ${which}. ${doubles} are the same and were left out: ` +
            `--replace puts these files in the place of that import, "ticks import --remove ${short(hash)}" takes that import out.\n`,
    );
  }
}

function conclude(outcome: ImportOutcome, flags: ImportFlags): void {
  const { ticks, oneSided, files, known, empty, refused, refusedNames, days, hash } = outcome;
  tellRows(outcome);
  tellNames(outcome);
  tellOverlaps(outcome);
  if (refused.length > 0 || refusedNames.length > 0) process.exitCode = ExitCode.failed;
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ ...outcome, bad: badOf(outcome) })}\n`);
    return;
  }
  if (known.length > 0) {
    process.stderr.write(
      `Passed over, as in the log already or named twice: ${counted(known.length, 'file')}.\n`,
    );
  }
  if (empty.length > 0) {
    process.stderr.write(`Passed over, as empty: ${counted(empty.length, 'file')}, such as ${empty[0]}.\n`);
  }
  if (hash === undefined) {
    process.stderr.write('Nothing new: the log is as it was.\n');
    return;
  }
  if (oneSided > 0)
    process.stderr.write(
      `${oneSided} quotes with one side only are part of what followed them, or had no other side.\n`,
    );
  const taken = files.filter((file) => file.ticks > 0).length;
  process.stderr.write(
    `Imported ${counted(ticks, 'tick')} of ${counted(taken, 'file')} on ${counted(days.length, 'UTC day')} (content ${short(hash)}).\n`,
  );
}
