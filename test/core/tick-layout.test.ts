/** The bytes of a record are a contract with the log, the wire and every thread: pinned one by one. */
import t from 'tap';
import {
  ENGINE_SYMBOL,
  FLAGS_MASK,
  Flag,
  flagsOf,
  GapReason,
  isCritical,
  KIND_MASK,
  Kind,
  kindOf,
  NO_PRICE,
  NO_SIZE,
  NO_TIME_S,
  NO_TRADE_ID,
  RECORD_BYTES,
  Records,
  StatusCode,
  writeGap,
  writeHeader,
  writeQuote,
  writeStatus,
  writeTimes,
  writeTrade,
} from '../../src/core/tick.js';

/** Three records, of which the middle one is written: its neighbours show any byte that goes astray. */
function around(write: (r: Records, i: number) => void): { view: DataView; bytes: Uint8Array } {
  const r = Records.allocate(3);
  r.u8.fill(0xee);
  write(r, 1);
  for (let i = 0; i < RECORD_BYTES; i++) {
    if (r.u8[i] !== 0xee || r.u8[2 * RECORD_BYTES + i] !== 0xee) throw new Error('a neighbour was written');
  }
  const bytes = r.u8.slice(RECORD_BYTES, 2 * RECORD_BYTES);
  return { view: new DataView(bytes.buffer), bytes };
}

t.test('header and times', async (t) => {
  const { view, bytes } = around((r, i) => {
    writeHeader(r, i, 0xfedcba98, Kind.trade | Flag.sell, 0xabcd, 0x87654321, 0xfffffffe);
    writeTimes(r, i, 0xf1234567, 999_999_999, 0x81234567, 1);
  });
  t.equal(view.getUint32(0, true), 0xfedcba98, 'symbolId');
  t.equal(view.getUint16(4, true), 1 | (1 << 10), 'kind and flags');
  t.equal(view.getUint16(6, true), 0xabcd, 'sourceId');
  t.equal(view.getUint32(8, true), 0x87654321, 'seqLow');
  t.equal(view.getUint32(12, true), 0xfffffffe, 'symbolSeq');
  t.equal(view.getUint32(16, true), 0xf1234567, 'tsEvent s');
  t.equal(view.getUint32(20, true), 999_999_999, 'tsEvent ns');
  t.equal(view.getUint32(24, true), 0x81234567, 'tsRecv s');
  t.equal(view.getUint32(28, true), 1, 'tsRecv ns');
  t.ok(
    bytes.subarray(32).every((b) => b === 0xee),
    'nothing of the second half',
  );
});

t.test('quote', async (t) => {
  const { view, bytes } = around((r, i) => writeQuote(r, i, 1.25, -2.5, 3e300, NO_SIZE));
  t.ok(
    bytes.subarray(0, 32).every((b) => b === 0xee),
    'nothing of the first half',
  );
  t.equal(view.getFloat64(32, true), 1.25, 'bid');
  t.equal(view.getFloat64(40, true), -2.5, 'ask');
  t.equal(view.getFloat64(48, true), 3e300, 'bidSize');
  t.ok(Number.isNaN(view.getFloat64(56, true)), 'askSize');
});

t.test('trade', async (t) => {
  const { view } = around((r, i) => writeTrade(r, i, 1.25, 7, 2 ** 53));
  t.equal(view.getFloat64(32, true), 1.25, 'price');
  t.equal(view.getFloat64(40, true), 0, 'unused and zero');
  t.equal(view.getFloat64(48, true), 7, 'size');
  t.equal(view.getFloat64(56, true), 2 ** 53, 'tradeId');
});

t.test('status', async (t) => {
  const { view } = around((r, i) => writeStatus(r, i, 0xfff0, 0xffffffff, 1.5, -2.5, 3.5));
  t.equal(view.getUint32(32, true), 0xffffffff, 'arg0');
  t.equal(view.getUint16(36, true), 0xfff0, 'code');
  t.equal(view.getUint16(38, true), 0, 'stays 0, so that the word is no NaN');
  t.equal(view.getFloat64(40, true), 1.5, 'arg1');
  t.equal(view.getFloat64(48, true), -2.5, 'arg2');
  t.equal(view.getFloat64(56, true), 3.5, 'arg3');
});

t.test('gap', async (t) => {
  const { view } = around((r, i) => writeGap(r, i, GapReason.logShed, 10, 2 ** 40, 5));
  t.equal(view.getUint32(32, true), 0, 'unused and zero');
  t.equal(view.getUint16(36, true), 4, 'reason');
  t.equal(view.getUint16(38, true), 0, 'unused and zero');
  t.equal(view.getFloat64(40, true), 10, 'first');
  t.equal(view.getFloat64(48, true), 2 ** 40, 'last');
  t.equal(view.getFloat64(56, true), 5, 'count');
});

t.test('numbers that others store', async (t) => {
  t.equal(RECORD_BYTES, 64);
  t.same(Kind, { quote: 0, trade: 1, status: 2, gap: 3 });
  t.same(Flag, {
    crossed: 8,
    locked: 16,
    late: 32,
    snapshot: 64,
    suspicious: 128,
    conflated: 256,
    buy: 512,
    sell: 1024,
  });
  t.equal(
    Object.values(Flag).reduce((a: number, b) => a | b, 0),
    FLAGS_MASK,
  );
  t.equal(FLAGS_MASK & KIND_MASK, 0);
  t.same(StatusCode, {
    symbolDefined: 1,
    sourceUp: 2,
    sourceDown: 3,
    symbolStale: 4,
    halted: 5,
    trading: 6,
  });
  t.same(GapReason, { sourceSequence: 1, feedOverflow: 2, feedRestart: 3, logShed: 4, notHeld: 5 });
  t.equal(ENGINE_SYMBOL, 0);
  t.equal(NO_TIME_S, 0xffffffff);
  t.equal(NO_PRICE, Number.MAX_VALUE);
  t.ok(Number.isNaN(NO_SIZE) && Number.isNaN(NO_TRADE_ID));
});

t.test('kind and flags are read apart, whatever the source beside them', async (t) => {
  const r = Records.allocate(2);
  for (const kind of Object.values(Kind)) {
    for (const flags of [0, ...Object.values(Flag), FLAGS_MASK]) {
      writeHeader(r, 1, 1, kind | flags, 0xffff, 0, 0);
      t.equal(kindOf(r, 1), kind);
      t.equal(flagsOf(r, 1), flags);
    }
    t.equal(isCritical(kind), kind !== Kind.quote);
  }
});

t.test('records may lie anywhere on eight bytes', async (t) => {
  const r = new Records(new SharedArrayBuffer(8 + 2 * RECORD_BYTES), 8, 2);
  t.equal(r.capacity, 2);
  writeQuote(r, 1, 1, 2, 3, 4);
  t.equal(new DataView(r.u8.buffer).getFloat64(8 + RECORD_BYTES + 40, true), 2);
  t.equal(new Records(new ArrayBuffer(640)).capacity, 10);
});
