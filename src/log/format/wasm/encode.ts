/** The encoder of the columnar format: see `format.ts` for the bytes. */

import { exceptions, timeWides, wides } from './exceptions';
import { EXCEPTION, HEADER_WORDS, PRESENT_COLUMN, PRESENT_NONE, SIZE_MODE_SHIFT, WIDE } from './format';
import { gather, quotes, trades } from './gather';
import {
  BASE_HIGH_COLUMN,
  BASE_LOW_COLUMN,
  EVENT_COLUMN,
  EXCEPTIONS,
  HEAD_COLUMN,
  HEADS,
  PRESENT_COLUMN_AT,
  PRICE_COLUMN,
  RECV_COLUMN,
  SEQ_COLUMN,
  SIZE_COLUMN,
  SPREAD_COLUMN,
  SYMBOL_COLUMN,
  TIME_WIDES,
  TRADE_COLUMN,
  WIDES,
  WORDS,
} from './layout';
import { pack } from './pack';
import { writeDictionary } from './size-words';
import { endSizes, sizes } from './sizes-encode';
import { heads, symbols, writeSymbols } from './symbols';
import { eventBase, leastLag, presence, recvBase, shapeBits } from './times';
import { beginTimes, beginTimesAgain, endTimes } from './times-encode';

/** Encodes the payload of the first `count` records, without the directory. Returns its words. */
export function encode(count: u32): u32 {
  beginTimes(count);
  gather(count);
  if (!endTimes(count)) {
    // The sample of the times was wrong about some of the times.
    beginTimesAgain(count);
    gather(count);
    endTimes(count);
  }
  return <u32>(write(count, endSizes(count, symbols)) - WORDS) / 4;
}

/** Writes everything after the directory. Returns its end. */
function write(count: u32, sizeMode: u32): usize {
  store<u32>(WORDS, shapeBits() | (sizeMode << SIZE_MODE_SHIFT));
  store<u32>(WORDS, heads, 4);
  store<u32>(WORDS, quotes, 8);
  store<u32>(WORDS, trades, 12);
  store<u32>(WORDS, timeWides + wides, 20);
  store<u32>(WORDS, exceptions, 24);
  store<u32>(WORDS, recvBase, 28);
  store<u32>(WORDS, eventBase, 32);
  store<f64>(WORDS, <f64>leastLag, 36);
  const sizesAt = copy(HEADS, 4 * <usize>heads, WORDS + 4 * <usize>HEADER_WORDS);
  let o = writeDictionary(sizesAt);
  store<u32>(WORDS, <u32>(o - sizesAt) / 4, 16);
  writeSymbols();
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
  return copy(EXCEPTIONS, EXCEPTION * <usize>exceptions, o);
}

function copy(from: usize, bytes: usize, to: usize): usize {
  memory.copy(to, from, bytes);
  return to + bytes;
}
