/** What a last-value table keeps of a block is what going through its ticks one by one gives, encoded or decoded. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  F64_BID,
  Flag,
  KIND_MASK,
  Kind,
  NO_TIME_S,
  RECORD_F64,
  RECORD_U16,
  RECORD_U32,
  Records,
  StatusCode,
  U16_STATUS_CODE,
  U32_KIND_FLAGS_SOURCE,
  U32_SYMBOL,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
} from '../../../src/core/tick.js';
import { checkBlock } from '../../../src/log/format/block.js';
import { BlockCodec } from '../../../src/log/format/block-codec.js';
import { readTicks } from '../../../src/log/format/block-ticks.js';
import {
  LAST_F64,
  LAST_QUOTE_F64,
  LAST_U32,
  LastBit,
  Lasts,
  LastU32,
} from '../../../src/log/format/last-values.js';
import { GOLDEN_TICKS, goldenRecords } from '../../helpers/golden/records.js';
import { Market, seeded } from '../support.js';

interface Last {
  quote?: string;
  trade?: string;
  status?: string;
  lastQuote?: number[];
}

/** A record's bytes. */
function hex(u32: Uint32Array, at: number): string {
  return Buffer.from(u32.slice(at, at + RECORD_U32).buffer).toString('hex');
}

/** The rules, tick by tick. */
function oneByOne({ u16, u32, f64 }: Records, count: number): Map<number, Last> {
  const lasts = new Map<number, Last>();
  for (let i = 0; i < count; i++) {
    const w = i * RECORD_U32;
    const id = u32[w + U32_SYMBOL];
    const last = lasts.get(id) ?? {};
    lasts.set(id, last);
    const head = u32[w + U32_KIND_FLAGS_SOURCE];
    const isLate = (head & Flag.late) !== 0;
    const kind = head & KIND_MASK;
    if (kind === Kind.quote) {
      last.lastQuote = [...f64.subarray(i * RECORD_F64 + F64_BID, i * RECORD_F64 + F64_BID + 4)];
      if (!isLate && (head & Flag.crossed) === 0) last.quote = hex(u32, w);
    }
    if (kind === Kind.trade && !isLate) last.trade = hex(u32, w);
    const code = u16[i * RECORD_U16 + U16_STATUS_CODE];
    if (kind === Kind.status && code !== StatusCode.symbolDefined) last.status = hex(u32, w);
  }
  return lasts;
}

function asMap({ count, u32, f64 }: Lasts): Map<number, Last> {
  const lasts = new Map<number, Last>();
  for (let k = 0; k < count; k++) {
    const w = k * LAST_U32;
    const what = u32[w + LastU32.what];
    const last: Last = {};
    if ((what & LastBit.quote) !== 0) last.quote = hex(u32, w + LastU32.quote);
    if ((what & LastBit.trade) !== 0) last.trade = hex(u32, w + LastU32.trade);
    if ((what & LastBit.status) !== 0) last.status = hex(u32, w + LastU32.status);
    const quote = k * LAST_F64 + LAST_QUOTE_F64;
    if ((what & LastBit.lastQuote) !== 0) last.lastQuote = [...f64.subarray(quote, quote + 4)];
    lasts.set(u32[w + LastU32.symbol], last);
  }
  return lasts;
}

/** A market with flags and statuses all over it. */
function mixed(count: number, seed: number): Records {
  const market = new Market(40, seed);
  const next = seeded(seed);
  const records = Records.allocate(count);
  for (let i = 0; i < count; i++) {
    market.write(records, i);
    const w = i * RECORD_U32 + U32_KIND_FLAGS_SOURCE;
    if (next() % 3 === 0) records.u32[w] |= Flag.late;
    if (next() % 5 === 0) records.u32[w] |= Flag.crossed;
    if (next() % 11 === 0) {
      records.u32[w] = Kind.status | (1 << 16);
      records.u32.fill(0, w + 7, w + 15);
      records.u16[i * RECORD_U16 + U16_STATUS_CODE] = 1 + (next() % 6);
    }
    if (next() % 4 === 0) {
      records.u32[w - U32_KIND_FLAGS_SOURCE + U32_TS_EVENT_S] = NO_TIME_S;
      records.u32[w - U32_KIND_FLAGS_SOURCE + U32_TS_EVENT_NS] = 0;
    }
    if (next() % 97 === 0) records.u32[w] = Kind.gap | (1 << 16);
  }
  return records;
}

t.test('of a block just encoded, and of the same decoded', async (t) => {
  const codec = new BlockCodec();
  const lasts = new Lasts();
  for (const [count, seed] of [
    [1, 1],
    [77, 2],
    [3_000, 3],
    [8_192, 4],
  ] as const) {
    const records = mixed(count, seed);
    const wanted = oneByOne(records, count);
    const out = new Uint8Array(codec.maxBytes(count));
    const end = codec.encode(records, count, new Uint8Array(64), out, 0);
    codec.lasts(records, count, lasts);
    t.same(asMap(lasts), wanted, `${count} encoded`);
    const back = Records.allocate(count);
    const other = new BlockCodec();
    other.decode(other.version, out.subarray(0, end), 0, count, records.u32[2], back);
    other.lasts(back, count, lasts);
    t.same([...asMap(lasts).keys()], [...wanted.keys()], `${count} decoded`);
    t.same(asMap(lasts), oneByOne(back, count));
  }
});

t.test('of a golden block', async (t) => {
  const block = readFileSync(join('fixtures', 'log', 'block-v2.bin'));
  const header = checkBlock(block);
  if (header === undefined) throw new Error('The checksum is wrong.');
  const codec = new BlockCodec();
  const back = Records.allocate(GOLDEN_TICKS);
  readTicks(codec, block, header, back);
  const lasts = new Lasts();
  codec.lasts(back, GOLDEN_TICKS, lasts);
  const { records } = goldenRecords(GOLDEN_TICKS);
  t.same(asMap(lasts), oneByOne(records, GOLDEN_TICKS));
});
