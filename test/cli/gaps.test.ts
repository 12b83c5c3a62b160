/** A log whose last segment was cut off: `export` and `replay` report what is missing, also by their exit code. */
import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { write } from '../feeds/file/scratch.js';
import { fileOf, quotes, runImport, START_MS } from '../import/support.js';
import { run, temporaryFolder } from './support.js';

const ROWS = 12_000;

t.test('the tail of an import', async (t) => {
  const cwd = temporaryFolder(t);
  const data = join(cwd, 'data');
  await runImport(data, [write(cwd, 'EURUSD_x.csv', fileOf(quotes(ROWS, START_MS, 10, 110_000)))]);
  const segments = join(data, 'log', 'segments');
  const file = join(segments, readdirSync(segments).sort().at(-1)!, 'data.mdb');
  truncateSync(file, statSync(file).size >> 1);

  const told = /Not in the log: \d+:(\d+) to \d+:(\d+) of shard 0 \(corrupt\)/;
  for (const args of [['export'], ['export', '--out', 'x.parquet', '--format', 'parquet'], ['replay']]) {
    const what = args.join(' ');
    const [strict, lenient] = await Promise.all([
      run(t, [...args, '--json'], { cwd }),
      run(t, [...args, '--allow-gaps'], { cwd }),
    ]);
    t.equal(strict.code, 1, what);
    t.equal(lenient.code, 0, `${what} --allow-gaps`);
    for (const { stderr } of [strict, lenient]) {
      t.match(stderr, told, what);
      t.match(stderr, /"ticks log verify" names the files/, what);
    }
    const [, first, last] = told.exec(strict.stderr)!;
    const figures = JSON.parse(
      (strict.stderr + strict.stdout)
        .split('\n')
        .find((line) => line[0] === '{' && line.includes('missing'))!,
    );
    t.equal(figures.missing, Number(last) - Number(first) + 1, what);
    t.equal(figures.ticks + figures.missing, ROWS + 1, `${what}: every tick is accounted for`);
  }
  const verified = await run(t, ['log', 'verify'], { cwd });
  t.match(verified.stdout, /its end is missing/);
});
