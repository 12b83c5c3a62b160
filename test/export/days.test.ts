/** `--split day`: a file for each day that has wanted ticks, and none for those between; together they are the range. */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { basename, join } from 'node:path';
import t from 'tap';
import { Kind } from '../../src/core/tick.js';
import type { ExportRange } from '../../src/export/copy.js';
import { byDay } from '../../src/export/plan.js';
import { type ExportOutcome, exportToFiles } from '../../src/export/run.js';
import { LogReader } from '../../src/log/read/log-reader.js';
import { readLogRegistry } from '../../src/replay/symbols.js';
import { write } from '../feeds/file/scratch.js';
import { fileOf, quotes, runImport } from '../import/support.js';

const ROWS = 500;
const DAY_MS = 86_400_000;
const OLD_MS = Date.UTC(1971, 0, 5);
const NEW_MS = Date.UTC(2024, 5, 18);
const ALL = 0xff;
const never = new AbortController().signal;

t.test('days that lie far apart', async (t) => {
  const folder = t.testdir();
  const data = join(folder, 'data');
  // One stray tick, and three days of another symbol with a day between without any.
  await runImport(data, [write(folder, 'OLD_x.csv', fileOf(quotes(1, OLD_MS, 1, 1000)))]);
  const days = [0, 1, 3].flatMap((day) => quotes(ROWS, NEW_MS + day * DAY_MS, 1000, 110_000));
  await runImport(data, [write(folder, 'NEW_x.csv', fileOf(days))]);
  const registry = await readLogRegistry(data);
  const filter = (name: string) => {
    const wanted = new Uint8Array(registry.symbolCount);
    wanted[registry.symbolId(name)!] = 1;
    return wanted;
  };

  let exports = 0;
  const run = async (
    range: ExportRange,
  ): Promise<{ outcome: ExportOutcome; jobs: number; lines: string[] }> => {
    const to = join(folder, `out-${++exports}`);
    mkdirSync(to);
    const reader = LogReader.open(data);
    const jobs = byDay(reader, range);
    const style = { format: 'csv', zone: 'UTC', isForSheet: false } as const;
    const plan = { data, ...style, folder: to, mark: '.x-', ending: '.csv', jobs };
    // As the command does it, the reader stays open meanwhile.
    const outcome = (await exportToFiles(plan, never, () => {}))!;
    await reader.close();
    t.same(
      readdirSync(to).sort(),
      outcome.files.map(({ file }) => basename(file)),
    );
    const lines = outcome.files.flatMap(({ file }) => readFileSync(file, 'utf8').split('\n').slice(1, -1));
    return { outcome, jobs: jobs.length, lines };
  };
  const names = ({ files }: ExportOutcome) => files.map(({ file }) => basename(file, '.csv'));
  const NEW_DAYS = ['2024-06-18', '2024-06-19', '2024-06-21'];

  const all = await run({ filter: null, kindsMask: ALL });
  t.same(names(all.outcome), ['1971-01-05', ...NEW_DAYS]);
  t.equal(all.jobs, 4, 'a job for each of them');
  t.equal(all.lines.filter((line) => line.includes(',quote,')).length, 3 * ROWS + 1);
  t.equal(new Set(all.lines).size, all.lines.length, 'each once');

  t.same(names((await run({ filter: filter('NEW'), kindsMask: ALL })).outcome), NEW_DAYS, 'of one symbol');
  t.same(names((await run({ filter: filter('OLD'), kindsMask: ALL })).outcome), ['1971-01-05']);
  t.same(names((await run({ filter: null, kindsMask: 1 << Kind.trade })).outcome), [], 'there are no trades');
  const from = { kind: 'time', seconds: (NEW_MS + DAY_MS) / 1000 + 100, nanos: 0 } as const;
  const to = { kind: 'time', seconds: (NEW_MS + 3 * DAY_MS) / 1000 + 100, nanos: 0 } as const;
  const part = await run({ from, to, filter: null, kindsMask: ALL });
  t.same(names(part.outcome), NEW_DAYS.slice(1));
  t.equal(part.lines.length, ROWS - 100 + 100);

  const epoch = Number(all.lines.at(-1)!.split(',')[0]);
  const placed = await run({ from: { kind: 'seq', epoch, seqs: [1] }, filter: null, kindsMask: ALL });
  t.same(names(placed.outcome), NEW_DAYS, 'a place in an import is of that alone, on every day');
  t.equal(placed.outcome.ticks, 3 * ROWS + 1);

  const segments = join(data, 'log', 'segments');
  const middle = readdirSync(segments).find((name) => name.startsWith('2024-06-19'))!;
  const file = join(segments, middle, 'data.mdb');
  truncateSync(file, statSync(file).size >> 1);
  const damaged = await run({ filter: null, kindsMask: ALL });
  t.same(names(damaged.outcome), ['1971-01-05', '2024-06-18', '2024-06-21']);
  const missing = damaged.outcome.gaps.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  t.equal(missing, ROWS, 'a day that is lost is told, although no file is of it');

  for (const name of readdirSync(segments)) rmSync(join(segments, name), { recursive: true });
  const lost = await run({ filter: null, kindsMask: ALL });
  t.same(names(lost.outcome), []);
  t.equal(
    lost.outcome.gaps.reduce((sum, { first, last }) => sum + last - first + 1, 0),
    all.outcome.ticks,
    'all of it is told',
  );
});
