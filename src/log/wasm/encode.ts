/** The encoder of the columnar format: see `format.ts` for the bytes. */
import {
  ASK_PAIR,
  ASK_SIZE_PAIR,
  AT_ASK,
  AT_ASK_SIZE,
  AT_BID,
  AT_BID_SIZE,
  AT_HEAD,
  AT_SIZE,
  AT_SYMBOL,
  AT_SYMBOL_SEQ,
  AT_TRADE_ID,
  BID_PAIR,
  BID_SIZE_PAIR,
  COLUMN_PRICE,
  COLUMN_SPREAD,
  COLUMN_TRADE_ID,
  HEADER_WORDS,
  KIND_MASK,
  MISFIT,
  PAIRS,
  POINTS_MAX,
  PRESENT_COLUMN,
  PRESENT_NONE,
  QUOTE,
  RECORD,
  ROUNDING,
  SIZE_DIFFERENCES,
  SIZE_INDEXES,
  SIZE_MODE_SHIFT,
  SIZE_WORDS,
  STEP_MAX,
  TRADE,
  TRADE_ID_MAX,
  UNKNOWN,
  WIDE,
} from './format';
import {
  BASE_HIGH_COLUMN,
  BASE_LOW_COLUMN,
  DIGITS,
  DIRECTORY_DIGITS,
  DIRECTORY_FIRST,
  DIRECTORY_ID,
  DIRECTORY_LAST,
  EVENT_COLUMN,
  HEAD_COLUMN,
  HEAD_TABLE,
  HEADS,
  MISFITS,
  PLACES,
  PRESENT_COLUMN_AT,
  PRICE_COLUMN,
  RECORDS,
  RECV_COLUMN,
  SEQ_COLUMN,
  SIZE_COLUMN,
  SPREAD_COLUMN,
  STATE,
  STATE_BASE,
  STATE_PRICE,
  STATE_SCALE,
  STATE_SEQ,
  STATE_SIZES,
  STATE_TOLD,
  STATE_TRADE_ID,
  STATES,
  SYMBOL_COLUMN,
  SYMBOL_TABLE,
  SYMBOLS_TABLED,
  TIME_WIDES,
  TRADE_COLUMN,
  WIDES,
  WORDS,
} from './layout';
import { isTaken, numberAt, slotOf, take } from './numbering';
import { addMisfit, addWide, clearOddities, misfits, timeWides, wides } from './oddities';
import { pack } from './pack';
import { powerOfTen } from './scales';
import { beginDictionary, dropDictionary, numberSize, writeDictionary } from './size-words';
import { putQuoteSizes, putSize, takeDifferences, wordOf } from './sizes-encode';
import { eventBase, leastLag, presence, recvBase, shapeBits } from './times';
import { beginTimes, beginTimesAgain, endTimes } from './times-encode';
import { gatherTimes } from './times-gather';
import { zigzag, zigzagAll } from './zigzag';

/** Ticks whose records are gone through by one pass after the other: few enough to stay in the core's cache. */
const PIECE_TICKS: u32 = 256;
/** Generations in the high half of a word. */
const GENERATIONS: u32 = 65_536;
/** The symbol has a price to start from. */
const BASED: i32 = 1;
/** Its prices are told from its bids. */
const QUOTED: i32 = 2;

/** By fours of words: ROUNDING and STEP_MAX, twice each. */
const CONSTANTS: usize = memory.data<f64>([ROUNDING, ROUNDING, <f64>STEP_MAX, <f64>STEP_MAX], 16);

/** Digits of a symbol's prices, by an id that is in no table. */
declare function digitsOf(symbolId: u32): u32;

let generation: u32 = 0;
/** Tag of the block in hash tables. */
let tag: u32 = 0;
/** Symbols of the directory. */
let symbols: u32 = 0;
let heads: u32 = 0;
let quotes: u32 = 0;
let trades: u32 = 0;
let sizes: u32 = 0;
/** Sizes are numbered in a dictionary, or written as words; neither once a dictionary was given up within a block. */
let isIndexed: bool = false;
let isWorded: bool = false;

export function symbolCount(): u32 {
  return symbols;
}

/** Makes the payload of the first `count` records, apart from the directory. Returns how many words it has. */
export function encode(count: u32): u32 {
  beginTimes(count);
  gather(count);
  if (!endTimes(count)) {
    // What a sample of the times let expect does not hold for all of them.
    beginTimesAgain(count);
    gather(count);
    endTimes(count);
  }
  const sizeMode = isIndexed ? SIZE_INDEXES : sizesAsWords(count);
  return <u32>(write(count, sizeMode) - WORDS) / 4;
}

