/** Whatever 64 bytes a record holds, a block gives them back. */
import fc from 'fast-check';
import t from 'tap';
import { RowCodec } from '../../src/log/codec.js';
import { RECORD_U32, Records, U32_SEQ_LOW } from '../../src/tick.js';
import { bytesOf, Market } from './support.js';

const codec = new RowCodec();

function roundTrip(records: Records, count: number, firstSeq: number, digits: Uint8Array): boolean {
  for (let i = 0; i < count; i++) records.u32[i * RECORD_U32 + U32_SEQ_LOW] = firstSeq + i;
  const out = new Uint8Array(7 + codec.maxBytes(count));
  const end = codec.encode(records, count, digits, out, 7);
  const back = Records.allocate(count);
  const ended = codec.decode(out.subarray(0, end), 7, count, firstSeq, back);
  return ended === end && end <= out.length && bytesOf(records, 0, count).equals(bytesOf(back, 0, count));
}

const special = [
  0, 1, 2, 7, 8, 9, 999_999_999, 1e9, 0x7fffffff, 0x80000000, 0xffffffff, 0x7ff80000, 0xfff00000,
];
const word = fc.oneof(
  fc.constantFrom(...special),
  fc.integer({ min: 0, max: 0xffffffff }),
  fc.integer({ min: 0, max: 9 }),
);
const price = fc.oneof(
  fc.double(),
  fc.integer({ min: -1000, max: 200_000 }).map((m) => m / 1e5),
  fc.constantFrom(0, -0, Number.NaN, Infinity, -Infinity, 5e-324, 2 ** 53, 2 ** 49 / 100, 1e15, 0.1 + 0.2),
);
const hostile = fc.record({
  symbol: fc.oneof(fc.integer({ min: 0, max: 3 }), word),
  head: fc.oneof(fc.constantFrom(0, 1, 2, 3, 0x10000, 0x10001), word),
  symbolSeq: word,
  times: fc.tuple(word, word, word, word),
  values: fc.tuple(price, price, price, price),
  tail: fc.option(fc.array(word, { minLength: 8, maxLength: 8 }), { freq: 3 }),
});

t.test('hostile records', async (t) => {
  const digits = Uint8Array.of(0, 5, 2, 255);
  fc.assert(
    fc.property(
      fc.array(hostile, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 2 ** 40 }),
      (ticks, first) => {
        const r = Records.allocate(ticks.length);
        ticks.forEach((tick, i) => {
          r.u32.set([tick.symbol, tick.head, 0, tick.symbolSeq, ...tick.times], i * RECORD_U32);
          r.f64.set(tick.values, i * 8 + 4);
          if (tick.tail !== null) r.u32.set(tick.tail, i * RECORD_U32 + 8);
        });
        return roundTrip(r, ticks.length, first, digits);
      },
    ),
    { numRuns: 2000, seed: 20_240_501 },
  );
  t.pass('every block came back bit for bit');
});

t.test('a market, compactly', async (t) => {
  const market = new Market(500, 7);
  const records = Records.allocate(4096);
  for (let block = 0; block < 20; block++) {
    for (let i = 0; i < 4096; i++) market.write(records, i);
    t.ok(roundTrip(records, 4096, 1 + block * 4096, market.digits));
  }
  const out = new Uint8Array(codec.maxBytes(4096));
  const bytes = codec.encode(records, 4096, market.digits, out, 0) / 4096;
  t.ok(bytes < 16, `${bytes.toFixed(1)} bytes a tick`);
});

t.test('a symbol beyond all registries goes raw', async (t) => {
  const records = Records.allocate(2);
  records.u32[0] = 0xfffffff0;
  records.u32[RECORD_U32] = (1 << 20) - 1;
  t.ok(roundTrip(records, 2, 1, new Uint8Array(0)));
});
