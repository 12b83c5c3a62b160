/** The batches of ticks among the golden vectors: every kind, flag and form, and the limits of each field. */
import {
  Flag,
  GapReason,
  Kind,
  NO_SIZE,
  NO_TIME_S,
  NO_TRADE_ID,
  Records,
  StatusCode,
  writeGap,
  writeHeader,
  writeQuote,
  writeStatus,
  writeTimes,
  writeTrade,
} from '../../../src/core/tick.js';
import type { BatchOptions } from '../wire.js';

const S = 1_790_000_000;
const ENGINE = 0;
const EURUSD = 1;
const XAUUSD = 2;
const ODD_NAME = 3;
const WTI = 4;

/** Fills record `i`, whose symbolSeq is 100 + i and whose times are a fixed moment unless it says otherwise. */
type Write = (r: Records, i: number) => void;

export interface GoldenBatch {
  records: Records;
  seqs: number[];
  options: BatchOptions;
}

function head(r: Records, i: number, symbol: number, kind: number): void {
  writeHeader(r, i, symbol, kind, 3, 0, 100 + i);
  writeTimes(r, i, S, 250_000_000, S, 250_700_000 + i);
}

const quote =
  (symbol: number, bid: number, ask: number, bidSize = NO_SIZE, askSize = NO_SIZE, flags = 0): Write =>
  (r, i) => {
    head(r, i, symbol, Kind.quote | flags);
    writeQuote(r, i, bid, ask, bidSize, askSize);
  };
const trade =
  (symbol: number, price: number, size: number, tradeId: number, flags = 0): Write =>
  (r, i) => {
    head(r, i, symbol, Kind.trade | flags);
    writeTrade(r, i, price, size, tradeId);
  };
const status =
  (symbol: number, code: number, arg0 = 0, arg1 = 0, arg2 = 0): Write =>
  (r, i) => {
    head(r, i, symbol, Kind.status);
    writeStatus(r, i, code, arg0, arg1, arg2, 0);
  };
const gap =
  (symbol: number, reason: number, first: number, last: number, count: number): Write =>
  (r, i) => {
    head(r, i, symbol, Kind.gap);
    writeGap(r, i, reason, first, last, count);
    // A gap generated for one subscriber is no tick of the symbol.
    if (reason === GapReason.notHeld) r.u32[i * 16 + 3] = 0;
  };
const at =
  (write: Write, eventS: number, eventNs: number, recvS = S, recvNs = 250_700_000): Write =>
  (r, i) => {
    write(r, i);
    writeTimes(r, i, eventS, eventNs, recvS, recvNs);
  };
const symbolSeq =
  (write: Write, n: number): Write =>
  (r, i) => {
    write(r, i);
    r.u32[i * 16 + 3] = n;
  };

/** @param from the seq of the first record, the rest follow; or the seq of each */
function batch(writes: Write[], from: number | number[] = 65_001, options: BatchOptions = {}): GoldenBatch {
  const records = Records.allocate(writes.length);
  writes.forEach((write, i) => void write(records, i));
  const seqs = typeof from === 'number' ? writes.map((_, i) => from + i) : from;
  seqs.forEach((seq, i) => void (records.u32[i * 16 + 2] = seq >>> 0));
  return { records, seqs, options };
}

const plain = quote(EURUSD, 1.08512, 1.08514);
const sized = quote(XAUUSD, 2345.67, 2345.67, 12, 0.5, Flag.locked);
const FLAGS: readonly number[] = [
  Flag.crossed,
  Flag.locked,
  Flag.late,
  Flag.snapshot,
  Flag.suspicious,
  Flag.conflated,
];