function gather(count: u32): void {
  begin(count);
  for (let from: u32 = 0; from < count; from += PIECE_TICKS) {
    const to = min(from + PIECE_TICKS, count);
    gatherTimes(from, to);
    gatherPlaces(from, to);
    const quotesBefore = quotes;
    gatherTicks(from, to);
    zigzagAll(SEQ_COLUMN + <usize>from * 4, to - from);
    zigzagAll(PRICE_COLUMN + <usize>from * 4, to - from);
    zigzagAll(SPREAD_COLUMN + <usize>quotesBefore * 4, quotes - quotesBefore);
  }
}

function begin(count: u32): void {
  generation++;
  if (generation === GENERATIONS) {
    memory.fill(PLACES, 0, 8 * SYMBOLS_TABLED);
    generation = 1;
  }
  tag++;
  symbols = 0;
  heads = 0;
  quotes = 0;
  trades = 0;
  sizes = 0;
  clearOddities();
  isIndexed = beginDictionary(2 * count);
  isWorded = !isIndexed;
}

/** The place of a symbol that the table does not have in this block; a new one starts as if it had ticked before. */
export function placeOf(id: u32, symbolSeq: u32): u32 {
  if (id >= SYMBOLS_TABLED) {
    const slot = slotOf(SYMBOL_TABLE, tag, id);
    if (isTaken(slot, tag)) return numberAt(slot);
    take(slot, tag, id, symbols);
  } else {
    store<u32>(PLACES + <usize>id * 8, (generation << 16) | symbols);
  }
  const at = symbols++;
  const d = <usize>at * 4;
  const digits = id < SYMBOLS_TABLED ? load<u8>(<usize>id, DIGITS) & 15 : digitsOf(id);
  store<u32>(DIRECTORY_ID + d, id);
  store<u8>(DIRECTORY_DIGITS + <usize>at, digits);
  store<u32>(DIRECTORY_FIRST + d, symbolSeq);
  const state = STATES + <usize>at * STATE;
  const zero = i32x4.splat(0);
  v128.store(state, zero);
  v128.store(state, zero, 16);
  v128.store(state, zero, 32);
  v128.store(state, zero, 48);
  // Nothing is near it.
  store<f64>(state, NaN, STATE_PRICE);
  store<f64>(state, powerOfTen(digits), STATE_SCALE);
  store<u32>(state, symbolSeq, STATE_SEQ);
  return at;
}

export function headOf(head: u32): u32 {
  const slot = slotOf(HEAD_TABLE, tag, head);
  if (isTaken(slot, tag)) return numberAt(slot);
  take(slot, tag, head, heads);
  store<u32>(HEADS + <usize>heads * 4, head);
  return heads++;
}

/** Symbols, heads, and steps of symbolSeq. */
function gatherPlaces(from: u32, to: u32): void {
  const now = generation;
  const end = <usize>to * 4;
  let lastHead = load<u32>(HEADS);
  let lastIndex: i32 = heads === 0 ? -1 : 0;
  let p = <usize>from * RECORD;
  for (let c = <usize>from * 4; c < end; c += 4, p += RECORD) {
    const id = load<u32>(p, RECORDS + AT_SYMBOL);
    const symbolSeq = load<u32>(p, RECORDS + AT_SYMBOL_SEQ);
    let at: u32 = 0;
    let seq = symbolSeq;
    if (id < SYMBOLS_TABLED) {
      const entry = load<u64>(<usize>id * 8, PLACES);
      at = <u32>entry & 0xffff;
      if (<u32>entry >> 16 === now) seq = <u32>(entry >> 32);
      else at = placeOf(id, symbolSeq);
      // All of it: a core waits long for a word of which it has just stored a half.
      store<u64>(<usize>id * 8, <u64>((now << 16) | at) | ((<u64>(symbolSeq + 1)) << 32), PLACES);
    } else {
      at = placeOf(id, symbolSeq);
      const state = STATES + <usize>at * STATE;
      seq = load<u32>(state, STATE_SEQ);
      store<u32>(state, symbolSeq + 1, STATE_SEQ);
    }
    store<u32>(c, at, SYMBOL_COLUMN);
    store<u32>(c, symbolSeq - seq, SEQ_COLUMN);
    const head = load<u32>(p, RECORDS + AT_HEAD);
    if (head !== lastHead || lastIndex < 0) {
      lastIndex = headOf(head);
      lastHead = head;
    }
    store<i32>(c, lastIndex, HEAD_COLUMN);
  }
}

