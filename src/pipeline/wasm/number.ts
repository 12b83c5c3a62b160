/** Numbering: raw records become numbered ones where they stand. This is the hot path. */
import { applyQuote, applyTrade, midMove } from './apply';
import {
  AT_ASK_SIZE,
  AT_BID,
  AT_BID_SIZE,
  AT_EVENT_NS,
  AT_EVENT_S,
  AT_HEAD,
  AT_PRICE,
  AT_SEQ_LOW,
  AT_SIZE,
  AT_SYMBOL,
  AT_SYMBOL_SEQ,
  CONFLATED,
  COUNT_CRITICAL,
  COUNT_CROSSED,
  COUNT_LATE,
  COUNT_LOCKED,
  COUNT_RELEASED,
  COUNT_SUSPICIOUS,
  COUNTS,
  CRITICALS,
  CROSSED,
  KIND_MASK,
  LABEL_KIND_SHIFT,
  LABELS,
  LATE,
  LOCKED,
  POSITIONS,
  QUOTE,
  RECORD,
  RECORDS,
  S_BID,
  S_DEVIATION,
  S_HELD,
  S_QUOTE_S,
  S_READY,
  S_SCALE,
  S_SYMBOL_SEQ,
  S_TRADE_S,
  STATE,
  STATES,
  SUSPICIOUS,
  TRADE,
} from './layout';
import { symbols } from './states';

/** A move of the mid beyond this many mean moves is suspicious, once the symbol has ticked often enough to tell. */
const SUSPICIOUS_MOVES: f64 = 50;
const SUSPICIOUS_AFTER: u32 = 64;
const SECOND_NS: u32 = 1_000_000_000;
/** From here on, as far as EXACT, adding it and rounding down is `Math.round`. */
const HALF: f64 = 0.5;
/** Beyond this a price times its power of ten is no exact integer, and is left as it came. */
const EXACT: f64 = 4_503_599_627_370_496;

/**
 * Numbers quotes and trades from `seq` on for as long as nothing about them is uncommon.
 * @param from index of the first one, `end` that after the last
 * @param settled whether the prices and sizes of the first one were looked at and are right as they stand
 * @returns the index of the record that it stopped at: of another kind, to be refused, in need of a definition first,
 *   with a price that is missing, not positive or very large
 */
export function number(from: u32, end: u32, seq: f64, settled: boolean): u32 {
  // Below 2^53 the low half of a seq is that of it as an integer.
  const seqLow = <u32>(<u64>seq) - from;
  for (let i = from; i < end; i++) {
    const at = RECORDS + <usize>i * RECORD;
    const id = load<u32>(at, AT_SYMBOL);
    let head = load<u32>(at, AT_HEAD);
    const kind = head & KIND_MASK;
    if (kind > TRADE || id >= symbols) return i;
    const state = STATES + <usize>id * STATE;
    if (load<u32>(state, S_READY) === 0 || load<u32>(at, AT_EVENT_NS) >= SECOND_NS) return i;
    const isSettled = settled && i === from;
    if (kind === QUOTE) {
      let prices = v128.load(at, AT_BID);
      if (!isSettled) {
        if (!isSize(load<f64>(at, AT_BID_SIZE)) || !isSize(load<f64>(at, AT_ASK_SIZE))) return i;
        const scale = v128.load64_splat(state, S_SCALE);
        const points = f64x2.mul(prices, scale);
        if (!areCommon(points)) return i;
        prices = f64x2.div(f64x2.floor(f64x2.add(points, f64x2.splat(HALF))), scale);
        v128.store(at, prices, AT_BID);
      }
      const bid = f64x2.extract_lane(prices, 0);
      const ask = f64x2.extract_lane(prices, 1);
      if (bid >= ask) head |= crossing(bid, ask);
      if (isLate(at, state + S_QUOTE_S)) head |= late();
      const move = midMove(prices, v128.load(state, S_BID));
      if (move > SUSPICIOUS_MOVES * load<f64>(state, S_DEVIATION)) head |= suspicious(state);
      let symbolSeq = load<u32>(state, S_SYMBOL_SEQ) + 1 + load<u32>(at, AT_SYMBOL_SEQ);
      const held = load<f64>(state, S_HELD);
      if (held !== 0) {
        symbolSeq += <u32>held;
        head |= CONFLATED;
        add(COUNT_RELEASED);
      }
      stamp(i, at, id, head, seqLow, symbolSeq);
      applyQuote(at, id, state, seq, head, move, prices, symbolSeq);
    } else {
      if (!isSettled && !settleTrade(at, state)) return i;
      if (isLate(at, state + S_TRADE_S)) head |= late();
      stamp(i, at, id, head, seqLow, load<u32>(state, S_SYMBOL_SEQ) + 1 + load<u32>(at, AT_SYMBOL_SEQ));
      applyTrade(at, id, state, seq, head);
      const criticals = load<u32>(COUNTS, COUNT_CRITICAL);
      store<u32>(CRITICALS + ((<usize>criticals) << 2), i);
      store<u32>(COUNTS, criticals + 1, COUNT_CRITICAL);
    }
    seq += 1;
  }
  return end;
}

/** Makes a record a numbered one, and keeps its position and its label. */
function stamp(i: u32, at: usize, id: u32, head: u32, seqLow: u32, symbolSeq: u32): void {
  const column = (<usize>i) << 2;
  store<u32>(POSITIONS + column, load<u32>(at, AT_SEQ_LOW));
  store<u32>(LABELS + column, id | ((head & KIND_MASK) << LABEL_KIND_SHIFT));
  store<u32>(at, head, AT_HEAD);
  store<u32>(at, seqLow + i, AT_SEQ_LOW);
  store<u32>(at, symbolSeq, AT_SYMBOL_SEQ);
}

/** Whether both prices, as points, are positive and no larger than what can be rounded. */
function areCommon(points: v128): boolean {
  const least = f64x2.ge(points, f64x2.splat(HALF));
  return i64x2.all_true(v128.and(least, f64x2.le(points, f64x2.splat(EXACT))));
}

/** Rounds the price of a trade to its symbol's digits. False when price or size are not what they mostly are. */
function settleTrade(at: usize, state: usize): boolean {
  const scale = load<f64>(state, S_SCALE);
  const price = load<f64>(at, AT_PRICE) * scale;
  if (!(price >= HALF && price <= EXACT) || !isSize(load<f64>(at, AT_SIZE))) return false;
  store<f64>(at, floor<f64>(price + HALF) / scale, AT_PRICE);
  return true;
}

/** NaN is a size that the source does not tell. */
function isSize(size: f64): boolean {
  return !(size < 0) && size !== Infinity;
}

/** Whether the record's time of the event is before the one at `newest`: as one number, seconds above nanoseconds. */
function isLate(at: usize, newest: usize): boolean {
  return rotl<u64>(load<u64>(at, AT_EVENT_S), 32) < rotl<u64>(load<u64>(newest), 32);
}

function crossing(bid: f64, ask: f64): u32 {
  add(bid > ask ? COUNT_CROSSED : COUNT_LOCKED);
  return bid > ask ? CROSSED : LOCKED;
}

function late(): u32 {
  add(COUNT_LATE);
  return LATE;
}

function suspicious(state: usize): u32 {
  if (load<f64>(state, S_DEVIATION) === 0 || load<u32>(state, S_SYMBOL_SEQ) <= SUSPICIOUS_AFTER) return 0;
  add(COUNT_SUSPICIOUS);
  return SUSPICIOUS;
}

function add(count: usize): void {
  store<u32>(COUNTS + count, load<u32>(COUNTS + count) + 1);
}
