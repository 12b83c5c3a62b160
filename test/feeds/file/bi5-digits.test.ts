/** Prices of bi5 files are integers: the list of instruments says how many of their digits are decimals. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { bi5Digits } from '../../../src/feeds/file/bi5-scales.js';
import { bi5FileOf } from './bi5.js';
import { DATA } from './harness.js';
import { readAll, write } from './scratch.js';

const digitsOf = (name: string) => bi5Digits('x.bi5', [name]);

t.test('digits are those of the list, by whatever separators', async (t) => {
  for (const [digits, names] of [
    [1, ['BTCUSD', 'ETHUSD', 'LTCEUR', 'XAUJPY', '7203JPJPY', '7203.JP/JPY']],
    [2, ['VOLIDXUSD', 'MKRUSD', 'USDSAR']],
    [
      3,
      ['USDJPY', 'usdjpy', 'XAUUSD', 'XAGUSD', 'EURHUF', 'USA500IDXUSD', 'USA500.IDX/USD', 'USA500.IDX-USD'],
    ],
    [3, ['AAPLUSUSD', 'AAPL.US/USD', 'UNIUSD', 'ADAUSD', 'LIGHTCMDUSD', 'BUNDTREUR']],
    [4, ['USDCZK', 'USDTHB', 'GASCMDUSD', 'COPPERCMDUSD']],
    [5, ['EURUSD', 'EUR-USD', 'HKDJPY', 'XLMUSD', 'TRXUSD', 'BATUSD']],
    [6, ['AUDCNH', 'MXNCZK']],
  ] as const) {
    for (const name of names) t.equal(digitsOf(name), digits, name);
  }
});

t.test('an instrument that the list does not have is refused, with what to do', async (t) => {
  const refused = { code: 'bad_input', message: /FOOBAR is not in the list .*Set the digits option\.$/ };
  t.throws(() => digitsOf('FOOBAR'), refused);
  t.throws(() => digitsOf('USA500'), { message: /or use the name in the list \(USA500IDXUSD\)/ });
  const file = write(
    t.testdir(),
    'FOOBAR_2024-00-02_09h_ticks.bi5',
    await bi5FileOf([[0, 5_486_880, 5_486_877]]),
  );
  await t.rejects(readAll(file), refused);
  const read = await readAll(file, { digits: 3 });
  t.same([read.entries[0].bid, read.digits], [5486.877, [3]], 'digits that are given count');
});

t.test('the name of the file counts before the symbol that it is given', async (t) => {
  const folder = t.testdir();
  const bytes = await bi5FileOf([[0, 5_486_880, 5_486_877]]);
  const index = await readAll(write(folder, 'USA500IDXUSD_2024-00-02_09h_ticks.bi5', bytes), {
    symbol: 'SPX',
  });
  t.same([index.entries[0].raw, index.entries[0].bid], ['SPX', 5486.877]);
  const named = await readAll(write(folder, 'hours_2024-00-02_09h_ticks.bi5', bytes), { symbol: 'EURHUF' });
  t.equal(named.entries[0].bid, 5486.877);
});

const RECORDED = join(DATA, 'dukascopy_json', 'ticks-EUR-USD-2026-7-13-12.json');
const skip = existsSync(RECORDED) ? false : `the recording is not there: ${RECORDED} (set TICKWIRE_DATA)`;

t.test('Dukascopy itself gives the same scale with its ticks', { skip }, async (t) => {
  const { multiplier } = JSON.parse(readFileSync(RECORDED, 'utf8')) as { multiplier: number };
  t.equal(digitsOf('EUR-USD'), Math.round(-Math.log10(multiplier)));
});
