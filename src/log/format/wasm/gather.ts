/** Gathers the columns of a block's ticks from their records: see `format.ts`. */

import { addException, addWide, clearExceptions } from './exceptions';
import {
  ASK_PAIR,
  ASK_SIZE_PAIR,
  AT_ASK,
  AT_BID,
  AT_HEAD,
  AT_TRADE_ID,
  BID_PAIR,
  COLUMN_PRICE,
  COLUMN_SPREAD,
  COLUMN_TRADE_ID,
  KIND_MASK,
  PAIRS,
  POINTS_MAX,
  QUOTE,
  RECORD,
  ROUNDING,
  STEP_MAX,
  TRADE,
  TRADE_ID_MAX,
  UNKNOWN,
} from './format';
import {
  PRICE_COLUMN,
  RECORDS,
  SEQ_COLUMN,
  SPREAD_COLUMN,
  STATE,
  STATE_BASE,
  STATE_FLAGS,
  STATE_PRICE,
  STATE_SCALE,
  STATE_TRADE_ID,
  STATES,
  SYMBOL_COLUMN,
  TRADE_COLUMN,
} from './layout';
import { beginSizes, gatherSizes } from './sizes-encode';
import { beginSymbols, gatherSymbols } from './symbols';
import { gatherTimes } from './times-gather';
import { zigzag, zigzagAll } from './zigzag';

/** Ticks of one piece, which all passes read one after the other: few enough to stay in the core's cache. */
const PIECE_TICKS: u32 = 256;
/** Flag: the symbol has a first price. */
const BASED: i32 = 1;
/** Flag: the symbol's prices are coded as steps from its last bid. */
const QUOTED: i32 = 2;

/** ROUNDING and STEP_MAX, twice each, for vectors. */
const CONSTANTS: usize = memory.data<f64>([ROUNDING, ROUNDING, <f64>STEP_MAX, <f64>STEP_MAX], 16);

export let quotes: u32 = 0;
export let trades: u32 = 0;

/** Fills the columns of the first `count` records; `beginTimes` has chosen how to write their times. */
export function gather(count: u32): void {
  begin(count);
  for (let from: u32 = 0; from < count; from += PIECE_TICKS) {
    const to = min(from + PIECE_TICKS, count);
    gatherTimes(from, to);
    gatherSymbols(from, to);
    const quotesBefore = quotes;
    gatherTicks(from, to);
    gatherSizes(from, to);
    zigzagAll(SEQ_COLUMN + <usize>from * 4, to - from);
    zigzagAll(PRICE_COLUMN + <usize>from * 4, to - from);
    zigzagAll(SPREAD_COLUMN + <usize>quotesBefore * 4, quotes - quotesBefore);
  }
}

function begin(count: u32): void {
  beginSymbols();
  quotes = 0;
  trades = 0;
  clearExceptions();
  beginSizes(count);
}

/** Fills the columns of prices and trade ids; price steps are not yet zigzag. */
function gatherTicks(from: u32, to: u32): void {
  // Loaded from memory: the compiler would build a constant again for every tick.
  const rounding = v128.load(CONSTANTS);
  const stepMax = v128.load(CONSTANTS, 16);
  let spreadAt = SPREAD_COLUMN + <usize>quotes * 4;
  let p = RECORDS + <usize>from * RECORD;
  for (let i = from; i < to; i++, p += RECORD) {
    const state = STATES + <usize>load<u32>(<usize>i * 4, SYMBOL_COLUMN) * STATE;
    const kind = load<u32>(p, AT_HEAD) & KIND_MASK;
    if (kind !== QUOTE) {
      if (kind === TRADE) gatherTrade(i, p, state);
      else gatherOther(i, p);
      continue;
    }
    // Bid and ask side by side.
    const prices = v128.load(p, AT_BID);
    const scale = v128.load64_splat(state, STATE_SCALE);
    const points = f64x2.sub(f64x2.add(f64x2.mul(prices, scale), rounding), rounding);
    const now = f64x2.sub(points, v128.shuffle<i64>(f64x2.splat(0), points, 0, 2));
    const difference = f64x2.sub(now, v128.load(state, STATE_PRICE));
    const isUsual = v128.and(
      i64x2.eq(f64x2.div(points, scale), prices),
      f64x2.lt(f64x2.abs(difference), stepMax),
    );
    let steps = f64x2.add(difference, rounding);
    if (i64x2.bitmask(isUsual) === 3) {
      store<i32>(state, BASED | QUOTED, STATE_FLAGS);
      v128.store(state, now, STATE_PRICE);
    } else {
      steps = unusualSteps(i, p, points, state);
    }
    // The integers are in the low words.
    v128.store32_lane(<usize>i * 4, steps, 0, PRICE_COLUMN);
    v128.store32_lane(spreadAt, steps, 2);
    spreadAt += 4;
  }
  quotes = <u32>(spreadAt - SPREAD_COLUMN) >> 2;
}

