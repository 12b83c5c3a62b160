import t from 'tap';
import {
  RECORD_BYTES,
  RECORD_U32,
  Records,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
} from '../../../src/core/tick.js';
import { Market, marketStateWords, STANDARD_MARKET } from '../../../src/feeds/synthetic/index.js';

const TICKS = 50_000;

function recordsOf(market: Market, count: number): Buffer {
  const records = Records.allocate(count);
  market.fill(records, 0, count);
  return Buffer.from(records.u8);
}

t.test('the same options give the same ticks, another seed gives others', async (t) => {
  const one = recordsOf(new Market(), TICKS);
  t.ok(one.equals(recordsOf(new Market(STANDARD_MARKET), TICKS)));
  t.notOk(one.equals(recordsOf(new Market({ ...STANDARD_MARKET, seed: 2 }), TICKS)));
});

t.test('a market continues from a saved state bit by bit', async (t) => {
  const options = { ...STANDARD_MARKET, symbols: 40, seed: 77 };
  const whole = recordsOf(new Market(options), TICKS);
  const words = new Float64Array(marketStateWords(options.symbols));
  const pieces: Buffer[] = [];
  let market = new Market(options);
  for (let left = TICKS, size = 1; left > 0; size = size * 3 + 1) {
    const count = Math.min(left, size);
    pieces.push(recordsOf(market, count));
    left -= count;
    market.save(words);
    market = new Market(options, words);
  }
  t.equal(
    pieces.reduce((sum, piece) => sum + piece.length, 0),
    TICKS * RECORD_BYTES,
  );
  t.ok(whole.equals(Buffer.concat(pieces)));
  t.throws(() => new Market({ ...options, seed: 78 }, words), { code: 'bad_input' });
});

t.test('seconds beyond the last one of 32 bits begin again, and leave nanoseconds alone', async (t) => {
  const times = (startS: number): number[][] => {
    const ticks = 4_000;
    const records = Records.allocate(ticks);
    new Market({ ...STANDARD_MARKET, ticksPerSecond: 1_000, startS }).fill(records, 0, ticks);
    return Array.from({ length: ticks }, (_, i) => [
      (records.u32[i * RECORD_U32 + U32_TS_EVENT_S] - startS) >>> 0,
      records.u32[i * RECORD_U32 + U32_TS_EVENT_NS],
    ]);
  };
  const wanted = times(0);
  t.ok(wanted[3_999][0] > 1);
  t.same(times(0xffffffff), wanted);
});
