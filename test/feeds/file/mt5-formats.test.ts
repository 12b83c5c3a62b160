import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { DATA } from './harness.js';
import { readAll } from './scratch.js';

const FOLDER = join(DATA, 'mt5_live');
const skip = existsSync(FOLDER) ? false : `the recordings are not there: ${FOLDER} (set TICKWIRE_DATA)`;

t.test('export, MqlTick and polled CSV of the same ticks give the same ticks', { skip }, async (t) => {
  const polled = await readAll(join(FOLDER, 'EURUSD_quote_ticks.csv'));
  const exported = await readAll(join(FOLDER, 'DERIVED_EURUSD_mt5_export.csv'), { symbol: 'EURUSD' });
  const packed = await readAll(join(FOLDER, 'DERIVED_EURUSD_mqltick60.bin'), { symbol: 'EURUSD' });
  t.equal(polled.entries.length, 89);
  t.same(packed, polled);

  // The same fields by plain means: ask,bid,flags,last,symbol,time_msc,…; prices rounded to 5 digits.
  const lines = readFileSync(join(FOLDER, 'EURUSD_quote_ticks.csv'), 'utf8').trim().split(/\r?\n/).slice(1);
  const expected = lines.map((line) => {
    const [ask, bid, , , raw, msc] = line.split(',');
    return {
      raw,
      kind: 1,
      ms: Number(msc),
      bid: Number(Number(bid).toFixed(5)),
      ask: Number(Number(ask).toFixed(5)),
    };
  });
  t.match(polled.entries, expected);
  t.same(polled.digits, [5], 'float artefacts are not digits');

  // The export blanks a side by the flags of the tick. Where the poll missed ticks in between, that side had
  // moved unseen, and a reader of the export cannot know.
  const flags = lines.map((line) => Number(line.split(',')[2]));
  let [bid, ask] = [0, 0];
  const carried = polled.entries.map((entry, i) => {
    if ((flags[i] & 2) !== 0) bid = entry.bid;
    if ((flags[i] & 4) !== 0) ask = entry.ask;
    return { ...entry, bid, ask };
  });
  t.same(exported.entries, carried);
  const same = carried.filter(
    (entry, i) => entry.bid === polled.entries[i].bid && entry.ask === polled.entries[i].ask,
  );
  t.equal(same.length, 82);
});
