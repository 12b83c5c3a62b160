/** Parquet as Python's users open it: by pandas, to the nanosecond. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { run } from '../cli/support.js';
import { write } from '../feeds/file/scratch.js';
import { fileOf, quotes, runImport, START_MS } from '../import/support.js';

const ROWS = 2_000;
const SCRIPT = `
import json, sys, pandas
frame = pandas.read_parquet(sys.argv[1])
quotes = frame[frame.kind == 'quote']
print(json.dumps([len(quotes), quotes.bid.iloc[0], quotes.tsEvent.iloc[0].value, str(quotes.tsEvent.dtype)]))
`;

const has = spawnSync('python3', ['-c', 'import pandas, pyarrow']).status === 0;
// Debian has pandas, and no engine for Parquet beside it.
const skip = has ? false : 'python3 lacks pandas or pyarrow here (pip install pandas pyarrow)';

t.test('pandas reads what was exported', { skip }, async (t) => {
  const folder = t.testdir();
  const data = join(folder, 'data');
  await runImport(data, [write(folder, 'EURUSD_x.csv', fileOf(quotes(ROWS, START_MS, 10, 110_000)))]);
  const out = join(folder, 'ticks.parquet');
  const done = await run(t, ['export', '--data', data, '--format', 'parquet', '--out', out]);
  t.equal(done.code, 0, done.stderr);
  const [count, bid, ns, type] = JSON.parse(String(execFileSync('python3', ['-c', SCRIPT, out])));
  t.same([count, bid, type], [ROWS, 1.1, 'datetime64[ns, UTC]']);
  t.equal(BigInt(ns), BigInt(START_MS) * 1_000_000n);
});