/** Prices, sizes and trade ids; steps of prices as they are. */
function gatherTicks(from: u32, to: u32): void {
  // From memory: constants would be made anew for every tick.
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
      store<i32>(state, BASED | QUOTED, STATE_TOLD);
      v128.store(state, now, STATE_PRICE);
    } else {
      steps = oddSteps(i, p, points, state);
    }
    // The integers are in the low words.
    v128.store32_lane(<usize>i * 4, steps, 0, PRICE_COLUMN);
    v128.store32_lane(spreadAt, steps, 2);
    spreadAt += 4;
    if (isIndexed) {
      const bidSize = numberSize(load<u64>(p, AT_BID_SIZE));
      const askSize = numberSize(load<u64>(p, AT_ASK_SIZE));
      const to = SIZE_COLUMN + <usize>sizes * 4;
      store<i32>(to, bidSize);
      store<i32>(to, askSize, 4);
      isIndexed = (bidSize | askSize) >= 0;
    } else if (isWorded) {
      putQuoteSizes(sizes, i, p, state);
    }
    sizes += 2;
  }
  quotes = <u32>(spreadAt - SPREAD_COLUMN) >> 2;
}

/** The steps of price and spread, in low words, of a quote that is its symbol's first, jumps far, or is no points. */
export function oddSteps(i: u32, p: usize, points: v128, state: usize): v128 {
  const prices = v128.load(p, AT_BID);
  const back = f64x2.div(points, f64x2.splat(load<f64>(state, STATE_SCALE)));
  const isInRange = f64x2.lt(f64x2.abs(points), f64x2.splat(POINTS_MAX));
  const told = load<i32>(state, STATE_TOLD);
  if (!i64x2.all_true(v128.and(i64x2.eq(back, prices), isInRange))) {
    store<i32>(state, told | QUOTED, STATE_TOLD);
    addMisfit(i, BID_PAIR);
    addMisfit(i, ASK_PAIR);
    return i64x2.splat(0);
  }
  const bid = f64x2.extract_lane(points, 0);
  if ((told & BASED) === 0) startFrom(bid, state);
  store<i32>(state, BASED | QUOTED, STATE_TOLD);
  const now = f64x2.replace_lane(points, 1, f64x2.extract_lane(points, 1) - bid);
  const difference = f64x2.sub(now, v128.load(state, STATE_PRICE));
  v128.store(state, now, STATE_PRICE);
  let price = <i64>f64x2.extract_lane(difference, 0);
  let spread = <i64>f64x2.extract_lane(difference, 1);
  if (abs(price) >= STEP_MAX) price = addWide(i, COLUMN_PRICE, price);
  if (abs(spread) >= STEP_MAX) spread = addWide(i, COLUMN_SPREAD, spread);
  return i64x2.replace_lane(i64x2.splat(price), 1, spread);
}

/** Makes a price the first one of its symbol. */
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
    const told = load<i32>(state, STATE_TOLD);
    if ((told & BASED) === 0) startFrom(points, state);
    store<i32>(state, told | BASED, STATE_TOLD);
    step = <i64>(points - load<f64>(state, STATE_PRICE));
    if ((told & QUOTED) === 0) store<f64>(state, points, STATE_PRICE);
    if (abs(step) >= STEP_MAX) step = addWide(i, COLUMN_PRICE, step);
  } else {
    addMisfit(i, BID_PAIR);
  }
  store<i32>(PRICE_COLUMN + <usize>i * 4, <i32>step);
  if (load<u64>(p, AT_ASK) !== 0) addMisfit(i, ASK_PAIR);

  const id = load<f64>(p, AT_TRADE_ID);
  let code = 0;
  if (id > 0 && id < TRADE_ID_MAX && floor(id) === id) {
    let idStep = <i64>(id - load<f64>(state, STATE_TRADE_ID)) - 1;
    store<f64>(state, id, STATE_TRADE_ID);
    if (abs(idStep) >= STEP_MAX) idStep = addWide(i, COLUMN_TRADE_ID, idStep);
    code = 1 + zigzag(<i32>idStep);
  } else if (load<u64>(p, AT_TRADE_ID) !== UNKNOWN) {
    addMisfit(i, ASK_SIZE_PAIR);
  }
  store<i32>(TRADE_COLUMN + <usize>trades * 4, code);
  trades++;

  const k = sizes++;
  if (isIndexed) {
    const size = numberSize(load<u64>(p, AT_SIZE));
    store<i32>(SIZE_COLUMN + <usize>k * 4, size);
    isIndexed = size >= 0;
  } else if (isWorded) {
    putSize(k, wordOf(load<u64>(p, AT_SIZE), i, BID_SIZE_PAIR), state + STATE_SIZES + 8);
  }
}

