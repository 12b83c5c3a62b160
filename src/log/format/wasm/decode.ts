/** The decoder of the columnar format: see `format.ts` for the bytes. */

import { exceptions, readExceptions, wides } from './exceptions';
import {
  AT_ASK,
  AT_ASK_SIZE,
  AT_BID,
  AT_BID_SIZE,
  AT_HEAD,
  AT_SEQ_LOW,
  AT_SIZE,
  AT_SYMBOL,
  AT_SYMBOL_SEQ,
  AT_TRADE_ID,
  COLUMN_EVENT,
  COLUMN_SPREAD,
  COLUMN_TRADE_ID,
  EXCEPTION,
  HEADER_WORDS,
  KIND_MASK,
  PAIRS,
  PRESENT_ALL,
  PRESENT_COLUMN,
  PRESENT_NONE,
  QUOTE,
  RECORD,
  SIZE_DIFFERENCES,
  SIZE_INDEXES,
  SIZE_MODE_SHIFT,
  SIZE_WORDS,
  STEP_MAX,
  TRADE,
  UNKNOWN,
  WIDE,
} from './format';
import {
  BASE_HIGH_COLUMN,
  BASE_LOW_COLUMN,
  DIRECTORY_DIGITS,
  DIRECTORY_FIRST,
  DIRECTORY_ID,
  EVENT_COLUMN,
  EXCEPTIONS,
  HEAD_COLUMN,
  PRESENT_COLUMN_AT,
  PRICE_COLUMN,
  RECORDS,
  RECV_COLUMN,
  SEQ_COLUMN,
  SIZE_COLUMN,
  SIZES,
  SPREAD_COLUMN,
  STATE,
  STATE_FLAGS,
  STATE_ID,
  STATE_PRICE,
  STATE_SCALE,
  STATE_SEQ,
  STATE_SIZES,
  STATE_SPREAD,
  STATE_TRADE_ID,
  STATES,
  SYMBOL_COLUMN,
  TICKS,
  TRADE_COLUMN,
  WIDES,
  WORDS,
  WORDS_MAX,
} from './layout';
import { powerOfTen } from './scales';
import { areDecimals, decimalsOf, readDictionary, sizeBits, sizesOf } from './size-words';
import { presence, readShape, setBases, setLag } from './times';
import { beginTimes, scatterTimes } from './times-decode';
import { unpack } from './unpack';
import { unzigzag, unzigzagAll } from './zigzag';

/** Ticks whose records are gone through by one pass after the other: few enough to stay in the core's cache. */
const PIECE_TICKS: u32 = 256;
const HEADS_AT: usize = WORDS + 4 * <usize>HEADER_WORDS;

let heads: u32 = 0;
let quotes: u32 = 0;
let trades: u32 = 0;
/** Where the dictionary of sizes stands. */
let sizesAt: usize = 0;
let isEventZero: bool = false;
/** How sizes stand in their column. */
let sizeForm: i32 = 0;
/** As places in the dictionary. */
const INDEXED: i32 = 0;
/** As words that are all decimals. */
const DECIMAL: i32 = 1;
/** As any words, or differences of words. */
const MIXED: i32 = 2;
/** All bits where size words are differences. */
let differenceMask: u64 = 0;

// How far a block is decoded.
let firstSeqLow: u32 = 0;
let nextQuote: usize = 0;
let nextTrade: usize = 0;
let nextSize: usize = 0;
let nextWide: usize = 0;
/** A wide step of the next trade that its symbol's bid does not take part in. */
let tradeWide: f64 = 0;

/**
 * Reads a payload of `count` records, whose `words` words stand in memory, as do the `symbols` symbols of its directory.
 * Returns how many records `scatter` is to make at once; 0 when it is no payload of so many.
 */
export function decode(words: u32, symbols: u32, count: u32, seqLow: u32): u32 {
  if (words < HEADER_WORDS || words > WORDS_MAX || symbols > TICKS || count > TICKS) return 0;
  if (!readColumns(WORDS + <usize>words * 4, symbols, count) || !readSizes() || !areMisfits(count)) return 0;
  beginTimes(count, isEventZero);
  unzigzagAll(SEQ_COLUMN, count);
  unzigzagAll(PRICE_COLUMN, count);
  unzigzagAll(SPREAD_COLUMN, quotes);
  beginBodies(symbols, seqLow);
  // Misfits are in no order that pieces could follow.
  return exceptions > 0 ? TICKS : PIECE_TICKS;
}

