/** `ticks import`: recorded files into the log, beside a running engine or without one. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { listTickFiles } from '../feeds/file/index.js';
import { parseZone } from '../feeds/mt5/zone.js';
import { type ImportOutcome, type ImportProgress, importFiles } from '../import/run.js';
import { DIGITS_MAX } from '../limits.js';
import type { RejectReason } from '../pipeline/counters.js';
import { stopSignal, wholeNumber } from './exit.js';
import { Progress } from './output.js';

const DOING: Record<ImportProgress['doing'], string> = {
  identify: 'Looking at the files',
  read: 'Reading',
  build: 'Building',
};

interface ImportFlags {
  data: string;
  format?: 'csv' | 'mqltick' | 'bi5';
  symbol?: string;
  digits?: number;
  zone: string;
  alias?: Record<string, string>;
  json?: boolean;
}

export function registerImport(program: Command): void {
  program
    .command('import')
    .description('Import recorded tick files into the log, also while an engine runs on it.')
    .argument('<paths...>', 'files, folders, and patterns with * and ? in their last part')
    .option('-d, --data <folder>', 'data folder', './data')
    .addOption(
      new Option('-f, --format <format>', "default: by each file's name").choices(['csv', 'mqltick', 'bi5']),
    )
    .option('--symbol <name>', "raw symbol of files that hold one symbol; default: by each file's name")
    .option('--digits <n>', 'digits of the prices; default: learnt from them', wholeNumber(0, DIGITS_MAX))
    .option('--zone <rule>', 'clock of the trade server, such as UTC+3 or America/New_York+7h', 'UTC')
    .option('--alias <raw=name>', 'a symbol under another name; may be repeated', addAlias)
    .option('--json', 'print one JSON object when it is done')
    .addHelpText(
      'after',
      `
An import is named by its content: files that the log has already are passed over. It is there as a whole or not
at all. Ticks stand at the time of their event; who follows the live stream never sees them, and "ticks export",
"ticks replay" and queries by time do. Rows that cannot be used are counted, and some of them told on stderr.

Examples:
  $ ticks import --data ./data ./history
  $ ticks import --zone America/New_York+7h './mt5/*.csv' --alias EURUSD.i=EURUSD`,
    )
    .action((paths: string[], flags: ImportFlags) => runImport(paths, flags));
}

function addAlias(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [, raw, name] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (raw === undefined) throw new InvalidArgumentError('Expected RAW=NAME, such as EURUSD.i=EURUSD.');
  return { ...before, [raw]: name };
}

async function runImport(paths: string[], flags: ImportFlags): Promise<void> {
  const { data, zone } = flags;
  parseZone(zone);
  const files = [...new Set(await listTickFiles(paths))];
  const options = {
    ...(flags.format === undefined ? {} : { format: flags.format }),
    ...(flags.symbol === undefined ? {} : { symbol: flags.symbol }),
    ...(flags.digits === undefined ? {} : { digits: flags.digits }),
    zone,
    aliases: flags.alias ?? {},
  };
  const progress = new Progress();
  try {
    const outcome = await importFiles(data, files, options, stopSignal(), ({ doing, ticks, total }) => {
      const share = total === 0 ? '' : ` of ${total}`;
      progress.tell(() => `${DOING[doing]} ${files.length} files: ${ticks} ticks${share}`);
    });
    progress.done();
    conclude(outcome, flags);
  } finally {
    progress.done();
  }
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

function conclude(outcome: ImportOutcome, flags: ImportFlags): void {
  for (const { file, bad } of outcome.files) {
    for (const [reason, { count, samples }] of Object.entries(bad)) {
      const told = samples.map(({ where, why }) => `${where}: ${why}`).join('; ');
      process.stderr.write(`${file}: ${count} rows left out (${reason}), such as ${told}.\n`);
    }
  }
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ ...outcome, bad: badOf(outcome) })}\n`);
    return;
  }
  const { ticks, held, files, known, days, hash } = outcome;
  if (known.length > 0) {
    process.stderr.write(`${known.length} files are in the log already, or were named twice: passed over.\n`);
  }
  if (hash === undefined) {
    process.stderr.write('Nothing new: the log is as it was.\n');
    return;
  }
  if (held > 0)
    process.stderr.write(
      `${held} quotes with one side only stand in what followed them, or had no other side.\n`,
    );
  process.stderr.write(
    `Imported ${ticks} ticks of ${files.length} files on ${days.length} days (content ${hash.slice(0, 12)}).\n`,
  );
}
