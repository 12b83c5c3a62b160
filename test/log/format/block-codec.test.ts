/** Whatever 64 bytes a record holds, a block gives them back. */
import fc from 'fast-check';
import t from 'tap';
import {
  NO_TIME_S,
  RECORD_U32,
  Records,
  U32_SEQ_LOW,
  U32_SYMBOL,
  U32_SYMBOL_SEQ,
  U32_TS_EVENT_S,
  U32_TS_RECV_S,
} from '../../../src/core/tick.js';
import { blockBytesMax, checkBlock, readTimes, writeBlock } from '../../../src/log/format/block.js';
import { BlockCodec } from '../../../src/log/format/block-codec.js';
import { readDirectory, readTicks } from '../../../src/log/format/block-ticks.js';
import { type Compression, recompressBlock } from '../../../src/log/format/compress.js';
import { Directory } from '../../../src/log/format/directory.js';
import { bytesOf, Market } from '../support.js';

const codec = new BlockCodec();

function blockOf(records: Records, count: number, firstSeq: number, digits: Uint8Array): Uint8Array {
  for (let i = 0; i < count; i++) records.u32[i * RECORD_U32 + U32_SEQ_LOW] = firstSeq + i;
  const out = new Uint8Array(7 + blockBytesMax(codec, count));
  return writeBlock(codec, 1, 0, firstSeq, records, count, digits, [], out, 7);
}

function isBack(block: Uint8Array, records: Records, count: number): boolean {
  const header = checkBlock(block);
  const back = Records.allocate(count);
  back.u8.fill(0xa5);
  return (
    header !== undefined &&
    readTicks(codec, block, header, back) === count &&
    bytesOf(records, 0, count).equals(bytesOf(back, 0, count))
  );
}

function roundTrip(records: Records, count: number, firstSeq: number, digits: Uint8Array): boolean {
  return isBack(blockOf(records, count, firstSeq, digits), records, count);
}

/** Whether the directory of a block says of its symbols what its records do. */
function directoryHolds(block: Uint8Array, records: Records, count: number, digits: Uint8Array): boolean {
  const known = new Map<number, [number, number]>();
  for (let i = 0; i < count; i++) {
    const id = records.u32[i * RECORD_U32 + U32_SYMBOL];
    const symbolSeq = records.u32[i * RECORD_U32 + U32_SYMBOL_SEQ];
    known.set(id, [known.get(id)?.[0] ?? symbolSeq, symbolSeq]);
  }
  const directory = new Directory(count);
  if (!readDirectory(block, checkBlock(block)!, directory) || directory.count !== known.size) return false;
  for (let k = 0; k < directory.count; k++) {
    const id = directory.symbolId[k];
    const [first, last] = known.get(id) ?? [];
    if (directory.firstSymbolSeq[k] !== first || directory.lastSymbolSeq[k] !== last) return false;
    if (id < digits.length && directory.digits[k] !== (digits[id] & 15)) return false;
  }
  return true;
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
  fc.integer({ min: -(2 ** 48), max: 2 ** 48 }).map((m) => m / 1e5),
  fc.constantFrom(0, -0, Number.NaN, Infinity, -Infinity, 5e-324, 2 ** 53, 2 ** 49 / 100, 1e15, 0.1 + 0.2),
);
const second = fc.oneof(
  fc.constantFrom(NO_TIME_S, 0, 1_700_000_000),
  fc.integer({ min: 1_700_000_000, max: 1_700_000_009 }),
  fc.integer({ min: 1_600_000_000, max: 1_800_000_000 }),
  word,
);
const nanos = fc.oneof(
  fc.integer({ min: 0, max: 999 }).map((ms) => ms * 1e6),
  fc.integer({ min: 0, max: 999_999_999 }),
  word,
);
const hostile = fc.record({
  symbol: fc.oneof(fc.integer({ min: 0, max: 3 }), word),
  head: fc.oneof(fc.constantFrom(0, 1, 2, 3, 0x10000, 0x10001), word),
  symbolSeq: word,
  times: fc.tuple(second, nanos, second, nanos),
  values: fc.tuple(price, price, price, price),
  tail: fc.option(fc.array(word, { minLength: 8, maxLength: 8 }), { freq: 3 }),
});
type Hostile = typeof hostile extends fc.Arbitrary<infer T> ? T : never;

const DIGITS = Uint8Array.of(0, 5, 2, 255);