/** Makes records `from` … `to` − 1, which follow those of the last call, at the start of the records' memory. */
export function scatter(from: u32, to: u32): void {
  const first = RECORDS - <usize>from * RECORD;
  scatterTimes(from, to, first);
  scatterBodies(from, to, first);
  for (let k: usize = 0; k < exceptions; k++) {
    const exception = EXCEPTIONS + k * EXCEPTION;
    const word = load<u32>(exception);
    const pair = <usize>(word >> 16) * 8;
    store<u64>(first + <usize>(word & 0xffff) * RECORD + pair, load<u64>(exception, 4));
  }
}

/** Whether all exceptions are of ticks that there are. */
function areMisfits(count: u32): bool {
  for (let k: usize = 0; k < exceptions; k++) {
    const word = load<u32>(EXCEPTIONS + k * EXCEPTION);
    if ((word & 0xffff) >= count || word >> 16 >= PAIRS) return false;
  }
  return true;
}

/** Reads header and columns. False when something breaks off or is out of range. */
function readColumns(end: usize, symbols: u32, count: u32): bool {
  readShape(load<u32>(WORDS));
  heads = load<u32>(WORDS, 4);
  quotes = load<u32>(WORDS, 8);
  trades = load<u32>(WORDS, 12);
  const dictionary = load<u32>(WORDS, 16);
  setBases(load<u32>(WORDS, 28), load<u32>(WORDS, 32));
  setLag(<i64>load<f64>(WORDS, 36));
  if (heads > count || quotes > count || trades > count || dictionary > 2 * TICKS) return false;
  sizesAt = HEADS_AT + <usize>heads * 4;
  let o = sizesAt + <usize>dictionary * 4;
  if (o > end) return false;
  o = unpack(o, end, BASE_LOW_COLUMN, symbols);
  o = unpack(o, end, BASE_HIGH_COLUMN, symbols);
  o = unpack(o, end, SYMBOL_COLUMN, count);
  o = unpack(o, end, HEAD_COLUMN, count);
  o = unpack(o, end, SEQ_COLUMN, count);
  o = unpack(o, end, RECV_COLUMN, count);
  const isColumn = presence === PRESENT_COLUMN;
  if (isColumn) o = unpack(o, end, PRESENT_COLUMN_AT, count);
  else memory.fill(PRESENT_COLUMN_AT, presence === PRESENT_ALL ? 1 : 0, <usize>count * 4);
  // A column that begins with 0 is one of zeros.
  isEventZero = presence === PRESENT_NONE || load<u32>(o) === 0;
  if (presence === PRESENT_NONE) memory.fill(EVENT_COLUMN, 0, <usize>count * 4);
  else o = unpack(o, end, EVENT_COLUMN, count);
  o = unpack(o, end, PRICE_COLUMN, count);
  o = unpack(o, end, SPREAD_COLUMN, quotes);
  o = unpack(o, end, TRADE_COLUMN, trades);
  o = unpack(o, end, SIZE_COLUMN, 2 * quotes + trades);
  if (o === 0 || !readExceptions(o, end, load<u32>(WORDS, 20), load<u32>(WORDS, 24))) return false;
  return areBelow(SYMBOL_COLUMN, count, symbols) && areHeads(count);
}

/** Whether all heads of the column are among those told, and are those of so many quotes and trades. */
function areHeads(count: u32): bool {
  let all: u32 = 0;
  let ofQuotes: u32 = 0;
  let ofTrades: u32 = 0;
  for (let index: u32 = 0; index < heads && all < count; index++) {
    const kind = load<u32>(HEADS_AT + <usize>index * 4) & KIND_MASK;
    const found = countOf(HEAD_COLUMN, count, index);
    all += found;
    if (kind === QUOTE) ofQuotes += found;
    if (kind === TRADE) ofTrades += found;
  }
  return all === count && ofQuotes === quotes && ofTrades === trades;
}

/** Takes in the dictionary of sizes, if there is one. False when the column of sizes is not one of places in it. */
function readSizes(): bool {
  const mode = (load<u32>(WORDS) >> SIZE_MODE_SHIFT) & 3;
  differenceMask = mode === SIZE_DIFFERENCES ? u64.MAX_VALUE : 0;
  sizeForm = INDEXED;
  if (mode !== SIZE_INDEXES) {
    sizeForm = mode === SIZE_WORDS && areDecimals(SIZE_COLUMN, 2 * quotes + trades) ? DECIMAL : MIXED;
    return true;
  }
  const entries = readDictionary(sizesAt, sizesAt + <usize>load<u32>(WORDS, 16) * 4);
  return entries >= 0 && areBelow(SIZE_COLUMN, 2 * quotes + trades, entries);
}

