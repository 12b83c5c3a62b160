/** What a sequenced tick changes of its symbol's state. Applied twice it changes nothing, but for the mean move. */
import {
  AT_ARG0,
  AT_BID,
  AT_BID_SIZE,
  AT_CODE,
  AT_EVENT_S,
  AT_HEAD,
  AT_RECV_S,
  AT_SYMBOL,
  AT_SYMBOL_SEQ,
  CLIP,
  KIND_MASK,
  LATE,
  NO_LAST_QUOTE,
  NO_LAST_TRADE,
  QUOTE,
  RECORD,
  RECORDS,
  S_BID,
  S_BID_SIZE,
  S_DEFINED,
  S_DEVIATION,
  S_PENDING,
  S_QUOTE_SEQ,
  S_QUOTE_TIME,
  S_READY,
  S_SEQ,
  S_STATUS_SEQ,
  S_SYMBOL_SEQ,
  S_TRADE_SEQ,
  S_TRADE_TIME,
  S_VERSION,
  STATE,
  STATES,
  STATUS,
  SYMBOL_DEFINED,
  TRADE,
  WEIGHTS,
} from './layout';
import { midBefore, touch } from './states';

/** A move of the mid beyond this many mean moves is suspicious, once the symbol has ticked often enough to tell. */
const SUSPICIOUS_MOVES: f64 = 50;
const SUSPICIOUS_AFTER: u32 = 64;

/** How far the mid moved. Side by side, so that unchanged sides give 0 and not what their sum's rounding left over. */
// @inline
export function midMove(prices: v128, last: v128): f64 {
  const moves = f64x2.sub(prices, last);
  return abs<f64>(f64x2.extract_lane(moves, 0) + f64x2.extract_lane(moves, 1)) * 0.5;
}

/** Whether a move of the mid is too far to be believed. */
// @inline
export function isSuspicious(id: u32, state: usize, move: f64, prices: v128): bool {
  // One comparison for nearly all.
  if (!(move > load<f64>(0, CLIP) * load<f64>(state, S_DEVIATION))) return false;
  return isBeyond(id, state, move, prices);
}

/** The same for a move that is far. One back to where the mid was before a spike is right: the spike was not. */
function isBeyond(id: u32, state: usize, move: f64, prices: v128): bool {
  const bound = SUSPICIOUS_MOVES * load<f64>(state, S_DEVIATION);
  if (bound === 0 || move <= bound || load<u32>(state, S_SYMBOL_SEQ) <= SUSPICIOUS_AFTER) return false;
  const at = midBefore(id);
  const before = load<f64>(at);
  const isBack = before !== 0 && abs<f64>(midOf(prices) - before) <= bound;
  store<f64>(at, isBack ? 0 : midOf(v128.load(state, S_BID)));
  return !isBack;
}

function midOf(prices: v128): f64 {
  return (f64x2.extract_lane(prices, 0) + f64x2.extract_lane(prices, 1)) * 0.5;
}

/** A time as one number, seconds above nanoseconds, so that two compare. */
// @inline
export function timeAt(at: usize): u64 {
  return rotl<u64>(load<u64>(at), 32);
}

/**
 * Has a record's time of the event be the newest, unless it is late, or lies beyond its receipt, as NO_TIME_S does: nothing
 * has happened by then, so it makes no other late.
 */
function raise(at: usize, head: u32, newest: usize): void {
  const event = timeAt(at + AT_EVENT_S);
  if ((head & LATE) === 0 && event <= timeAt(at + AT_RECV_S)) store<u64>(newest, event);
}

/**
 * Applies the quote at `at`, which moved the mid by `move`, but for its time. What was only just stored there is passed:
 * loading it would wait. In place of a call, which costs a tenth of what sequencing does.
 */
