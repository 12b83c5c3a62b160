/** Sequencing: raw records become sequenced ones, in the broadcast ring or in place. This is the hot path. */
import { applyQuote, applyTrade, isSuspicious, midMove, timeAt } from './apply';
import {
  AT_BID,
  AT_BID_SIZE,
  AT_EVENT_NS,
  AT_EVENT_S,
  AT_HEAD,
  AT_RECV_S,
  AT_SEQ_LOW,
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
  HALVES,
  INFINITIES,
  KIND_MASK,
  LATE,
  LOCKED,
  ONE,
  POSITIONS,
  QUOTE,
  RECORD,
  RECORDS,
  S_BID,
  S_PENDING,
  S_QUOTE_TIME,
  S_READY,
  S_SCALE,
  S_SYMBOL_SEQ,
  S_TRADE_TIME,
  STATE,
  STATES,
  SURE,
  SUSPICIOUS,
  TAG_KIND_SHIFT,
  TAGS,
  TRADE,
} from './layout';
import { symbols } from './states';

const SECOND_NS: u32 = 1_000_000_000;
/** Both prices good, or that of a trade and its kind in the other's place; no higher kind; the symbol is ready. */
const GOOD: u32 = 0b1_0011;
/** Those of `core/limits.ts` and `core/tick.ts`. */
const EVENT_AHEAD_S_MAX: u32 = 1;
const NO_TIME_S: u32 = 0xffffffff;
/** Records that are settled before they are sequenced: few enough to stay in the core's own cache. */
const SETTLED: u32 = 64;

/**
 * Sequences quotes and trades from `seq` on for as long as nothing about them is uncommon. In two passes over few records
 * at a time: what follows from a record alone is done first, as what follows from its symbol's state has to wait for
 * that of the tick before, and would have the division wait too.
 * @param from the first raw record; `to`: what it becomes, in the same memory or another
 * @param positions where its position goes; `tags`: its tag
 * @returns how many were sequenced: the next one is of another kind, to be refused, in need of a definition first, or
 *   with a price that is missing, not positive or very large
 */
export function sequence(from: usize, to: usize, positions: usize, tags: usize, count: u32, seq: f64): u32 {
  const distance = tags - positions;
  for (let done: u32 = 0; done < count; ) {
    const wanted = min<u32>(SETTLED, count - done);
    const settled = settle(from, to, wanted);
    advance(to, to + <usize>settled * RECORD, positions, distance, seq);
    done += settled;
    if (settled < wanted) return done;
    from += SETTLED * RECORD;
    to += SETTLED * RECORD;
    positions += SETTLED * 4;
    seq += <f64>SETTLED;
  }
  return count;
}

/** Sequences the record at `index` of the module's own, whose prices and sizes are right as they are. */
export function sequenceSettled(index: u32, seq: f64): void {
  const at = RECORDS + <usize>index * RECORD;
  advance(at, at + RECORD, POSITIONS + ((<usize>index) << 2), TAGS - POSITIONS, seq);
}

/** Copies raw records as far as they are common, with prices rounded to their symbols' digits. Returns how many. Doing so twice changes nothing. */
function settle(from: usize, to: usize, count: u32): u32 {
  const known = symbols;
  for (let i: u32 = 0; i < count; i++) {
    const id = load<u32>(from, AT_SYMBOL);
    if (id >= known) return i;
    const state = <usize>id * STATE;
    const scale = v128.load64_splat(state, STATES + S_SCALE);
    const sizes = v128.load(from, AT_BID_SIZE);
    const points = f64x2.mul(v128.load(from, AT_BID), scale);
    const half = v128.load(0, HALVES);
    // NaN is a size that the source does not report.
    const noSize = v128.or(f64x2.lt(sizes, f64x2.splat(0)), f64x2.eq(sizes, v128.load(0, INFINITIES)));
    const price = v128.and(f64x2.ge(points, half), f64x2.le(points, v128.load(0, SURE)));
    // A trade has neither in the second place, and its kind in the place of that; other kinds are left alone.
    const kind = load<u32>(from, AT_HEAD) & KIND_MASK;
    const ready = load<u32>(state, STATES + S_READY) << 4;
    const good = i64x2.bitmask(v128.andnot(price, noSize)) | (kind << 1) | ready;
    if (good !== GOOD) return i;
    if (load<u32>(from, AT_EVENT_NS) >= SECOND_NS) return i;
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, AT_EVENT_S), AT_EVENT_S);
    v128.store(to, f64x2.div(f64x2.floor(f64x2.add(points, half)), scale), AT_BID);
    v128.store(to, sizes, AT_BID_SIZE);
    from += RECORD;
    to += RECORD;
  }
  return count;
}