/** The steps of price and spread, in low words, of an unusual quote: the first of its symbol, a far jump, or no points. */
export function unusualSteps(i: u32, p: usize, points: v128, state: usize): v128 {
  const prices = v128.load(p, AT_BID);
  const back = f64x2.div(points, f64x2.splat(load<f64>(state, STATE_SCALE)));
  const isInRange = f64x2.lt(f64x2.abs(points), f64x2.splat(POINTS_MAX));
  const flags = load<i32>(state, STATE_FLAGS);
  if (!i64x2.all_true(v128.and(i64x2.eq(back, prices), isInRange))) {
    store<i32>(state, flags | QUOTED, STATE_FLAGS);
    addException(i, BID_PAIR);
    addException(i, ASK_PAIR);
    return i64x2.splat(0);
  }
  const bid = f64x2.extract_lane(points, 0);
  if ((flags & BASED) === 0) startFrom(bid, state);
  store<i32>(state, BASED | QUOTED, STATE_FLAGS);
  const now = f64x2.replace_lane(points, 1, f64x2.extract_lane(points, 1) - bid);
  const difference = f64x2.sub(now, v128.load(state, STATE_PRICE));
  v128.store(state, now, STATE_PRICE);
  let price = <i64>f64x2.extract_lane(difference, 0);
  let spread = <i64>f64x2.extract_lane(difference, 1);
  if (abs(price) >= STEP_MAX) price = addWide(i, COLUMN_PRICE, price);
  if (abs(spread) >= STEP_MAX) spread = addWide(i, COLUMN_SPREAD, spread);
  return i64x2.replace_lane(i64x2.splat(price), 1, spread);
}

/** Sets the first price of a symbol. */
function startFrom(points: f64, state: usize): void {
  store<f64>(state, points, STATE_BASE);
  store<f64>(state, points, STATE_PRICE);
}

export function gatherTrade(i: u32, p: usize, state: usize): void {
  const scale = load<f64>(state, STATE_SCALE);
  const price = load<f64>(p, AT_BID);
  const points = price * scale + ROUNDING - ROUNDING;
  let step: i64 = 0;
  if (reinterpret<u64>(points / scale) === load<u64>(p, AT_BID) && abs(points) < POINTS_MAX) {
    const flags = load<i32>(state, STATE_FLAGS);
    if ((flags & BASED) === 0) startFrom(points, state);
    store<i32>(state, flags | BASED, STATE_FLAGS);
    step = <i64>(points - load<f64>(state, STATE_PRICE));
    if ((flags & QUOTED) === 0) store<f64>(state, points, STATE_PRICE);
    if (abs(step) >= STEP_MAX) step = addWide(i, COLUMN_PRICE, step);
  } else {
    addException(i, BID_PAIR);
  }
  store<i32>(PRICE_COLUMN + <usize>i * 4, <i32>step);
  if (load<u64>(p, AT_ASK) !== 0) addException(i, ASK_PAIR);

  const id = load<f64>(p, AT_TRADE_ID);
  let code = 0;
  if (id > 0 && id < TRADE_ID_MAX && floor(id) === id) {
    let idStep = <i64>(id - load<f64>(state, STATE_TRADE_ID)) - 1;
    store<f64>(state, id, STATE_TRADE_ID);
    if (abs(idStep) >= STEP_MAX) idStep = addWide(i, COLUMN_TRADE_ID, idStep);
    code = 1 + zigzag(<i32>idStep);
  } else if (load<u64>(p, AT_TRADE_ID) !== UNKNOWN) {
    addException(i, ASK_SIZE_PAIR);
  }
  store<i32>(TRADE_COLUMN + <usize>trades * 4, code);
  trades++;
}

/** A record that is neither quote nor trade: each pair of its body that is not 0 becomes an exception. */
function gatherOther(i: u32, p: usize): void {
  store<i32>(PRICE_COLUMN + <usize>i * 4, 0);
  for (let pair = BID_PAIR; pair < PAIRS; pair++) {
    if (load<u64>(p + <usize>pair * 8) !== 0) addException(i, pair);
  }
}