function beginBodies(symbols: u32, seqLow: u32): void {
  firstSeqLow = seqLow;
  for (let at: usize = 0; at < symbols; at++) {
    const state = STATES + at * STATE;
    const code =
      <u64>load<u32>(BASE_LOW_COLUMN + at * 4) | ((<u64>load<u32>(BASE_HIGH_COLUMN + at * 4)) << 32);
    store<f64>(state, <f64>(<i64>(code >> 1) ^ -(<i64>(code & 1))), STATE_PRICE);
    store<f64>(state, 0, STATE_SPREAD);
    store<f64>(state, powerOfTen(load<u8>(DIRECTORY_DIGITS + at) & 15), STATE_SCALE);
    store<u32>(state, load<u32>(DIRECTORY_ID + at * 4), STATE_ID);
    store<u32>(state, load<u32>(DIRECTORY_FIRST + at * 4), STATE_SEQ);
    store<f64>(state, 0, STATE_TRADE_ID);
    store<i32>(state, 0, STATE_FLAGS);
    v128.store(state, i32x4.splat(0), STATE_SIZES);
  }
  nextQuote = SPREAD_COLUMN;
  nextTrade = TRADE_COLUMN;
  nextSize = SIZE_COLUMN;
  nextWide = 0;
  tradeWide = 0;
  while (nextWide < wides && load<u32>(WIDES + nextWide * WIDE) >> 16 <= COLUMN_EVENT) nextWide++;
}

/**
 * Everything but the times of ticks `from` … `to` − 1, to records of which `first` would be the first of the block. A wide
 * step is added to what the tick's own step is added to.
 */
function scatterBodies(from: u32, to: u32, first: usize): void {
  let next = from;
  for (; nextWide < wides; nextWide++) {
    const word = load<u32>(WIDES + nextWide * WIDE);
    const tick = word & 0xffff;
    if (tick >= to) break;
    if (tick > next) {
      run(next, tick, first);
      next = tick;
    }
    const more = <f64>load<i32>(WIDES + nextWide * WIDE, 4) * <f64>STEP_MAX;
    const column = word >> 16;
    const state = STATES + <usize>load<u32>(SYMBOL_COLUMN + <usize>tick * 4) * STATE;
    const isTrade = (headOf(tick) & KIND_MASK) === TRADE;
    if (column === COLUMN_SPREAD) addTo(state + STATE_SPREAD, more);
    else if (column === COLUMN_TRADE_ID) addTo(state + STATE_TRADE_ID, more);
    else if (isTrade && load<i32>(state, STATE_FLAGS) !== 0) tradeWide = more;
    else addTo(state + STATE_PRICE, more);
  }
  run(next, to, first);
}

function addTo(at: usize, more: f64): void {
  store<f64>(at, load<f64>(at) + more);
}

function headOf(tick: u32): u32 {
  return load<u32>(<usize>load<u32>(<usize>tick * 4, HEAD_COLUMN) * 4, HEADS_AT);
}

