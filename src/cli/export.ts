/** `ticks export`: a range of the log as files that other programs read. */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { messageOf, TickwireError } from '../core/errors.js';
import { isPattern } from '../core/pattern.js';
import { KIND_NAMES, Kind, type KindName, kindsMaskOf } from '../core/tick.js';
import { copyLines, type ExportGap, type ExportRange, type LogSource } from '../export/copy.js';
import type { TextSink } from '../export/out-file.js';
import { byDay, bySymbol, type PlannedJob, SPLITS, type Split } from '../export/plan.js';
import { discardUnfinished, type ExportOutcome, exportToFiles, newMark } from '../export/run.js';
import { EXPORT_FORMATS, type ExportFormat } from '../export/writer.js';
import { parseZone } from '../feeds/mql/server-clock.js';
import { LogReader } from '../log/read/log-reader.js';
import { type Bound, parseBound } from '../replay/range.js';
import { LogStream } from '../replay/stream.js';
import { filterOf, readLogRegistry } from '../replay/symbols.js';
import { badUse, stopSignal } from './support/exit.js';
import { Missing } from './support/missing.js';
import { counted, LineOutput, note, Progress } from './support/stdout.js';
import { removedAtExit } from './support/temporaries.js';
import { SPREADSHEET } from './support/tick-output.js';

const ENDINGS: Record<ExportFormat, string> = {
  csv: '.csv',
  ndjson: '.ndjson',
  mt5: '.csv',
  parquet: '.parquet',
};
interface ExportFlags {
  data: string;
  from?: string;
  to?: string;
  symbols?: string[];
  kinds?: KindName[];
  format: ExportFormat;
  split?: Split;
  zone: string;
  spreadsheet?: boolean;
  out?: string;
  allowGaps?: boolean;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('export')
    .description('Write a range of the tick log to files, also while an engine runs on it.')
    .option('-d, --data <folder>', 'data folder', './data')
    .option('--from <time|epoch:seq>', 'where to begin, inclusive; default: the oldest tick')
    .option(
      '--to <time|epoch:seq>',
      'where to end; a time is exclusive, a place inclusive; default: the newest tick',
    )
    .option('-s, --symbols <patterns...>', 'names and patterns, such as EURUSD or XAU*; default: all')
    .option('--kinds <kinds>', `out of ${KIND_NAMES.join(',')}; default: all`, kindList)
    .addOption(new Option('-f, --format <format>', 'of the files').choices(EXPORT_FORMATS).default('csv'))
    .addOption(
      new Option('--split <how>', 'one file, or one a symbol or a UTC day; mt5: always one a symbol').choices(
        SPLITS,
      ),
    )
    .option('--zone <rule>', 'mt5: clock of the trade server, such as UTC+3 or America/New_York+7h', 'UTC')
    .option('--spreadsheet', `csv: ${SPREADSHEET}`)
    .option('-o, --out <path>', 'file to write, or folder where there are several; default: stdout')
    .option('--allow-gaps', 'end with exit code 0 although ticks of the range are missing in the log')
    .option('--json', 'when done, print figures as one JSON object; on stderr where stdout has the ticks')
    .addHelpText(
      'after',
      `
Files appear when they are whole, all at once; those of the same name are replaced. What the
log lacks of the range is told on stderr, and the exit code is 1 then, unless --allow-gaps is given. Times are those of receipt, UTC where no zone is given.

The mt5 layout holds quotes and trades only: their prices, the size and side of trades, and the time of the event
in milliseconds. "ticks import" gives the same quotes again. The others hold everything.

Examples:
  $ ticks export --symbols 'EUR*' --from 2024-06-19 --to 2024-06-20 --format parquet --out eur.parquet
  $ ticks export --format mt5 --zone America/New_York+7h --out ./mt5
  $ ticks export --format parquet --split day --out ./days
  $ ticks export --symbols EURUSD --kinds quote | gzip > eurusd.csv.gz`,
    )
    .action((flags: ExportFlags) => runExport(flags));
}

function kindList(text: string): KindName[] {
  const names = text.split(',').map((name) => name.trim());
  const wrong = names.find((name) => !(name in Kind));
  if (wrong !== undefined) throw badUse(`"${wrong}" is no kind; there are ${KIND_NAMES.join(', ')}.`);
  return names as KindName[];
}

async function runExport(flags: ExportFlags): Promise<void> {
  const split = flags.split ?? (flags.format === 'mt5' ? 'symbol' : 'none');
  checkFlags(flags, split);
  parseZone(flags.zone);
  const bounds = {
    ...(flags.from === undefined ? {} : { from: parseBound(flags.from) }),
    ...(flags.to === undefined ? {} : { to: parseBound(flags.to) }),
  };
  const registry = await readLogRegistry(flags.data);
  const reader = LogReader.open(flags.data);
  reader.hold(note);
  const progress = new Progress();
  try {
    const range: ExportRange = {
      ...bounds,
      filter: flags.symbols === undefined ? null : filterOf(registry, flags.symbols),
      kindsMask: kindsMaskOf(flags.kinds),
    };
    const total = new LogStream(reader, { ...bounds, filter: range.filter }).length;
    const tell = (ticks: number) => progress.tell(() => `${ticks} ticks of at most ${total}`);
    const source = { reader, registry };
    const outcome =
      flags.out === undefined
        ? await toStdout(flags, range, source, tell)
        : await toFiles(flags, flags.out, split, range, source, tell);
    progress.done();
    conclude(flags, outcome, bounds.to);
  } finally {
    progress.done();
    await reader.close();
  }
}

