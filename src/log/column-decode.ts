/** The decoder of the columnar format: see `columns.ts` for the bytes. */
import {
  F64_ASK,
  F64_ASK_SIZE,
  F64_BID,
  F64_BID_SIZE,
  F64_SIZE,
  F64_TRADE_ID,
  KIND_MASK,
  Kind,
  RECORD_F64,
  RECORD_U32,
  type Records,
  U32_KIND_FLAGS_SOURCE,
  U32_SEQ_LOW,
  U32_SYMBOL,
  U32_SYMBOL_SEQ,
} from '../tick.js';
import { TimeDecoder } from './column-times-decode.js';
import {
  Column,
  Columns,
  HEADER_WORDS,
  MISFIT_WORDS,
  NAN_HIGH,
  POWERS,
  Presence,
  SIZE_MODE_SHIFT,
  SizeMode,
  STEP_MAX,
  unzigzag,
  WIDE_WORDS,
} from './columns.js';
import { Directory } from './directory.js';
import { readSizes, sizeOf } from './size-words.js';
import { Unpacker } from './unpack.js';

/** Ticks whose records are gone through by one pass after the other: few enough to stay in the core's cache. */
const PIECE_TICKS = 256;
/** What places in a block stay within: so V8 need not look for overflows of their multiples. */
const PLACES = 0xffff;
const WORD = 2 ** 32;
const SIDES = 4;

export class ColumnDecoder {
  readonly #times = new TimeDecoder();
  readonly #columns: Columns;
  readonly #directory: Directory;
  readonly #unpacker: Unpacker;
  /** Aligned, and with a word behind the payload: a copy of it. */
  #words = new Int32Array(0);
  #bytes = new Uint8Array(0);
  #heads = new Int32Array(0);
  readonly #sizes: Float64Array;
  readonly #lastSize: Int32Array;

  // By index in the directory.
  readonly #symbolSeq: Uint32Array;
  readonly #scale: Float64Array;
  readonly #price: Float64Array;
  readonly #spread: Float64Array;
  readonly #tradeId: Float64Array;
  readonly #isQuoted: Uint8Array;

  /** Columns of a block that hold nothing but 0. */
  #isEventZero = false;
  #isOneRun = false;

  // How far a block is decoded.
  #quotes = 0;
  #trades = 0;
  #sizeCount = 0;
  #wide = 0;

  /** @param capacity ticks of a block at most */
  constructor(readonly capacity: number) {
    this.#columns = new Columns(capacity);
    this.#directory = new Directory(capacity);
    this.#unpacker = new Unpacker(2 * capacity);
    this.#sizes = new Float64Array(2 * capacity + 1);
    this.#lastSize = new Int32Array(SIDES * capacity);
    this.#symbolSeq = new Uint32Array(capacity);
    this.#scale = new Float64Array(capacity);
    this.#price = new Float64Array(capacity);
    this.#spread = new Float64Array(capacity);
    this.#tradeId = new Float64Array(capacity);
    this.#isQuoted = new Uint8Array(capacity);
  }

  /** Reads `count` records from the payload that is all of `bytes` from `at` on. Returns their end; −1 for no payload. */
  decode(bytes: Uint8Array, at: number, count: number, firstSeq: number, into: Records): number {
    const start = this.#directory.read(bytes, at);
    if (start < 0 || count > this.capacity) return -1;
    const words = this.#load(bytes, start);
    if (words < 0) return -1;
    const sizeWords = this.#unpack(words, count);
    if (sizeWords < 0 || !this.#resolveSizes(count, sizeWords)) return -1;
    this.#times.begin(count, this.#columns, this.#isEventZero);
    this.#beginBodies();
    for (let from = 0; from < count; from += PIECE_TICKS) {
      const to = Math.min(from + PIECE_TICKS, count);
      this.#scatterHeads(from, to, firstSeq, into);
      this.#times.scatter(from, to, this.#columns, into);
      this.#scatterBodies(from, to, into);
    }
    return this.#patch(count, into) ? bytes.length : -1;
  }

  /** Copies the words behind the directory. Returns how many; −1 when they are no whole words. */
  #load(bytes: Uint8Array, start: number): number {
    const length = bytes.length - start;
    if ((length & 3) !== 0 || length < 4 * HEADER_WORDS) return -1;
    if (this.#bytes.length < length + 4) {
      this.#words = new Int32Array(length / 2 + 4);
      this.#bytes = new Uint8Array(this.#words.buffer);
    }
    this.#bytes.set(start === 0 ? bytes : bytes.subarray(start));
    return length / 4;
  }

