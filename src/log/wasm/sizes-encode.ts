/** Sizes without a dictionary: words, or what they differ in from the symbol's last of that side. See `format.ts`. */
import { ASK_SIZE_PAIR, AT_ASK_SIZE, AT_BID_SIZE, BID_SIZE_PAIR } from './format';
import { SIZE_COLUMN, SIZE_OWNERS, STATE, STATE_SIZES, STATES } from './layout';
import { addMisfit } from './oddities';
import { NO_WORD, shortCodes, sizeWord } from './size-words';

/** Sizes that decide whether their differences are smaller. */
const SIZES_SAMPLED: u32 = 2_048;

/** Writes the words of a quote's sizes as sizes `k` and `k` + 1. */
export function putQuoteSizes(k: u32, i: u32, p: usize, state: usize): void {
  let codes = shortCodes(v128.load(p, AT_BID_SIZE));
  if (codes < 0) codes = wordsOf(i, p);
  const owner = <u64>(state + STATE_SIZES);
  store<i64>(<usize>k * 4, codes, SIZE_COLUMN);
  store<u64>(<usize>k * 4, owner | ((owner + 4) << 32), SIZE_OWNERS);
}

export function wordsOf(i: u32, p: usize): i64 {
  const bid = <u32>wordOf(load<u64>(p, AT_BID_SIZE), i, BID_SIZE_PAIR);
  const ask = <u32>wordOf(load<u64>(p, AT_ASK_SIZE), i, ASK_SIZE_PAIR);
  return <i64>(<u64>bid | ((<u64>ask) << 32));
}

/** Writes a size's word, and whose it is. */
export function putSize(k: u32, word: i32, owner: usize): void {
  store<i32>(SIZE_COLUMN + <usize>k * 4, word);
  store<u32>(SIZE_OWNERS + <usize>k * 4, <u32>owner);
}

/** The word of a size; one that has none becomes a misfit. */
export function wordOf(size: u64, i: u32, pair: u32): i32 {
  const word = sizeWord(size);
  if (word !== NO_WORD) return word;
  addMisfit(i, pair);
  return 0;
}

/** Turns size words into what differs from the symbol's last of that side; false where a sample says that nothing is gained. */
export function takeDifferences(end: usize, symbols: u32): bool {
  let gain: i32 = 0;
  for (let k: usize = 0; k < min(end, 4 * SIZES_SAMPLED); k += 4) {
    const word = load<i32>(SIZE_COLUMN + k);
    const owner = <usize>load<u32>(SIZE_OWNERS + k);
    gain += clz(word ^ load<i32>(owner)) - clz(word);
    store<i32>(owner, word);
  }
  if (gain <= 0) return false;
  for (let at: usize = 0; at < symbols; at++) memory.fill(STATES + at * STATE + STATE_SIZES, 0, 16);
  for (let k: usize = 0; k < end; k += 4) {
    const word = load<i32>(SIZE_COLUMN + k);
    const owner = <usize>load<u32>(SIZE_OWNERS + k);
    store<i32>(SIZE_COLUMN + k, word ^ load<i32>(owner));
    store<i32>(owner, word);
  }
  return true;
}
