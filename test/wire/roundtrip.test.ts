/** Every encoding preserves every value of a record exactly. Compact forms are used only where they lose nothing. */
import fc from 'fast-check';
import t from 'tap';
import {
  FLAG_NAMES,
  Flag,
  Kind,
  NO_TIME_S,
  Records,
  writeGap,
  writeHeader,
  writeQuote,
  writeStatus,
  writeTimes,
  writeTrade,
} from '../../src/core/tick.js';
import { nanoseconds, toTick } from '../../src/core/tick-record.js';
import { unpackMessage } from '../../src/wire/msgpack.js';
import { decodePacked, encode, NAMES } from '../helpers/wire.js';

// A decoder may return small times as numbers.
const text = (_key: string, value: unknown) =>
  typeof value !== 'bigint' ? value : value <= Number.MAX_SAFE_INTEGER ? Number(value) : `${value}`;
const SEED = { seed: 7, numRuns: 300 };
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const nanos = fc.integer({ min: 0, max: 999_999_999 });
const anyNumber = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((x) => !Object.is(x, -0));
const price = fc.oneof(
  fc.integer({ min: 1, max: 300_000_000 }).map((i) => i / 100_000),
  fc.integer({ min: -5_000_000, max: 5_000_000 }).map((i) => i / 100),
  anyNumber,
);
const size = fc.oneof(fc.constant(Number.NaN), fc.integer({ min: 0, max: 1000 }), anyNumber);
const eventS = fc.oneof(fc.constant(NO_TIME_S), fc.integer({ min: 1_790_000_000, max: 1_790_000_003 }), u32);
const eventNs = fc.oneof(
  fc.integer({ min: 0, max: 999 }).map((ms) => ms * 1_000_000),
  nanos,
);
const recvS = fc.oneof(
  fc.integer({ min: 1_790_000_000, max: 1_790_000_002 }),
  u32.filter((s) => s !== NO_TIME_S),
);
const record = fc.record({
  kind: fc.constantFrom(Kind.quote, Kind.quote, Kind.quote, Kind.trade, Kind.status, Kind.gap),
  symbol: fc.integer({ min: 0, max: 3 }),
  flags: fc.subarray([...FLAG_NAMES]),
  symbolSeq: u32,
  step: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 200_000 }), fc.constant(2 ** 33)),
  times: fc.tuple(eventS, eventNs, recvS, nanos),
  values: fc.tuple(price, price, size, size),
  word: u32,
  code: fc.integer({ min: 0, max: 0xffff }),
});
type Made = typeof record extends fc.Arbitrary<infer R> ? R : never;

function write(made: Made[], first: number): { records: Records; seqs: number[] } {
  const records = Records.allocate(made.length);
  const seqs: number[] = [];
  let seq = first;
  made.forEach((m, i) => {
    seq += m.step;
    seqs.push(seq);
    const flags = m.flags.reduce((bits, name) => bits | Flag[name], 0);
    const [a, b, c, d] = m.values;
    writeHeader(records, i, m.symbol, m.kind | flags, 0, seq >>> 0, m.symbolSeq);
    writeTimes(records, i, ...m.times);
    if (m.kind === Kind.quote) writeQuote(records, i, a, b, c, d);
    else if (m.kind === Kind.trade) writeTrade(records, i, a, c, m.symbolSeq);
    else if (m.kind === Kind.status) writeStatus(records, i, m.code, m.word, a, b, a + b);
    else writeGap(records, i, m.code, seq, seq + 1, 2);
  });
  return { records, seqs };
}

const batch = fc.tuple(
  fc.array(record, { minLength: 1, maxLength: 40 }),
  fc.constantFrom(0, 1000, 2 ** 32 - 50, 2 ** 40),
);

t.test('packed', async (t) => {
  fc.assert(
    fc.property(batch, ([made, first]) => {
      const { records, seqs } = write(made, first);
      const ticks = decodePacked(encode('packed', records, seqs).message);
      t.equal(ticks.length, seqs.length);
      ticks.forEach((tick, i) => {
        const { sourceId: _, ...expected } = { seq: seqs[i], ...toTick(records, i) };
        const { sourceId: __, ...got } = tick;
        if (JSON.stringify(got, text) !== JSON.stringify(expected, text)) t.same(got, expected);
      });
    }),
    SEED,
  );
});

t.test('packed, quotes of a live market take 24 or 32 bytes', async (t) => {
  const records = Records.allocate(2);
  for (let i = 0; i < 2; i++) {
    writeHeader(records, i, 1, Kind.quote, 0, 10 + i, i);
    writeTimes(records, i, 1_790_000_000, 123_000_000 * i, 1_790_000_000, 5);
  }
  writeQuote(records, 0, 1.10001, 1.10003, Number.NaN, Number.NaN);
  writeQuote(records, 1, 1.10001, 1.10003, 1_000_000, Number.NaN);
  t.equal(encode('packed', records, [10, 11]).bytes, 24 + 32);
  writeQuote(records, 1, 1.100011, 1.10003, Number.NaN, Number.NaN);
  t.equal(encode('packed', records, [10, 11]).bytes, 24 + 64, 'a price beyond the digits is sent wide');
});

t.test('msgpack', async (t) => {
  fc.assert(
    fc.property(batch, ([made, first]) => {
      const { records, seqs } = write(made, first);
      const message = unpackMessage(encode('msgpack', records, seqs).message) as { ticks: unknown[][] };
      message.ticks.forEach((got, i) => {
        const tick = toTick(records, i);
        const [s, ns, rs, rns] = made[i].times;
        const event = s === NO_TIME_S ? null : nanoseconds(s, ns);
        const flags = made[i].flags.reduce((bits, name) => bits | Flag[name], 0);
        const head = [
          made[i].kind,
          tick.symbolId,
          seqs[i],
          tick.symbolSeq,
          flags,
          event,
          nanoseconds(rs, rns),
        ];
        const side = (flags & Flag.buy) !== 0 ? 1 : (flags & Flag.sell) !== 0 ? 2 : 0;
        const rest =
          tick.kind === 'quote'
            ? [tick.bid, tick.ask, tick.bidSize, tick.askSize]
            : tick.kind === 'trade'
              ? [tick.price, tick.size, side, tick.tradeId]
              : tick.kind === 'status'
                ? [tick.code, ...tick.args!.slice(0, 3)]
                : [tick.reason, tick.first, tick.last, tick.count];
        const expected = JSON.stringify([...head, ...rest], text);
        if (JSON.stringify(got, text) !== expected) t.equal(JSON.stringify(got, text), expected);
      });
    }),
    SEED,
  );
});

t.test('json', async (t) => {
  fc.assert(
    fc.property(batch, ([made, first]) => {
      const { records, seqs } = write(made, first);
      const message = JSON.parse(new TextDecoder().decode(encode('json', records, seqs).message));
      message.ticks.forEach((got: Record<string, unknown>, i: number) => {
        const { symbolId, sourceId: _, ...expected } = toTick(records, i);
        const { symbol, seq, side, ...rest } = got;
        t.equal(symbol, NAMES.symbols[symbolId].name);
        t.equal(seq, seqs[i]);
        const sorted = (o: object) => JSON.stringify(Object.entries(o).sort(), text);
        if (sorted(rest) !== sorted(expected)) t.same(rest, expected);
        if (expected.kind === 'trade' && side === null) t.notOk(expected.flags.includes('buy'));
      });
    }),
    { ...SEED, numRuns: 100 },
  );
});