/** Sequences records whose prices and sizes are right as they are. */
function advance(from: usize, end: usize, positions: usize, distance: usize, seq: f64): void {
  // Below 2^53 the low half of a seq is that of it as an integer.
  let seqLow = <u32>(<u64>seq);
  for (let at = from; at < end; at += RECORD) {
    const id = load<u32>(at, AT_SYMBOL);
    let head = load<u32>(at, AT_HEAD);
    const state = STATES + <usize>id * STATE;
    if ((head & KIND_MASK) === QUOTE) {
      const prices = v128.load(at, AT_BID);
      const bid = f64x2.extract_lane(prices, 0);
      const ask = f64x2.extract_lane(prices, 1);
      if (bid >= ask) head |= crossing(bid, ask);
      const doubts = timing(at, head, state + S_QUOTE_TIME);
      let symbolSeq = load<u32>(state, S_SYMBOL_SEQ) + 1 + load<u32>(at, AT_SYMBOL_SEQ);
      if (load<u64>(state, S_PENDING) !== 0) {
        symbolSeq += <u32>load<f64>(state, S_PENDING);
        head |= CONFLATED;
        add(COUNT_RELEASED);
      }
      const move = midMove(prices, v128.load(state, S_BID));
      if (isSuspicious(id, state, move, prices)) head |= counted(doubts | SUSPICIOUS);
      else if (doubts !== 0) head |= counted(doubts);
      stamp(at, id, head, seqLow, symbolSeq, positions, distance);
      applyQuote(at, id, state, seq, head, move, prices, symbolSeq);
    } else {
      const doubts = timing(at, head, state + S_TRADE_TIME);
      if (doubts !== 0) head |= counted(doubts);
      const symbolSeq = load<u32>(state, S_SYMBOL_SEQ) + 1 + load<u32>(at, AT_SYMBOL_SEQ);
      stamp(at, id | (TRADE << TAG_KIND_SHIFT), head, seqLow, symbolSeq, positions, distance);
      applyTrade(at, id, state, seq, head);
      const criticals = load<u32>(COUNTS, COUNT_CRITICAL);
      store<u32>((<usize>criticals) << 2, <u32>at, CRITICALS);
      store<u32>(COUNTS, criticals + 1, COUNT_CRITICAL);
    }
    seq += load<f64>(0, ONE);
    seqLow++;
    positions += 4;
  }
}

/** Makes a record a sequenced one, and keeps its position and its tag. */
// @inline
function stamp(
  at: usize,
  tag: u32,
  head: u32,
  seqLow: u32,
  symbolSeq: u32,
  position: usize,
  distance: usize,
): void {
  store<u32>(position, load<u32>(at, AT_SEQ_LOW));
  store<u32>(position + distance, tag);
  store<u32>(at, head, AT_HEAD);
  store<u32>(at, seqLow, AT_SEQ_LOW);
  store<u32>(at, symbolSeq, AT_SYMBOL_SEQ);
}

/**
 * Has a record's time of the event be the newest where it is neither before that nor beyond its receipt, as nearly all are;
 * then no other question is asked of it. What is wrong with another, as flags.
 */
// @inline
function timing(at: usize, head: u32, newest: usize): u32 {
  const event = timeAt(at + AT_EVENT_S);
  if (event >= load<u64>(newest) && event <= timeAt(at + AT_RECV_S)) {
    // What is offered again, as replays do, is late where it was.
    if ((head & LATE) === 0) store<u64>(newest, event);
    return 0;
  }
  return doubted(at, event < load<u64>(newest));
}

/** Beyond receipt by more than clocks differ is suspicious. No time at all is none to doubt. */
function doubted(at: usize, isLate: bool): u32 {
  const eventS = load<u32>(at, AT_EVENT_S);
  const recvS = load<u32>(at, AT_RECV_S);
  const isFar = eventS > recvS && eventS !== NO_TIME_S && eventS - recvS > EVENT_AHEAD_S_MAX;
  return (isLate ? LATE : 0) | (isFar ? SUSPICIOUS : 0);
}

function crossing(bid: f64, ask: f64): u32 {
  add(bid > ask ? COUNT_CROSSED : COUNT_LOCKED);
  return bid > ask ? CROSSED : LOCKED;
}

function counted(doubts: u32): u32 {
  if ((doubts & LATE) !== 0) add(COUNT_LATE);
  if ((doubts & SUSPICIOUS) !== 0) add(COUNT_SUSPICIOUS);
  return doubts;
}

function add(count: usize): void {
  store<u32>(COUNTS + count, load<u32>(COUNTS + count) + 1);
}