/** @throws TickwireError bad_config for what does not go together */
function checkFlags({ format, out, symbols }: ExportFlags, split: Split): void {
  if (format === 'mt5' && split !== 'symbol') {
    throw badUse('The mt5 layout has one symbol a file: leave --split away.');
  }
  if (out !== undefined) return;
  if (format === 'parquet') throw badUse('Parquet needs a place: give a file with --out.');
  const isOne = symbols?.length === 1 && !isPattern(symbols[0]);
  if (split === 'day' || (split === 'symbol' && !isOne)) {
    throw badUse('Several files need a folder: give it with --out. One symbol may go to stdout.');
  }
}

async function toFiles(
  flags: ExportFlags,
  out: string,
  split: Split,
  range: ExportRange,
  { reader, registry }: LogSource,
  tell: (ticks: number) => void,
): Promise<ExportOutcome> {
  const isFile = split === 'none';
  const folder = isFile ? path.dirname(path.resolve(out)) : path.resolve(out);
  makeFolder(folder, isFile ? path.resolve(out) : undefined);
  const jobs: PlannedJob[] =
    split === 'symbol'
      ? bySymbol(range, registry.symbolCount)
      : split === 'day'
        ? byDay(reader, range)
        : [{ name: path.basename(out), range }];
  const ending = isFile ? '' : ENDINGS[flags.format];
  const plan = { data: flags.data, ...styleOf(flags, flags.format), folder, mark: newMark(), ending, jobs };
  const forget = removedAtExit(() => discardUnfinished(plan));
  const outcome = await exportToFiles(plan, stopSignal(), tell).finally(forget);
  if (outcome === undefined) {
    throw new TickwireError('unsupported', 'The export was stopped: nothing was written.');
  }
  return outcome;
}

function styleOf<F extends ExportFormat>({ zone, spreadsheet }: ExportFlags, format: F) {
  return { format, zone, isForSheet: spreadsheet === true };
}

function makeFolder(folder: string, file: string | undefined): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new TickwireError('bad_input', `${folder} cannot be made: ${messageOf(error)}.`);
  }
  if (file !== undefined && existsSync(file) && statSync(file).isDirectory()) {
    throw new TickwireError(
      'bad_input',
      `${file} is a folder: name the file to write, or --split the export.`,
    );
  }
}

/** Lines on stdout, as much as its reader takes. */
class StdoutSink implements TextSink {
  readonly output = new LineOutput();
  waiting = 0;

  addText(text: string): boolean {
    this.output.addText(text);
    this.waiting += text.length;
    return false;
  }

  flush(): void {}
  finish(): void {}
}

async function toStdout(
  flags: ExportFlags,
  range: ExportRange,
  source: LogSource,
  tell: (ticks: number) => void,
): Promise<ExportOutcome> {
  const signal = stopSignal();
  const sink = new StdoutSink();
  const counts = { ticks: 0, unheld: 0 };
  const gaps: ExportGap[] = [];
  const style = styleOf(flags, flags.format as Exclude<ExportFormat, 'parquet'>);
  await copyLines(source, range, style, sink, counts, {
    async turn(ticks) {
      await sink.output.flush();
      await turn();
      tell(ticks);
      return signal.aborted;
    },
    gap: (gap) => {
      gaps.push(gap);
    },
  });
  await sink.output.flush();
  if (signal.aborted) {
    throw new TickwireError('unsupported', 'The export was stopped: what stdout has is only a part of it.');
  }
  return { ...counts, files: [], gaps, lost: source.reader.lostSegments() };
}

function conclude(
  flags: ExportFlags,
  { ticks, unheld, files, gaps, lost }: ExportOutcome,
  to: Bound | undefined,
): void {
  const missing = new Missing();
  for (const { epoch, shard, ...gap } of gaps) missing.gap(epoch, shard, gap);
  missing.conclude(lost, to, flags.allowGaps === true);
  if (flags.json) {
    const text = `${JSON.stringify({ ticks, unheld, missing: missing.ticks, files })}\n`;
    if (flags.out === undefined) process.stderr.write(text);
    else process.stdout.write(text);
    return;
  }
  if (ticks === 0) missing.empty();
  if (flags.out === undefined) return;
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const left = unheld === 0 ? '' : `; ${unheld} that the format cannot hold were left out`;
  process.stderr.write(
    `${counted(ticks, 'tick')} in ${counted(files.length, 'file')}, ${bytes} bytes${left}.\n`,
  );
}
