/** The encoder of the columnar format: see `columns.ts` for the bytes. */
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
  U32_SYMBOL,
  U32_SYMBOL_SEQ,
} from '../tick.js';
import { TimeEncoder } from './column-times-encode.js';
import {
  Column,
  Columns,
  HEADER_WORDS,
  MISFIT_WORDS,
  NAN_HIGH,
  POINTS_MAX,
  POWERS,
  Presence,
  payloadBytesMax,
  SIZE_MODE_SHIFT,
  SizeMode,
  STEP_MAX,
  SYMBOLS_TABLED,
  TRADE_ID_MAX,
  WIDE_WORDS,
  zigzag,
} from './columns.js';
import { COUNT_BYTES_MAX, Directory, ENTRY_BYTES_MAX } from './directory.js';
import { Packer } from './pack.js';
import { NO_WORD, SizeDictionary, sizeWord } from './size-words.js';

/** Ticks whose records are gone through by one pass after the other: few enough to stay in the core's cache. */
const PIECE_TICKS = 256;
/** Adding and subtracting it rounds a float64 below 2^51 to an integer. */
const ROUNDING = 1.5 * 2 ** 52;
const WORD = 2 ** 32;
/** Heads that are looked for one by one; further ones in a map. */
const HEADS_AT_HAND = 16;
/** Generations in the high half of a word. */
const GENERATIONS = 32_768;
const INDEX_BITS = 0xffff;
/** The symbol has a price to start from. */
const BASED = 1;
/** Its prices are told from its bids. */
const QUOTED = 2;
/** Sizes that decide whether their differences are smaller. */
const SIZES_SAMPLED = 2_048;
/** What places in a block stay within: so V8 need not look for overflows of their multiples. */
const PLACES = 0xffff;
/** Sides of a symbol's sizes: bid, ask, trade. */
const SIDES = 4;

export class ColumnEncoder {
  readonly #times = new TimeEncoder();
  readonly #dictionary = new SizeDictionary();
  readonly #columns: Columns;
  readonly #directory: Directory;
  readonly #packer: Packer;
  /** Aligned: the payload may start anywhere. */
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  /** By symbol id: generation of the block and index in its directory. */
  readonly #local = new Int32Array(SYMBOLS_TABLED);
  readonly #far = new Map<number, number>();
  #generation = 0;
  readonly #heads: Int32Array;
  readonly #farHeads = new Map<number, number>();
  #headCount = 0;

  // By index in the directory.
  readonly #scale: Float64Array;
  readonly #price: Float64Array;
  readonly #base: Float64Array;
  readonly #spread: Float64Array;
  readonly #tradeId: Float64Array;
  /** Bits `BASED` and `QUOTED`. */
  readonly #told: Uint8Array;
  readonly #sizes: Int32Array;

  /** Of every size without a dictionary, in order: whose it is. */
  readonly #sizeOwner: Int32Array;
  #isIndexed = false;
  #quotes = 0;
  #trades = 0;
  #sizeCount = 0;

  /** @param capacity ticks of a block at most */
  constructor(readonly capacity: number) {
    this.#columns = new Columns(capacity);
    this.#directory = new Directory(capacity);
    this.#packer = new Packer(2 * capacity);
    this.#words = new Int32Array(Math.ceil(payloadBytesMax(capacity) / 4));
    this.#bytes = new Uint8Array(this.#words.buffer);
    this.#heads = new Int32Array(capacity);
    this.#scale = new Float64Array(capacity);
    this.#price = new Float64Array(capacity);
    this.#base = new Float64Array(capacity);
    this.#spread = new Float64Array(capacity);
    this.#tradeId = new Float64Array(capacity);
    this.#told = new Uint8Array(capacity);
    this.#sizes = new Int32Array(SIDES * capacity);
    this.#sizeOwner = new Int32Array(2 * capacity);
  }

