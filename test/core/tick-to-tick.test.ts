/** A record as an object, for the edges. */
import t from 'tap';
import {
  Flag,
  GapReason,
  Kind,
  NO_SIZE,
  NO_TIME_S,
  NO_TRADE_ID,
  Records,
  writeGap,
  writeHeader,
  writeQuote,
  writeStatus,
  writeTimes,
  writeTrade,
} from '../../src/core/tick.js';
import { flagNames, toTick } from '../../src/core/tick-record.js';

const r = Records.allocate(2);
const head = { symbolId: 9, sourceId: 65_535, symbolSeq: 0xffffffff, tsRecv: 4_000_000_000_000_000_005n };

function header(kindFlags: number): void {
  r.u8.fill(0xff);
  writeHeader(r, 1, 9, kindFlags, 65_535, 1, 0xffffffff);
  writeTimes(r, 1, 1_700_000_000, 123_456_789, 4_000_000_000, 5);
}

t.test('quote', async (t) => {
  header(Kind.quote | Flag.crossed | Flag.conflated);
  writeQuote(r, 1, 2, 1, NO_SIZE, 0);
  t.same(toTick(r, 1), {
    kind: 'quote',
    ...head,
    flags: ['crossed', 'conflated'],
    tsEvent: 1_700_000_000_123_456_789n,
    bid: 2,
    ask: 1,
    bidSize: null,
    askSize: 0,
  });
});

t.test('trade without time, size and id', async (t) => {
  header(Kind.trade | Flag.buy);
  writeTimes(r, 1, NO_TIME_S, 0, 4_000_000_000, 5);
  writeTrade(r, 1, -1.5, NO_SIZE, NO_TRADE_ID);
  t.same(toTick(r, 1), {
    kind: 'trade',
    ...head,
    flags: ['buy'],
    tsEvent: null,
    price: -1.5,
    size: null,
    tradeId: null,
  });
});

t.test('status and gap', async (t) => {
  header(Kind.status);
  writeStatus(r, 1, 6, 0xffffffff, 1, 2, 3);
  t.match(toTick(r, 1), { kind: 'status', code: 6, args: [0xffffffff, 1, 2, 3] });
  header(Kind.gap);
  writeGap(r, 1, GapReason.sourceSequence, 1, 2 ** 53, 3);
  t.match(toTick(r, 1), { kind: 'gap', reason: 1, first: 1, last: 2 ** 53, count: 3 });
});

t.test('every flag has its name', async (t) => {
  for (const [name, bit] of Object.entries(Flag)) t.same(flagNames(bit), [name]);
  t.same(flagNames(0), []);
});
