/** Gives a block's symbols and heads their indexes, and gathers their columns. */
import { AT_HEAD, AT_SYMBOL, AT_SYMBOL_SEQ, RECORD } from './format';
import {
  BASE_HIGH_COLUMN,
  BASE_LOW_COLUMN,
  DIGITS,
  DIRECTORY_DIGITS,
  DIRECTORY_FIRST,
  DIRECTORY_ID,
  DIRECTORY_LAST,
  HEAD_COLUMN,
  HEAD_TABLE,
  HEADS,
  RECORDS,
  SEQ_COLUMN,
  STATE,
  STATE_BASE,
  STATE_PRICE,
  STATE_SCALE,
  STATE_SEQ,
  STATES,
  SYMBOL_COLUMN,
  SYMBOL_INDEXES,
  SYMBOL_TABLE,
  SYMBOLS_TABLED,
} from './layout';
import { powerOfTen } from './scales';
import { indexAt, isTaken, slotOf, take } from './word-indexes';

/** Generations that the high half of a word can hold. */
const GENERATIONS: u32 = 65_536;
/** Digits of a symbol's prices, for an id that is in no table. */
declare function digitsOf(symbolId: u32): u32;

let generation: u32 = 0;
/** Tag of the block in hash tables. */
let tag: u32 = 0;
/** Symbols of the directory. */
export let symbols: u32 = 0;
export let heads: u32 = 0;

export function symbolCount(): u32 {
  return symbols;
}

/** Begins a block. */
export function beginSymbols(): void {
  generation++;
  if (generation === GENERATIONS) {
    memory.fill(SYMBOL_INDEXES, 0, 8 * SYMBOLS_TABLED);
    generation = 1;
  }
  tag++;
  symbols = 0;
  heads = 0;
}

/** The directory index of a symbol that the table does not have in this block. A new symbol expects its first symbolSeq. */
export function symbolIndexOf(id: u32, symbolSeq: u32): u32 {
  if (id >= SYMBOLS_TABLED) {
    const slot = slotOf(SYMBOL_TABLE, tag, id);
    if (isTaken(slot, tag)) return indexAt(slot);
    take(slot, tag, id, symbols);
  } else {
    store<u32>(SYMBOL_INDEXES + <usize>id * 8, (generation << 16) | symbols);
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
  // No price is near NaN, so the first price takes the slow path.
  store<f64>(state, NaN, STATE_PRICE);
  store<f64>(state, powerOfTen(digits), STATE_SCALE);
  store<u32>(state, symbolSeq, STATE_SEQ);
  return at;
}

export function headIndexOf(head: u32): u32 {
  const slot = slotOf(HEAD_TABLE, tag, head);
  if (isTaken(slot, tag)) return indexAt(slot);
  take(slot, tag, head, heads);
  store<u32>(HEADS + <usize>heads * 4, head);
  return heads++;
}

/** Fills the columns of symbols, heads and symbolSeq steps (not yet zigzag). */
export function gatherSymbols(from: u32, to: u32): void {
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
      const entry = load<u64>(<usize>id * 8, SYMBOL_INDEXES);
      at = <u32>entry & 0xffff;
      if (<u32>entry >> 16 === now) seq = <u32>(entry >> 32);
      else at = symbolIndexOf(id, symbolSeq);
      // The whole word: a core waits long to load a word right after it has stored one half.
      store<u64>(<usize>id * 8, <u64>((now << 16) | at) | ((<u64>(symbolSeq + 1)) << 32), SYMBOL_INDEXES);
    } else {
      at = symbolIndexOf(id, symbolSeq);
      const state = STATES + <usize>at * STATE;
      seq = load<u32>(state, STATE_SEQ);
      store<u32>(state, symbolSeq + 1, STATE_SEQ);
    }
    store<u32>(c, at, SYMBOL_COLUMN);
    store<u32>(c, symbolSeq - seq, SEQ_COLUMN);
    const head = load<u32>(p, RECORDS + AT_HEAD);
    if (head !== lastHead || lastIndex < 0) {
      lastIndex = headIndexOf(head);
      lastHead = head;
    }
    store<i32>(c, lastIndex, HEAD_COLUMN);
  }
}

/** Writes each symbol's last symbolSeq, and its first price as zigzag in two words. */
export function writeSymbols(): void {
  for (let at: usize = 0; at < symbols; at++) {
    const id = load<u32>(DIRECTORY_ID + at * 4);
    const next =
      id < SYMBOLS_TABLED
        ? load<u32>(<usize>id * 8, SYMBOL_INDEXES + 4)
        : load<u32>(STATES + at * STATE, STATE_SEQ);
    store<u32>(DIRECTORY_LAST + at * 4, next - 1);
    const base = <i64>load<f64>(STATES + at * STATE, STATE_BASE);
    const code = (base << 1) ^ (base >> 63);
    store<u32>(BASE_LOW_COLUMN + at * 4, <u32>code);
    store<u32>(BASE_HIGH_COLUMN + at * 4, <u32>(code >> 32));
  }
}