  /** Writes the payload of `count` records at `at`. Returns its end. */
  encode(r: Records, count: number, digits: Uint8Array, out: Uint8Array, at: number): number {
    this.#times.begin(r, count);
    this.#gather(r, count, digits);
    if (!this.#times.end(count, this.#columns)) {
      // What a sample of the times let expect does not hold for all of them.
      this.#times.beginAgain(r, count);
      this.#gather(r, count, digits);
      this.#times.end(count, this.#columns);
    }
    const sizeMode = this.#isIndexed ? SizeMode.indexes : this.#gatherSizes(r, count);
    const end = this.#directory.write(out, at);
    const words = this.#write(count, sizeMode);
    out.set(this.#bytes.subarray(0, 4 * words), end);
    return end + 4 * words;
  }

  /**
   * Lowest and highest of both times in the block just encoded, as in a block's header: 8 words into `into`.
   * @returns false when times that are none, or too far apart, make it look at each
   */
  ranges(into: Uint32Array): boolean {
    return this.#times.ranges(into);
  }

  #gather(r: Records, count: number, digits: Uint8Array): void {
    this.#begin(count);
    for (let from = 0; from < count; from += PIECE_TICKS) {
      const to = Math.min(from + PIECE_TICKS, count);
      this.#times.gather(r, from, to, this.#columns);
      this.#gatherHeads(r, from, to, digits);
      this.#gatherBodies(r, from, to);
    }
  }