/** By name: the batches of one packed frame. JSON and MessagePack send each as a message of its own. */
export const TICKS: Record<string, GoldenBatch[]> = {
  'ticks: one of each kind': [
    batch([
      plain,
      sized,
      at(quote(EURUSD, 1.085121, 1.08514, 1_000_000, NO_SIZE, Flag.late | Flag.conflated), NO_TIME_S, 0),
      trade(XAUUSD, 2345.68, 0.25, 987_654_321, Flag.buy),
      status(EURUSD, StatusCode.symbolDefined, 2, 5),
      gap(ENGINE, GapReason.sourceSequence, 501, 504, 4),
    ]),
  ],
  'ticks: a snapshot, with state of an earlier epoch': [
    batch([plain, sized, trade(XAUUSD, 2345.68, NO_SIZE, NO_TRADE_ID)], [0, 65_002, 0], {
      snapshot: true,
      baseSeq: 6000,
    }),
  ],
  'ticks: every flag': [
    batch([
      ...FLAGS.map((flag) => quote(EURUSD, 1.08514, 1.08514, NO_SIZE, NO_SIZE, flag)),
      quote(
        EURUSD,
        1.08515,
        1.08514,
        3,
        4,
        FLAGS.reduce((all, flag) => all | flag),
      ),
      trade(EURUSD, 1.08514, 1, 1, Flag.buy),
      trade(EURUSD, 1.08514, 1, 2, Flag.sell),
      trade(EURUSD, 1.08514, 1, 3),
    ]),
  ],
  'ticks: sizes of every scale': [
    batch([
      quote(XAUUSD, 2345.6, 2345.67, 0, 1),
      quote(XAUUSD, 2345.6, 2345.67, 536_870_911, 0.25),
      quote(XAUUSD, 2345.6, 2345.67, 0.12345, 0.00000001),
      quote(XAUUSD, 2345.6, 2345.67, NO_SIZE, 7),
      quote(XAUUSD, 2345.6, 2345.67, 536_870_912, 7),
      quote(XAUUSD, 2345.6, 2345.67, 7, 1 / 3),
    ]),
  ],
  'ticks: nothing but what must be known': [
    batch([plain, at(plain, NO_TIME_S, 0), at(trade(XAUUSD, 2345.68, NO_SIZE, NO_TRADE_ID), NO_TIME_S, 0)]),
  ],
  'ticks: event times in nanoseconds': [batch([at(plain, S, 250_000_001), at(plain, S - 1, 999_999_999)])],
  'ticks: event times in microseconds': [batch([at(plain, S, 250_001_000), at(plain, S + 2, 1000)])],
  'ticks: event times in milliseconds': [batch([at(plain, S, 251_000_000), at(plain, S - 3600, 0)])],
  'ticks: times far apart': [
    batch([
      plain,
      at(plain, S, 250_000_001),
      at(plain, S - 10_000_000, 0),
      at(plain, S, 0, S + 3, 0),
      at(plain, 0, 1, S, 250_699_999),
      at(plain, 4_102_444_800, 999_999_999, 4_102_444_800, 999_999_999),
    ]),
  ],
  'ticks: negative prices': [
    batch([
      quote(WTI, -37.63, -37.6, 5, 6),
      quote(WTI, -0.01, 0.01),
      quote(WTI, -1, 0),
      trade(WTI, -37.62, 1, 1),
    ]),
  ],
  'ticks: prices beyond the compact form': [
    batch([
      quote(EURUSD, 21_474.83647, 21_474.83647),
      quote(EURUSD, 21_474.83648, 21_474.83648),
      quote(EURUSD, 1, 1.65535),
      quote(EURUSD, 1, 1.65536),
      quote(EURUSD, 0.1 + 0.2, 0.7),
      quote(EURUSD, 1e-300, 1e300),
    ]),
  ],
  'ticks: every status': [batch(Object.values(StatusCode).map((code) => status(EURUSD, code, 3, 2, 1.5)))],
  'ticks: every gap': [
    batch(Object.values(GapReason).map((reason) => gap(ENGINE, reason, 2 ** 32 + 501, 2 ** 32 + 504, 4))),
  ],
  'ticks: a name that needs escapes': [batch([quote(ODD_NAME, 1, 2)])],
  'ticks: seq beyond 2^32': [
    batch([plain, trade(XAUUSD, 1, 1, 2 ** 53 - 1), plain, sized], 2 ** 32 - 2),
    batch([plain, trade(XAUUSD, 1, 1, 1), sized], [2 ** 47, 2 ** 47 + 70_000, 2 ** 47 + 65_535]),
  ],
  'ticks: seq far from the base': [
    batch([plain, plain, plain, trade(XAUUSD, 1, 1, 1)], [70_000, 70_000 + 65_535, 70_000 + 65_536, 1], {
      baseSeq: 70_000,
    }),
    batch([trade(XAUUSD, 1, 1, 1), plain], [2 ** 32 - 1, 2 ** 32], { baseSeq: 2 ** 32 }),
  ],
  'ticks: symbolSeq to its end': [batch([symbolSeq(plain, 2 ** 32 - 1), symbolSeq(plain, 0)])],
  'ticks: several subscriptions, shards and epochs': [
    batch([plain, sized], 11, { sub: 1, shard: 0, epoch: 4, seqs: [12, 900] }),
    batch([sized], 900, { sub: 1, shard: 1, epoch: 4, seqs: [12, 900] }),
    batch([plain], 5, { sub: 2, shard: 0, epoch: 3, seqs: [5, 0, 77], snapshot: true }),
    batch([gap(ENGINE, GapReason.notHeld, 6, 10, 5), plain], [6, 11], { sub: 4_000_000_000, seqs: [11] }),
  ],
};

/** Of one symbol, as an answer to `history` has them. */
export const HISTORY_TICKS = batch([
  plain,
  quote(EURUSD, 1.085121, 1.08514, 1_000_000, NO_SIZE, Flag.late),
  at(trade(EURUSD, 1.08513, 0.25, 987_654_321, Flag.sell), NO_TIME_S, 0),
  status(EURUSD, StatusCode.halted),
]);
