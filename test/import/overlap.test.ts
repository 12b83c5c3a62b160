/** Files that overlap with what the log has: told, nothing twice, replaced or taken out when asked for. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { takeOutImports } from '../../src/import/remove.js';
import { segmentsFolder } from '../../src/log/storage/segments.js';
import { write } from '../feeds/file/scratch.js';
import { fileOf, quotes, quotesOf, runImport, START_MS, verify } from './support.js';

const ROWS = 1_000;
const ALL = quotes(ROWS, START_MS, 500, 110_000);
const HALF = ALL.slice(0, ROWS / 2);
const never = new AbortController().signal;

const isWhole = async (t: Test, data: string) => {
  const checked = await verify(data);
  t.same([checked.damages, checked.catalog], [[], []]);
};

t.test('of a file that has grown only the new ticks are taken', async (t) => {
  const folder = t.testdir();
  const data = join(folder, 'data');
  const file = write(folder, 'EURUSD_x.csv', fileOf(HALF));
  const first = await runImport(data, [file]);
  writeFileSync(file, fileOf(ALL));
  const second = await runImport(data, [file]);
  t.equal(second.ticks, ROWS / 2);
  t.match(second.overlaps, [{ hash: first.hash, doubles: ROWS / 2, isReplaced: false }]);
  t.same(await quotesOf(data), await quotesOfAlone(t, folder, fileOf(ALL)));
  await isWhole(t, data);
  const third = await runImport(data, [file]);
  t.same([third.hash, third.known], [undefined, [file]]);

  await t.test('taken out, an import leaves room to be imported again', async (t) => {
    const out = await takeOutImports(data, [first.hash!.slice(0, 12)], never);
    t.same(out, { removed: [{ hash: first.hash, ticks: ROWS / 2 + 1 }], lacking: [second.hash] });
    t.equal((await quotesOf(data)).length, ROWS / 2);
    const back = await runImport(data, [file]);
    t.equal(back.ticks, ROWS / 2, 'what the second one had left out');
    t.same(await quotesOf(data), await quotesOfAlone(t, folder, fileOf(ALL)));
    await isWhole(t, data);
  });

  await t.test('--replace puts the whole file in the place of both', async (t) => {
    const whole = await runImport(data, [file], { replace: true });
    t.same([whole.ticks, whole.overlaps.length], [ROWS, 2]);
    t.ok(whole.overlaps.every(({ isReplaced }) => isReplaced));
    t.same(await quotesOf(data), await quotesOfAlone(t, folder, fileOf(ALL)));
    t.equal(readdirSync(segmentsFolder(data)).length, 2, 'the files of what was replaced are gone');
    await isWhole(t, data);
    const again = await runImport(data, [file], { replace: true });
    t.same([again.hash, again.known], [undefined, [file]], 'there is nothing to replace');
  });
});

async function quotesOfAlone(t: Test, folder: string, text: string): Promise<string[]> {
  const data = join(folder, `alone-${t.name.length}-${Math.random()}`);
  await runImport(data, [write(folder, 'EURUSD_alone.csv', text)]);
  return quotesOf(data);
}

t.test('what differs at the same times is kept, and told', async (t) => {
  const folder = t.testdir();
  const data = join(folder, 'data');
  const first = await runImport(data, [write(folder, 'EURUSD_a.csv', fileOf(ALL))]);
  const other = quotes(ROWS, START_MS, 500, 120_000);
  const second = await runImport(data, [write(folder, 'EURUSD_b.csv', fileOf(other))]);
  t.equal(second.ticks, ROWS);
  t.match(second.overlaps, [{ hash: first.hash, doubles: 0 }]);
  const later = quotes(10, START_MS + 3_600_000, 500, 110_000);
  const third = await runImport(data, [write(folder, 'EURUSD_c.csv', fileOf(later))]);
  t.same(third.overlaps, [], 'other times');
  const gbp = await runImport(data, [write(folder, 'GBPUSD_a.csv', fileOf(ALL))]);
  t.same([gbp.ticks, gbp.overlaps], [ROWS, []], 'another symbol');
  t.equal((await quotesOf(data)).length, 3 * ROWS + 10);
});

t.test('--replace never loses what the files do not cover', async (t) => {
  const folder = t.testdir();
  const data = join(folder, 'data');
  const gbp = write(folder, 'GBPUSD_x.csv', fileOf(ALL));
  const eur = write(folder, 'EURUSD_x.csv', fileOf(HALF));
  await runImport(data, [eur, gbp]);
  writeFileSync(eur, fileOf(ALL));
  const refused = { code: 'bad_input', message: /also has ticks of GBPUSD that these files do not cover/ };
  await t.rejects(runImport(data, [eur], { replace: true }), refused);
  t.equal((await quotesOf(data)).length, ROWS + ROWS / 2, 'nothing was changed');
  const done = await runImport(data, [eur, gbp], { replace: true });
  t.equal(done.ticks, 2 * ROWS, 'the file that is known is taken once more');
  t.equal((await quotesOf(data)).length, 2 * ROWS);
  await isWhole(t, data);
});

t.test('files of one import that overlap are taken once', async (t) => {
  const folder = t.testdir();
  const data = join(folder, 'data');
  const files = [write(folder, 'EURUSD_a.csv', fileOf(HALF)), write(folder, 'EURUSD_b.csv', fileOf(ALL))];
  const done = await runImport(data, files);
  t.same([done.ticks, done.doubles, done.overlaps], [ROWS, ROWS / 2, []]);
});

t.test('what one file has several times counts as often', async (t) => {
  const folder = t.testdir();
  const data = join(folder, 'data');
  const trade = `${ALL[0].split('\t').slice(0, 2).join('\t')}\t\t\t1.10000\t2\t24`;
  const file = write(folder, 'EURUSD_x.csv', fileOf([trade, trade]));
  t.equal((await runImport(data, [file])).ticks, 2);
  writeFileSync(file, fileOf(new Array(40).fill(trade)));
  const grown = await runImport(data, [file]);
  t.same([grown.ticks, grown.overlaps[0].doubles], [38, 2]);
});

t.test('only an import that is there can be taken out', async (t) => {
  const folder = t.testdir();
  const data = join(folder, 'data');
  const { hash } = await runImport(data, [write(folder, 'EURUSD_x.csv', fileOf(HALF))]);
  const refused = { code: 'bad_input', message: /There is no import/ };
  for (const name of ['0000', hash!.slice(0, 3), ''])
    await t.rejects(takeOutImports(data, [name], never), refused);
  await takeOutImports(data, [hash!], never);
  t.same(await quotesOf(data), []);
  await t.rejects(takeOutImports(data, [hash!], never), refused);
  t.equal((await runImport(data, [join(folder, 'EURUSD_x.csv')])).ticks, ROWS / 2, 'and be imported again');
});