function run(from: u32, to: u32, first: usize): void {
  const sizes = sizeForm;
  const end = <usize>to * 4;
  let seqLow = firstSeqLow + from;
  let p = first + <usize>from * RECORD;
  let spreadAt = nextQuote;
  let sizeAt = nextSize;
  // Where a tick's value stands in a column.
  for (let c = <usize>from * 4; c < end; c += 4, p += RECORD, seqLow++) {
    const state = <usize>load<u32>(c, SYMBOL_COLUMN) * STATE;
    const head = load<u32>(<usize>load<u32>(c, HEAD_COLUMN) * 4, HEADS_AT);
    const seq = load<u32>(state, STATES + STATE_SEQ) + load<u32>(c, SEQ_COLUMN);
    store<u32>(state, seq + 1, STATES + STATE_SEQ);
    store<u32>(p, load<u32>(state, STATES + STATE_ID), AT_SYMBOL);
    store<u32>(p, head, AT_HEAD);
    store<u32>(p, seqLow, AT_SEQ_LOW);
    store<u32>(p, seq, AT_SYMBOL_SEQ);
    const kind = head & KIND_MASK;
    if (kind !== QUOTE) {
      nextSize = sizeAt;
      if (kind === TRADE) scatterTrade(load<i32>(c, PRICE_COLUMN), p, STATES + state);
      else memory.fill(p + AT_BID, 0, RECORD - AT_BID);
      sizeAt = nextSize;
      continue;
    }
    const steps = v128.load32_lane(spreadAt, v128.load32_zero(c, PRICE_COLUMN), 1);
    const now = f64x2.add(v128.load(state, STATES + STATE_PRICE), f64x2.convert_low_i32x4_s(steps));
    v128.store(state, now, STATES + STATE_PRICE);
    store<i32>(state, 1, STATES + STATE_FLAGS);
    const points = f64x2.add(now, v128.shuffle<i64>(f64x2.splat(0), now, 0, 2));
    v128.store(p, f64x2.div(points, v128.load64_splat(state, STATES + STATE_SCALE)), AT_BID);
    if (sizes === INDEXED) {
      store<u64>(p, load<u64>(<usize>load<u32>(sizeAt) * 8, SIZES), AT_BID_SIZE);
      store<u64>(p, load<u64>(<usize>load<u32>(sizeAt, 4) * 8, SIZES), AT_ASK_SIZE);
    } else if (sizes === DECIMAL) {
      v128.store(p, decimalsOf(load<u64>(sizeAt)), AT_BID_SIZE);
    } else {
      putSizes(load<u64>(sizeAt), p, STATES + state);
    }
    spreadAt += 4;
    sizeAt += 8;
  }
  nextQuote = spreadAt;
  nextSize = sizeAt;
}

/** Writes a quote's sizes, of words or differences. */
export function putSizes(words: u64, p: usize, state: usize): void {
  const both = words ^ (load<u64>(state, STATE_SIZES) & differenceMask);
  store<u64>(state, both, STATE_SIZES);
  v128.store(p, sizesOf(both), AT_BID_SIZE);
}

/** @param step of the price */
export function scatterTrade(step: i32, p: usize, state: usize): void {
  const price = load<f64>(state, STATE_PRICE) + tradeWide + <f64>step;
  tradeWide = 0;
  if (load<i32>(state, STATE_FLAGS) === 0) store<f64>(state, price, STATE_PRICE);
  store<f64>(p, price / load<f64>(state, STATE_SCALE), AT_BID);
  store<u64>(p, 0, AT_ASK);
  if (sizeForm === INDEXED) {
    store<u64>(p, load<u64>(SIZES + <usize>load<u32>(nextSize) * 8), AT_SIZE);
  } else {
    const word = load<i32>(nextSize) ^ (load<i32>(state, STATE_SIZES + 8) & <i32>differenceMask);
    store<i32>(state, word, STATE_SIZES + 8);
    store<u64>(p, sizeBits(word), AT_SIZE);
  }
  nextSize += 4;
  const code = load<i32>(nextTrade);
  nextTrade += 4;
  if (code === 0) {
    store<u64>(p, UNKNOWN, AT_TRADE_ID);
    return;
  }
  const id = load<f64>(state, STATE_TRADE_ID) + 1 + <f64>unzigzag(code - 1);
  store<f64>(state, id, STATE_TRADE_ID);
  store<f64>(p, id, AT_TRADE_ID);
}

/** Whether all values of a column are below a bound. */
function areBelow(column: usize, count: u32, bound: u32): bool {
  const limit = i32x4.splat(bound);
  let i: u32 = 0;
  let bad = i32x4.splat(0);
  for (; i < (count & -4); i += 4) {
    bad = v128.or(bad, i32x4.ge_u(v128.load(column + <usize>i * 4), limit));
  }
  if (v128.any_true(bad)) return false;
  for (; i < count; i++) if (load<u32>(column + <usize>i * 4) >= bound) return false;
  return true;
}

/** How many values of a column are this one. */
function countOf(column: usize, count: u32, value: u32): u32 {
  const wanted = i32x4.splat(value);
  let found = i32x4.splat(0);
  let i: u32 = 0;
  for (; i < (count & -4); i += 4) {
    found = i32x4.sub(found, i32x4.eq(v128.load(column + <usize>i * 4), wanted));
  }
  let all = i32x4.extract_lane(found, 0) + i32x4.extract_lane(found, 1);
  all += i32x4.extract_lane(found, 2) + i32x4.extract_lane(found, 3);
  for (; i < count; i++) if (load<u32>(column + <usize>i * 4) === value) all++;
  return all;
}