  /** Unpacks header and columns. Returns where the dictionary stands; −1 when something breaks off or is out of range. */
  #unpack(end: number, count: number): number {
    const words = this.#words;
    const columns = this.#columns;
    const { shape } = this.#times;
    const symbols = this.#directory.count;
    shape.bits = words[0];
    const heads = words[1];
    const quotes = words[2];
    const trades = words[3];
    const dictionary = words[4];
    columns.wides = words[5];
    columns.misfits = words[6];
    shape.recvBase = words[7] >>> 0;
    shape.eventBase = words[8] >>> 0;
    shape.leastLag = floatAt(words, 9);
    const sizesAt = HEADER_WORDS + heads;
    const isSane =
      heads >>> 0 <= count &&
      quotes >>> 0 <= count &&
      trades >>> 0 <= count &&
      dictionary >>> 0 < this.#sizes.length &&
      columns.wides >>> 0 <= columns.wide.length / WIDE_WORDS &&
      columns.misfits >>> 0 <= columns.misfit.length / MISFIT_WORDS;
    if (!isSane || sizesAt + dictionary > end) return -1;
    this.#heads = words.subarray(HEADER_WORDS, sizesAt);
    let o = sizesAt + dictionary;
    o = this.#column(o, end, columns.baseLow, symbols);
    o = this.#column(o, end, columns.baseHigh, symbols);
    // A column that begins with 0 is one of zeros.
    const isOneSymbol = words[o] === 0;
    o = this.#column(o, end, columns.symbol, count);
    const isOneHead = words[o] === 0;
    o = this.#column(o, end, columns.head, count);
    const isNextSeq = words[o] === 0;
    o = this.#column(o, end, columns.symbolSeq, count);
    this.#isOneRun = isOneSymbol && isOneHead && isNextSeq;
    o = this.#column(o, end, columns.recv, count);
    if (shape.presence === Presence.column) o = this.#column(o, end, columns.present, count);
    else columns.present.fill(shape.presence === Presence.all ? 1 : 0, 0, count);
    this.#isEventZero = words[o] === 0;
    if (shape.presence !== Presence.none) o = this.#column(o, end, columns.event, count);
    else columns.event.fill(0, 0, count);
    o = this.#column(o, end, columns.price, count);
    o = this.#column(o, end, columns.spread, quotes);
    o = this.#column(o, end, columns.tradeId, trades);
    o = this.#column(o, end, columns.size, 2 * quotes + trades);
    if (o < 0 || o + columns.wides * WIDE_WORDS + columns.misfits * MISFIT_WORDS !== end) return -1;
    columns.wide.set(words.subarray(o, o + columns.wides * WIDE_WORDS));
    columns.misfit.set(words.subarray(o + columns.wides * WIDE_WORDS, end));
    if (!areBelow(columns.symbol, count, symbols) || !areBelow(columns.head, count, heads)) return -1;
    return this.#hasKinds(count, quotes, trades) ? sizesAt : -1;
  }

  #column(at: number, end: number, values: Int32Array, count: number): number {
    return at < 0 ? -1 : this.#unpacker.unpack(this.#words, at, end, values, count);
  }

  /** Whether the heads are those of so many quotes and trades. */
  #hasKinds(count: number, quotes: number, trades: number): boolean {
    const heads = this.#heads;
    const { head } = this.#columns;
    const kinds = [0, 0, 0, 0, 0, 0, 0, 0];
    if (heads.length === 1) kinds[heads[0] & KIND_MASK] = count;
    else for (let i = 0; i < count; i++) kinds[heads[head[i]] & KIND_MASK]++;
    return kinds[Kind.quote] === quotes && kinds[Kind.trade] === trades;
  }

  /** Makes the column of sizes one of indexes into a table of sizes. */
  #resolveSizes(count: number, sizesAt: number): boolean {
    const words = this.#words;
    const { size, symbol, head } = this.#columns;
    const table = this.#sizes;
    const total = 2 * words[2] + words[3];
    const mode = (words[0] >>> SIZE_MODE_SHIFT) & 3;
    if (mode === SizeMode.indexes) {
      const entries = readSizes(words, sizesAt, words[4], table);
      return entries >= 0 && areBelow(size, total, Math.max(entries, 1));
    }
    const isDifference = mode === SizeMode.differences ? -1 : 0;
    const heads = this.#heads;
    const last = this.#lastSize.fill(0, 0, SIDES * this.#directory.count);
    let k = 0;
    for (let i = 0; i < count; i++) {
      const kind = heads[head[i]] & KIND_MASK;
      if (kind > Kind.trade) continue;
      const owner = SIDES * symbol[i] + 2 * kind;
      for (let side = kind; side < 2; side++, k++) {
        const at = owner + side - kind;
        const word = size[k] ^ (last[at] & isDifference);
        last[at] = word;
        table[k] = sizeOf(word);
        size[k] = k;
      }
    }
    return true;
  }

  #beginBodies(): void {
    const { count, digits, firstSymbolSeq } = this.#directory;
    const { baseLow, baseHigh, wide, wides } = this.#columns;
    for (let at = 0; at < count; at++) {
      const code = (baseLow[at] >>> 0) + baseHigh[at] * WORD;
      this.#price[at] = code % 2 === 0 ? code / 2 : -(code + 1) / 2;
      this.#scale[at] = POWERS[digits[at] & 15];
      this.#symbolSeq[at] = firstSymbolSeq[at] - 1;
    }
    this.#spread.fill(0, 0, count);
    this.#tradeId.fill(0, 0, count);
    this.#isQuoted.fill(0, 0, count);
    this.#quotes = 0;
    this.#trades = 0;
    this.#sizeCount = 0;
    this.#wide = 0;
    while (this.#wide < wides && wide[WIDE_WORDS * this.#wide] >>> 16 <= Column.event) this.#wide++;
  }

  #scatterHeads(from: number, to: number, firstSeq: number, into: Records): void {
    const { u32 } = into;
    const { symbol, head, symbolSeq } = this.#columns;
    const { symbolId } = this.#directory;
    const heads = this.#heads;
    const seqs = this.#symbolSeq;
    // As words: a seq is larger than an integer of V8's.
    const low = (firstSeq % WORD) | 0;
    if (this.#isOneRun) {
      const id = symbolId[0];
      const first = seqs[0] | 0;
      const only = heads[0];
      for (let k = from; k < to; k++) {
        const i = k & PLACES;
        const w = i * RECORD_U32;
        u32[w + U32_SYMBOL] = id;
        u32[w + U32_KIND_FLAGS_SOURCE] = only;
        u32[w + U32_SEQ_LOW] = low + i;
        u32[w + U32_SYMBOL_SEQ] = first + 1 + i;
      }
      return;
    }
    for (let k = from; k < to; k++) {
      const i = k & PLACES;
      const w = i * RECORD_U32;
      const at = symbol[i];
      const seq = (seqs[at] + 1 + unzigzag(symbolSeq[i])) | 0;
      seqs[at] = seq;
      u32[w + U32_SYMBOL] = symbolId[at];
      u32[w + U32_KIND_FLAGS_SOURCE] = heads[head[i]];
      u32[w + U32_SEQ_LOW] = low + i;
      u32[w + U32_SYMBOL_SEQ] = seq;
    }
  }

  /** Bodies of ticks `from` … `to` − 1. A wide step is added to what the tick's own step is added to. */
  #scatterBodies(from: number, to: number, into: Records): void {
    const { wide, wides, symbol } = this.#columns;
    let next = from;
    for (; this.#wide < wides; this.#wide++) {
      const word = wide[WIDE_WORDS * this.#wide];
      const tick = word & 0xffff;
      if (tick >= to) break;
      if (tick > next) this.#run(next, tick, into);
      next = Math.max(next, tick);
      const more = wide[WIDE_WORDS * this.#wide + 1] * STEP_MAX;
      const column = word >>> 16;
      const at = symbol[tick];
      const isTrade = this.#isTrade(tick);
      if (column === Column.spread) this.#spread[at] += more;
      else if (column === Column.tradeId) this.#tradeId[at] += more;
      else if (isTrade && this.#isQuoted[at] !== 0) this.#tradeWide = more;
      else this.#price[at] += more;
    }
    this.#run(next, to, into);
  }

  #isTrade(tick: number): boolean {
    return (this.#heads[this.#columns.head[tick]] & KIND_MASK) === Kind.trade;
  }

  /** A wide step of the next trade that its symbol's bid does not take part in. */
  #tradeWide = 0;

  #run(from: number, to: number, into: Records): void {
    const { u32, f64 } = into;
    const { symbol, price: priceColumn, spread: spreadColumn, size: sizeColumn } = this.#columns;
    const scales = this.#scale;
    const prices = this.#price;
    const spreads = this.#spread;
    const isQuoted = this.#isQuoted;
    const sizes = this.#sizes;
    let quotes = this.#quotes;
    let k = this.#sizeCount;
    for (let t = from; t < to; t++) {
      const i = t & PLACES;
      const w = i * RECORD_U32;
      const d = i * RECORD_F64;
      const kind = u32[w + U32_KIND_FLAGS_SOURCE] & KIND_MASK;
      const at = symbol[i];
      if (kind !== Kind.quote) {
        this.#sizeCount = k;
        if (kind === Kind.trade) this.#trade(i, at, into);
        else u32.fill(0, w + 2 * F64_BID, w + RECORD_U32);
        k = this.#sizeCount;
        continue;
      }
      const bid = prices[at] + unzigzag(priceColumn[i]);
      const spread = spreads[at] + unzigzag(spreadColumn[quotes++]);
      prices[at] = bid;
      spreads[at] = spread;
      isQuoted[at] = 1;
      const scale = scales[at];
      f64[d + F64_BID] = bid / scale;
      f64[d + F64_ASK] = (bid + spread) / scale;
      f64[d + F64_BID_SIZE] = sizes[sizeColumn[k]];
      f64[d + F64_ASK_SIZE] = sizes[sizeColumn[k + 1]];
      k += 2;
    }
    this.#quotes = quotes;
    this.#sizeCount = k;
  }

  #trade(i: number, at: number, into: Records): void {
    const { u32, f64 } = into;
    const w = i * RECORD_U32;
    const d = i * RECORD_F64;
    const price = this.#price[at] + this.#tradeWide + unzigzag(this.#columns.price[i]);
    this.#tradeWide = 0;
    if (this.#isQuoted[at] === 0) this.#price[at] = price;
    f64[d + F64_BID] = price / this.#scale[at];
    f64[d + F64_ASK] = 0;
    const k = this.#sizeCount++;
    f64[d + F64_SIZE] = this.#sizes[this.#columns.size[k]];
    const code = this.#columns.tradeId[this.#trades++];
    if (code === 0) {
      u32[w + 2 * F64_TRADE_ID] = 0;
      u32[w + 2 * F64_TRADE_ID + 1] = NAN_HIGH;
      return;
    }
    const id = this.#tradeId[at] + 1 + unzigzag(code - 1);
    this.#tradeId[at] = id;
    f64[d + F64_TRADE_ID] = id;
  }

  /** Overwrites what did not fit. False when a misfit is of no tick. */
  #patch(count: number, into: Records): boolean {
    const { misfit, misfits } = this.#columns;
    const { u32 } = into;
    for (let k = 0; k < misfits * MISFIT_WORDS; k += MISFIT_WORDS) {
      const tick = misfit[k] & 0xffff;
      const pair = misfit[k] >>> 16;
      if (tick >= count || pair > F64_TRADE_ID) return false;
      u32[tick * RECORD_U32 + 2 * pair] = misfit[k + 1];
      u32[tick * RECORD_U32 + 2 * pair + 1] = misfit[k + 2];
    }
    return true;
  }
}

const float = new Float64Array(1);
const floatWords = new Int32Array(float.buffer);

function floatAt(words: Int32Array, at: number): number {
  floatWords[0] = words[at];
  floatWords[1] = words[at + 1];
  return float[0];
}

/** Whether all values of a column are below a bound. */
function areBelow(column: Int32Array, count: number, bound: number): boolean {
  const last = bound - 1;
  let bad = 0;
  let i = 0;
  for (const whole = count & -4; i < whole; i += 4) {
    const k = i & PLACES;
    const a = column[k];
    const b = column[k + 1];
    const c = column[k + 2];
    const d = column[k + 3];
    bad |= a | (last - a) | b | (last - b) | c | (last - c) | d | (last - d);
  }
  for (; i < count; i++) bad |= column[i] | (last - column[i]);
  return bad >= 0;
}