  #begin(count: number): void {
    this.#generation++;
    if (this.#generation === GENERATIONS) {
      this.#local.fill(0);
      this.#generation = 1;
    }
    this.#far.clear();
    this.#farHeads.clear();
    this.#headCount = 0;
    this.#directory.count = 0;
    this.#quotes = 0;
    this.#trades = 0;
    this.#sizeCount = 0;
    this.#columns.wides = 0;
    this.#columns.timeWides = 0;
    this.#columns.misfits = 0;
    this.#isIndexed = this.#dictionary.begin(2 * count);
  }

  /** Symbols, heads and symbolSeqs. */
  #gatherHeads(r: Records, from: number, to: number, digits: Uint8Array): void {
    const { u32 } = r;
    const { symbol: symbolColumn, head: headColumn, symbolSeq: seqColumn } = this.#columns;
    const { lastSymbolSeq } = this.#directory;
    const local = this.#local;
    const generation = this.#generation;
    const heads = this.#heads;
    let lastHead = heads[0];
    let lastIndex = this.#headCount === 0 ? -1 : 0;
    for (let i = from; i < to; i++) {
      const w = i * RECORD_U32;
      const id = u32[w + U32_SYMBOL];
      const symbolSeq = u32[w + U32_SYMBOL_SEQ];
      const entry = id < SYMBOLS_TABLED ? local[id] : 0;
      const at = entry >> 16 === generation ? entry & INDEX_BITS : this.#symbol(id, symbolSeq, digits);
      symbolColumn[i] = at;
      const step = (symbolSeq - lastSymbolSeq[at] - 1) | 0;
      seqColumn[i] = zigzag(step);
      lastSymbolSeq[at] = symbolSeq;
      const head = u32[w + U32_KIND_FLAGS_SOURCE] | 0;
      if (head !== lastHead || lastIndex < 0) {
        lastIndex = this.#head(head);
        lastHead = head;
      }
      headColumn[i] = lastIndex;
    }
  }

  /** The index of a symbol that the table does not have in this block; a new one starts as if it had ticked before. */
  #symbol(id: number, symbolSeq: number, digits: Uint8Array): number {
    const known = id < SYMBOLS_TABLED ? undefined : this.#far.get(id);
    if (known !== undefined) return known;
    const directory = this.#directory;
    const at = directory.count++;
    if (id < SYMBOLS_TABLED) this.#local[id] = (this.#generation << 16) | at;
    else this.#far.set(id, at);
    directory.symbolId[at] = id;
    directory.digits[at] = id < digits.length ? digits[id] & 15 : 0;
    directory.firstSymbolSeq[at] = symbolSeq;
    directory.lastSymbolSeq[at] = symbolSeq - 1;
    this.#scale[at] = POWERS[directory.digits[at]];
    this.#price[at] = 0;
    this.#base[at] = 0;
    this.#spread[at] = 0;
    this.#tradeId[at] = 0;
    this.#told[at] = 0;
    this.#sizes.fill(0, SIDES * at, SIDES * at + SIDES);
    return at;
  }

  #head(head: number): number {
    const heads = this.#heads;
    const near = Math.min(this.#headCount, HEADS_AT_HAND);
    for (let k = 0; k < near; k++) if (heads[k] === head) return k;
    const known = this.#farHeads.get(head);
    if (known !== undefined) return known;
    const index = this.#headCount++;
    heads[index] = head;
    if (index >= HEADS_AT_HAND) this.#farHeads.set(head, index);
    return index;
  }

  /** Prices, spreads, ids, and the numbers of sizes. */
  #gatherBodies(r: Records, from: number, to: number): void {
    const { u32, f64 } = r;
    const columns = this.#columns;
    const { symbol, price: priceColumn, spread: spreadColumn, size: sizeColumn } = columns;
    const dictionary = this.#dictionary;
    const scales = this.#scale;
    const prices = this.#price;
    const spreads = this.#spread;
    const told = this.#told;
    let quotes = this.#quotes;
    let sizes = this.#sizeCount;
    let isIndexed = this.#isIndexed;
    for (let k = from; k < to; k++) {
      const i = k & PLACES;
      const w = i * RECORD_U32;
      const d = i * RECORD_F64;
      const kind = u32[w + U32_KIND_FLAGS_SOURCE] & KIND_MASK;
      const at = symbol[i];
      if (kind !== Kind.quote) {
        this.#sizeCount = sizes;
        this.#isIndexed = isIndexed;
        if (kind === Kind.trade) this.#trade(r, i, at);
        else this.#other(r, i);
        sizes = this.#sizeCount;
        isIndexed = this.#isIndexed;
        continue;
      }
      const scale = scales[at];
      const bid = f64[d + F64_BID];
      const ask = f64[d + F64_ASK];
      const bidPoints = bid * scale + ROUNDING - ROUNDING;
      const askPoints = ask * scale + ROUNDING - ROUNDING;
      let step = 0;
      let spreadStep = 0;
      if (
        bidPoints / scale === bid &&
        askPoints / scale === ask &&
        Math.abs(bidPoints) < POINTS_MAX &&
        Math.abs(askPoints) < POINTS_MAX &&
        (bidPoints !== 0 || u32[w + 2 * F64_BID + 1] === 0) &&
        (askPoints !== 0 || u32[w + 2 * F64_ASK + 1] === 0)
      ) {
        if ((told[at] & BASED) === 0) this.#base[at] = prices[at] = bidPoints;
        told[at] = BASED | QUOTED;
        const spread = askPoints - bidPoints;
        step = bidPoints - prices[at];
        spreadStep = spread - spreads[at];
        prices[at] = bidPoints;
        spreads[at] = spread;
        if (Math.abs(step) >= STEP_MAX) step = columns.addWide(i, Column.price, step);
        if (Math.abs(spreadStep) >= STEP_MAX) spreadStep = columns.addWide(i, Column.spread, spreadStep);
      } else {
        told[at] |= QUOTED;
        columns.addMisfit(r, i, F64_BID);
        columns.addMisfit(r, i, F64_ASK);
      }
      priceColumn[i] = zigzag(step | 0);
      spreadColumn[quotes++] = zigzag(spreadStep | 0);
      if (isIndexed) {
        const bidSize = dictionary.number(u32[w + 2 * F64_BID_SIZE] | 0, u32[w + 2 * F64_BID_SIZE + 1] | 0);
        const askSize = dictionary.number(u32[w + 2 * F64_ASK_SIZE] | 0, u32[w + 2 * F64_ASK_SIZE + 1] | 0);
        sizeColumn[sizes] = bidSize;
        sizeColumn[sizes + 1] = askSize;
        isIndexed = (bidSize | askSize) >= 0;
      }
      sizes += 2;
    }
    this.#quotes = quotes;
    this.#sizeCount = sizes;
    this.#isIndexed = isIndexed;
  }

  #trade(r: Records, i: number, at: number): void {
    const columns = this.#columns;
    const { u32, f64 } = r;
    const w = i * RECORD_U32;
    const d = i * RECORD_F64;
    const scale = this.#scale[at];
    const price = f64[d + F64_BID];
    const points = price * scale + ROUNDING - ROUNDING;
    const isExact =
      points / scale === price &&
      points < POINTS_MAX &&
      points > -POINTS_MAX &&
      (points !== 0 || u32[w + 2 * F64_BID + 1] === 0);
    let step = 0;
    if (isExact) {
      if ((this.#told[at] & BASED) === 0) this.#base[at] = this.#price[at] = points;
      this.#told[at] |= BASED;
      step = points - this.#price[at];
      if ((this.#told[at] & QUOTED) === 0) this.#price[at] = points;
      if (Math.abs(step) >= STEP_MAX) step = columns.addWide(i, Column.price, step);
    } else {
      columns.addMisfit(r, i, F64_BID);
    }
    columns.price[i] = zigzag(step);
    if ((u32[w + 2 * F64_ASK] | u32[w + 2 * F64_ASK + 1]) !== 0) columns.addMisfit(r, i, F64_ASK);

    const id = f64[d + F64_TRADE_ID];
    let code = 0;
    if (id > 0 && id < TRADE_ID_MAX && Math.floor(id) === id) {
      let idStep = id - this.#tradeId[at] - 1;
      this.#tradeId[at] = id;
      if (Math.abs(idStep) >= STEP_MAX) idStep = columns.addWide(i, Column.tradeId, idStep);
      code = 1 + zigzag(idStep);
    } else if (u32[w + 2 * F64_TRADE_ID + 1] !== NAN_HIGH || u32[w + 2 * F64_TRADE_ID] !== 0) {
      columns.addMisfit(r, i, F64_TRADE_ID);
    }
    columns.tradeId[this.#trades++] = code;

    const k = this.#sizeCount++;
    if (!this.#isIndexed) return;
    const size = this.#dictionary.number(u32[w + 2 * F64_SIZE] | 0, u32[w + 2 * F64_SIZE + 1] | 0);
    columns.size[k] = size;
    this.#isIndexed = size >= 0;
  }

  /** A record that is neither quote nor trade: what is not 0 of its body is kept as it is. */
  #other(r: Records, i: number): void {
    this.#columns.price[i] = 0;
    for (let pair = F64_BID; pair <= F64_TRADE_ID; pair++) {
      const w = i * RECORD_U32 + 2 * pair;
      if ((r.u32[w] | r.u32[w + 1]) !== 0) this.#columns.addMisfit(r, i, pair);
    }
  }

  /** Fills the column of sizes without a dictionary. Returns how: a `SizeMode`. */
  #gatherSizes(r: Records, count: number): number {
    this.#dictionary.drop();
    const { u32 } = r;
    const { size: sizeColumn, symbol } = this.#columns;
    const recordWords = new Int32Array(u32.buffer, u32.byteOffset, u32.length);
    const owner = this.#sizeOwner;
    let k = 0;
    for (let i = 0; i < count; i++) {
      const kind = u32[i * RECORD_U32 + U32_KIND_FLAGS_SOURCE] & KIND_MASK;
      if (kind > Kind.trade) continue;
      const whose = SIDES * symbol[i];
      sizeColumn[k] = this.#sizeWord(r, recordWords, i, F64_BID_SIZE);
      owner[k++] = whose + 2 * kind;
      if (kind === Kind.trade) continue;
      sizeColumn[k] = this.#sizeWord(r, recordWords, i, F64_ASK_SIZE);
      owner[k++] = whose + 1;
    }
    return this.#takeDifferences(k) ? SizeMode.differences : SizeMode.words;
  }

  #sizeWord(r: Records, recordWords: Int32Array, i: number, pair: number): number {
    const word = sizeWord(r.f64, recordWords, i * RECORD_F64 + pair);
    if (word !== NO_WORD) return word;
    this.#columns.addMisfit(r, i, pair);
    return 0;
  }

  /** Turns size words into what differs from the symbol's last of that side; false where a sample says that nothing is gained. */
  #takeDifferences(count: number): boolean {
    const { size: sizeColumn } = this.#columns;
    const owner = this.#sizeOwner;
    const last = this.#sizes;
    let gain = 0;
    for (let k = 0; k < Math.min(count, SIZES_SAMPLED); k++) {
      const word = sizeColumn[k];
      gain += Math.clz32(word ^ last[owner[k]]) - Math.clz32(word);
      last[owner[k]] = word;
    }
    if (gain <= 0) return false;
    last.fill(0, 0, SIDES * this.#directory.count);
    for (let k = 0; k < count; k++) {
      const word = sizeColumn[k];
      sizeColumn[k] = word ^ last[owner[k]];
      last[owner[k]] = word;
    }
    return true;
  }

  /** Writes everything after the directory. Returns how many words. */
  #write(count: number, sizeMode: number): number {
    const columns = this.#columns;
    const words = this.#words;
    const { shape } = this.#times;
    const symbols = this.#directory.count;
    words[0] = shape.bits | (sizeMode << SIZE_MODE_SHIFT);
    words[1] = this.#headCount;
    words[2] = this.#quotes;
    words[3] = this.#trades;
    words[5] = columns.timeWides + columns.wides;
    words[6] = columns.misfits;
    words[7] = shape.recvBase;
    words[8] = shape.eventBase;
    putFloat(words, 9, shape.leastLag);
    let o = HEADER_WORDS;
    for (let k = 0; k < this.#headCount; k++) words[o++] = this.#heads[k];
    const sizesAt = o;
    o = this.#dictionary.write(words, o);
    words[4] = o - sizesAt;
    this.#splitBases(symbols);
    const packer = this.#packer;
    o = packer.pack(columns.baseLow, symbols, words, o);
    o = packer.pack(columns.baseHigh, symbols, words, o);
    o = packer.pack(columns.symbol, count, words, o);
    o = packer.pack(columns.head, count, words, o);
    o = packer.pack(columns.symbolSeq, count, words, o);
    o = packer.pack(columns.recv, count, words, o);
    if (shape.presence === Presence.column) o = packer.pack(columns.present, count, words, o);
    if (shape.presence !== Presence.none) o = packer.pack(columns.event, count, words, o);
    o = packer.pack(columns.price, count, words, o);
    o = packer.pack(columns.spread, this.#quotes, words, o);
    o = packer.pack(columns.tradeId, this.#trades, words, o);
    o = packer.pack(columns.size, this.#sizeCount, words, o);
    o = copyWords(columns.timeWide, columns.timeWides * WIDE_WORDS, words, o);
    o = copyWords(columns.wide, columns.wides * WIDE_WORDS, words, o);
    return copyWords(columns.misfit, columns.misfits * MISFIT_WORDS, words, o);
  }

  /** The zigzag prices that symbols start from, in two words each. */
  #splitBases(symbols: number): void {
    const { baseLow, baseHigh } = this.#columns;
    for (let at = 0; at < symbols; at++) {
      const base = this.#base[at];
      const code = base < 0 ? -2 * base - 1 : 2 * base;
      const high = Math.floor(code / WORD);
      baseHigh[at] = high;
      baseLow[at] = code - high * WORD;
    }
  }
}

const float = new Float64Array(1);
const floatWords = new Int32Array(float.buffer);

function putFloat(words: Int32Array, at: number, value: number): void {
  float[0] = value;
  words[at] = floatWords[0];
  words[at + 1] = floatWords[1];
}

function copyWords(from: Int32Array, count: number, words: Int32Array, at: number): number {
  for (let k = 0; k < count; k++) words[at + k] = from[k];
  return at + count;
}

/** Bytes that a payload takes at most. */
export function columnBytesMax(count: number): number {
  return payloadBytesMax(count) + COUNT_BYTES_MAX + count * ENTRY_BYTES_MAX;
}