// @inline
export function applyQuote(
  at: usize,
  id: u32,
  state: usize,
  seq: f64,
  head: u32,
  move: f64,
  prices: v128,
  symbolSeq: u32,
): void {
  const mean = v128.load64_splat(state, S_DEVIATION);
  const moves = f64x2.splat(move);
  // A quote that leaves the mid where it is tells nothing about moves. Counting it would wear the mean down
  // until, in a quiet market, every ordinary move looked suspicious. As often as not there is a move: a branch on it would mispredict.
  const weight = v128.and(f64x2.gt(moves, f64x2.splat(0)), v128.load(0, WEIGHTS));
  if (move <= load<f64>(0, CLIP) * f64x2.extract_lane(mean, 0)) {
    v128.store64_lane(state, f64x2.add(mean, f64x2.mul(f64x2.sub(moves, mean), weight)), 0, S_DEVIATION);
  } else {
    outlie(state, move);
  }
  v128.store(state, prices, S_BID);
  v128.store(state, v128.load(at, AT_BID_SIZE), S_BID_SIZE);
  store<f64>(state, 0, S_PENDING);
  store<f64>(state, seq, S_SEQ);
  store<u32>(state, symbolSeq, S_SYMBOL_SEQ);
  if ((head & NO_LAST_QUOTE) === 0) store<f64>(state, seq, S_QUOTE_SEQ);
  touch(id, state);
}

/** Counts a move that is far beyond the mean, or the first one, or none that could be told. */
function outlie(state: usize, move: f64): void {
  const deviation = load<f64>(state, S_DEVIATION);
  if (deviation > 0 && move >= 0) {
    const counted = load<f64>(0, CLIP) * deviation;
    store<f64>(state, deviation + (counted - deviation) * load<f64>(0, WEIGHTS), S_DEVIATION);
  } else if (move > 0 && move < Infinity) {
    store<f64>(state, move, S_DEVIATION);
  }
}

/** Applies a trade, likewise. */
export function applyTrade(at: usize, id: u32, state: usize, seq: f64, head: u32): void {
  store<u32>(state, load<u32>(at, AT_SYMBOL_SEQ), S_SYMBOL_SEQ);
  store<f64>(state, seq, S_SEQ);
  if ((head & NO_LAST_TRADE) === 0) store<f64>(state, seq, S_TRADE_SEQ);
  touch(id, state);
}

/** Applies record `index`, whose seq is `seq`, whatever its kind. */
export function apply(index: u32, seq: f64): void {
  const at = RECORDS + <usize>index * RECORD;
  const id = load<u32>(at, AT_SYMBOL);
  const state = STATES + <usize>id * STATE;
  const head = load<u32>(at, AT_HEAD);
  const kind = head & KIND_MASK;
  if (id === 0) {
    // The engine itself is sequenced, and has nothing to show.
    store<u32>(state, load<u32>(at, AT_SYMBOL_SEQ), S_SYMBOL_SEQ);
  } else if (kind === QUOTE) {
    const prices = v128.load(at, AT_BID);
    const move = midMove(prices, v128.load(state, S_BID));
    applyQuote(at, id, state, seq, head, move, prices, load<u32>(at, AT_SYMBOL_SEQ));
    raise(at, head, state + S_QUOTE_TIME);
  } else if (kind === TRADE) {
    applyTrade(at, id, state, seq, head);
    raise(at, head, state + S_TRADE_TIME);
  } else {
    touch(id, state);
    store<u32>(state, load<u32>(at, AT_SYMBOL_SEQ), S_SYMBOL_SEQ);
    store<f64>(state, seq, S_SEQ);
    if (kind !== STATUS) return;
    if (load<u16>(at, AT_CODE) !== SYMBOL_DEFINED) store<f64>(state, seq, S_STATUS_SEQ);
    else store<u32>(state, load<u32>(at, AT_ARG0), S_DEFINED);
    store<u32>(state, load<u32>(state, S_DEFINED) === load<u32>(state, S_VERSION) ? 1 : 0, S_READY);
  }
}