/** A record that is neither quote nor trade: what is not 0 of its body is kept as it is. */
function gatherOther(i: u32, p: usize): void {
  store<i32>(PRICE_COLUMN + <usize>i * 4, 0);
  for (let pair = BID_PAIR; pair < PAIRS; pair++) {
    if (load<u64>(p + <usize>pair * 8) !== 0) addMisfit(i, pair);
  }
}

/** Makes the column of sizes one without a dictionary. Returns how. */
function sizesAsWords(count: u32): u32 {
  dropDictionary();
  if (!isWorded) gatherSizes(count);
  return takeDifferences(4 * <usize>sizes, symbols) ? SIZE_DIFFERENCES : SIZE_WORDS;
}

/** Sizes as words, in a pass of their own. */
function gatherSizes(count: u32): void {
  sizes = 0;
  for (let i: u32 = 0; i < count; i++) {
    const p = RECORDS + <usize>i * RECORD;
    const kind = load<u32>(p, AT_HEAD) & KIND_MASK;
    if (kind > TRADE) continue;
    const state = STATES + <usize>load<u32>(SYMBOL_COLUMN + <usize>i * 4) * STATE;
    if (kind === QUOTE) {
      putQuoteSizes(sizes, i, p, state);
      sizes += 2;
    } else {
      putSize(sizes, wordOf(load<u64>(p, AT_SIZE), i, BID_SIZE_PAIR), state + STATE_SIZES + 8);
      sizes++;
    }
  }
}

/** Writes everything after the directory. Returns its end. */
function write(count: u32, sizeMode: u32): usize {
  store<u32>(WORDS, shapeBits() | (sizeMode << SIZE_MODE_SHIFT));
  store<u32>(WORDS, heads, 4);
  store<u32>(WORDS, quotes, 8);
  store<u32>(WORDS, trades, 12);
  store<u32>(WORDS, timeWides + wides, 20);
  store<u32>(WORDS, misfits, 24);
  store<u32>(WORDS, recvBase, 28);
  store<u32>(WORDS, eventBase, 32);
  store<f64>(WORDS, <f64>leastLag, 36);
  const sizesAt = copy(HEADS, 4 * <usize>heads, WORDS + 4 * <usize>HEADER_WORDS);
  let o = writeDictionary(sizesAt);
  store<u32>(WORDS, <u32>(o - sizesAt) / 4, 16);
  tellSymbols();
  o = pack(BASE_LOW_COLUMN, symbols, o);
  o = pack(BASE_HIGH_COLUMN, symbols, o);
  o = pack(SYMBOL_COLUMN, count, o);
  o = pack(HEAD_COLUMN, count, o);
  o = pack(SEQ_COLUMN, count, o);
  o = pack(RECV_COLUMN, count, o);
  if (presence === PRESENT_COLUMN) o = pack(PRESENT_COLUMN_AT, count, o);
  if (presence !== PRESENT_NONE) o = pack(EVENT_COLUMN, count, o);
  o = pack(PRICE_COLUMN, count, o);
  o = pack(SPREAD_COLUMN, quotes, o);
  o = pack(TRADE_COLUMN, trades, o);
  o = pack(SIZE_COLUMN, sizes, o);
  o = copy(TIME_WIDES, WIDE * <usize>timeWides, o);
  o = copy(WIDES, WIDE * <usize>wides, o);
  return copy(MISFITS, MISFIT * <usize>misfits, o);
}

function copy(from: usize, bytes: usize, to: usize): usize {
  memory.copy(to, from, bytes);
  return to + bytes;
}

/** What the block tells of each symbol: the last symbolSeq, and the zigzag price it starts from, in two words. */
function tellSymbols(): void {
  for (let at: usize = 0; at < symbols; at++) {
    const id = load<u32>(DIRECTORY_ID + at * 4);
    const next =
      id < SYMBOLS_TABLED ? load<u32>(<usize>id * 8, PLACES + 4) : load<u32>(STATES + at * STATE, STATE_SEQ);
    store<u32>(DIRECTORY_LAST + at * 4, next - 1);
    const base = <i64>load<f64>(STATES + at * STATE, STATE_BASE);
    const code = (base << 1) ^ (base >> 63);
    store<u32>(BASE_LOW_COLUMN + at * 4, <u32>code);
    store<u32>(BASE_HIGH_COLUMN + at * 4, <u32>(code >> 32));
  }
}
