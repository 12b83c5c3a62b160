/** Random ticks, good and bad, and how they are offered to a sink and read back for comparison with the model. */

import {
  Flag,
  flagsOf,
  KIND_NAMES,
  Kind,
  kindOf,
  NO_PRICE,
  NO_SIZE,
  NO_TIME_S,
  NO_TRADE_ID,
  RECORD_F64,
  RECORD_U16,
  RECORD_U32,
  type Records,
  StatusCode,
} from '../../src/core/tick.js';
import { type FeedSink, type Source, Take } from '../../src/feeds/connector/feed-sink.js';
import type { BroadcastReader } from '../../src/pipeline/memory/broadcast-ring.js';
import type { ModelSymbol, ModelTick, RawTick } from './model.js';
import type { Random } from './random.js';

const BAD_PRICES = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1.5, 1e-9];

/** A random tick of one of `symbols`; about one in eight is bad in some way. */
export function randomTick(random: Random, symbols: Map<number, ModelSymbol>, position: number): RawTick {
  const symbol = random.pick([...symbols.keys()]);
  const { digits, negative } = symbols.get(symbol)!;
  const scale = 10 ** digits;
  const price = () => {
    // Whole points, a little off as floats are, but never near a half.
    const points = 1000 + random.below(1000) - (negative ? 1500 : 0) + (random.below(5) - 2) * 1e-4;
    if (random.chance(40)) return random.pick(BAD_PRICES);
    if (random.chance(8)) return NO_PRICE;
    return random.chance(20) ? 0 : points / scale;
  };
  const size = () => {
    if (random.chance(60)) return random.pick([-1, Number.POSITIVE_INFINITY]);
    return random.chance(4) ? NO_SIZE : random.below(1000) / 100;
  };
  const tick: RawTick = {
    kind: 'quote',
    symbol,
    position,
    s: random.chance(20) ? NO_TIME_S : 1_699_999_970 + random.below(3) + Math.floor(position / 50),
    ns: random.chance(100) ? 1_000_000_000 + random.below(1000) : random.below(1_000_000_000),
    flags: random.chance(10) ? Flag.snapshot : 0,
    values: [],
  };
  const what = random.below(20);
  if (what < 15) {
    tick.values = [price(), price(), size(), size()];
    if (random.chance(10)) tick.values[1] = tick.values[0];
  } else if (what < 18) {
    tick.kind = 'trade';
    tick.flags |= random.pick([0, Flag.buy, Flag.sell]);
    tick.values = [price(), size(), random.chance(3) ? NO_TRADE_ID : random.u32()];
  } else if (what === 18) {
    tick.kind = 'status';
    tick.flags = 0;
    tick.ns = 0;
    tick.symbol = random.chance(4) ? 0 : symbol;
    tick.values = [random.u32(), random.pick([StatusCode.halted, StatusCode.trading]), 1, 2.5, -3];
    tick.position = 0;
  } else {
    tick.kind = 'gap';
    tick.flags = 0;
    tick.ns = 0;
    tick.symbol = random.chance(4) ? 0 : symbol;
    tick.values = [1, random.below(100), 100 + random.below(100), random.below(50)];
    tick.position = 0;
  }
  if (random.chance(60) && what < 18) tick.symbol = random.pick([0, 60]);
  return tick;
}

/** Offers a tick as a connector does. False when the ring was full and nothing was counted. */
export function offer(sink: FeedSink, source: Source, tick: RawTick): boolean {
  const { symbol, flags, position, s, ns, values: v } = tick;
  if (tick.kind === 'status') return sink.status(source, symbol, v[1], v[0], v[2], v[3], v[4]);
  if (tick.kind === 'gap') return sink.gap(source, symbol, v[0], v[1], v[2], v[3]);
  if (sink.take(source, symbol, position) !== Take.accepted) return false;
  if (tick.kind === 'quote') sink.quote(source, symbol, flags, position, s, ns, v[0], v[1], v[2], v[3]);
  else sink.trade(source, symbol, flags, position, s, ns, v[0], v[1], v[2]);
  return true;
}

/** A sequenced record in the model's terms. */
export function sequencedTick(reader: BroadcastReader, seq: number): ModelTick & { seqLow: number } {
  const slot = reader.slot(seq);
  return { position: reader.positions[slot] / 2, ...recordTick(reader.records, slot) };
}

export function recordTick(r: Records, slot: number): Omit<ModelTick, 'position'> & { seqLow: number } {
  const w = slot * RECORD_U32;
  const d = slot * RECORD_F64;
  const kind = kindOf(r, slot);
  const isTimed = kind === Kind.quote || kind === Kind.trade;
  const f = [...r.f64.subarray(d + 4, d + 8)];
  const code = r.u16[slot * RECORD_U16 + 18];
  return {
    kind: KIND_NAMES[kind],
    symbolId: r.u32[w],
    seqLow: r.u32[w + 2],
    symbolSeq: r.u32[w + 3],
    flags: flagsOf(r, slot) & ~Flag.suspicious,
    s: isTimed ? r.u32[w + 4] : -1,
    ns: isTimed ? r.u32[w + 5] : -1,
    values:
      kind === Kind.quote
        ? f
        : kind === Kind.trade
          ? [f[0], f[2], f[3]]
          : kind === Kind.status
            ? [r.u32[w + 8], code, f[1], f[2], f[3]]
            : [code, f[1], f[2], f[3]],
  };
}