function recordsOf(ticks: Hostile[]): Records {
  const r = Records.allocate(ticks.length);
  ticks.forEach((tick, i) => {
    r.u32.set([tick.symbol, tick.head, 0, tick.symbolSeq, ...tick.times], i * RECORD_U32);
    r.f64.set(tick.values, i * 8 + 4);
    if (tick.tail !== null) r.u32.set(tick.tail, i * RECORD_U32 + 8);
  });
  return r;
}

t.test('hostile records', async (t) => {
  fc.assert(
    fc.property(
      fc.array(hostile, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 2 ** 40 }),
      (ticks, first) => {
        const r = recordsOf(ticks);
        const block = blockOf(r, ticks.length, first, DIGITS);
        return isBack(block, r, ticks.length) && directoryHolds(block, r, ticks.length, DIGITS);
      },
    ),
    { numRuns: 2000, seed: 20_240_501 },
  );
  t.pass('every block came back bit for bit');
});

/** Whether the header has the lowest and highest of both times, without invalid ones. */
function timesHold(block: Uint8Array, r: Records, count: number): boolean {
  const told = new Uint32Array(8);
  readTimes(block, told);
  const wanted: bigint[] = [];
  for (const at of [U32_TS_RECV_S, U32_TS_EVENT_S]) {
    let least = 2n ** 64n - 1n;
    let most = 0n;
    for (let w = at; w < count * RECORD_U32; w += RECORD_U32) {
      if (r.u32[w] === NO_TIME_S) continue;
      const time = (BigInt(r.u32[w]) << 32n) | BigInt(r.u32[w + 1]);
      if (time < least) least = time;
      if (time > most) most = time;
    }
    wanted.push(least, most);
  }
  return wanted.every((time, k) => time === ((BigInt(told[2 * k]) << 32n) | BigInt(told[2 * k + 1])));
}

t.test('hostile records among ordinary ones', async (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 2499 }), hostile), { minLength: 1, maxLength: 12 }),
      fc.integer(),
      fc.constantFrom<Compression>('none', 'deflate', 'brotli'),
      (strangers, seed, compression) => {
        const market = new Market(20, seed);
        const r = Records.allocate(2500);
        for (let i = 0; i < 2500; i++) market.write(r, i);
        const odd = recordsOf(strangers.map(([, tick]) => tick));
        strangers.forEach(([at], k) => {
          r.u32.set(odd.u32.subarray(k * RECORD_U32, (k + 1) * RECORD_U32), at * RECORD_U32);
        });
        const block = recompressBlock(blockOf(r, 2500, 1, market.digits), compression);
        return (
          isBack(block, r, 2500) && directoryHolds(block, r, 2500, market.digits) && timesHold(block, r, 2500)
        );
      },
    ),
    { numRuns: 150, seed: 20_240_503 },
  );
  t.pass('every block came back bit for bit');
});

t.test('a market, compactly', async (t) => {
  const market = new Market(500, 7);
  const records = Records.allocate(8192);
  let bytes = 0;
  for (let block = 0; block < 10; block++) {
    for (let i = 0; i < 8192; i++) market.write(records, i);
    const made = blockOf(records, 8192, 1 + block * 8192, market.digits);
    bytes += made.length;
    t.ok(isBack(made, records, 8192));
  }
  t.ok(bytes / 81_920 < 9, `${(bytes / 81_920).toFixed(1)} bytes a tick`);
});

t.test('a symbol beyond all registries', async (t) => {
  const records = Records.allocate(2);
  records.u32[0] = 0xfffffff0;
  records.u32[RECORD_U32] = (1 << 20) - 1;
  t.ok(roundTrip(records, 2, 1, new Uint8Array(0)));
});

t.test('a quiet symbol in nanoseconds, its price far away at times', async (t) => {
  const records = Records.allocate(300);
  for (let i = 0; i < 300; i++) {
    const s = 1_700_000_000 + i * 1_000;
    records.u32.set([1, i % 5 === 0 ? 1 : 0, 0, i + 1, s, 123_456_789 + i, s, 987_654_321], i * RECORD_U32);
    const price = i % 7 === 0 ? 60_000 : 1e9 + i;
    records.f64.set([price, i % 5 === 0 ? 0 : price + 1, 1, i % 5 === 0 ? 1e15 * (i + 1) : 2], i * 8 + 4);
  }
  t.ok(roundTrip(records, 300, 1, Uint8Array.of(0, 8)));
});
