/**
 * The exports of the module: see `../column-codec.ts`. `putSizes`, `scatterTrade`, `gatherTrade`, `unusualSteps`,
 * `headIndexOf`, `symbolIndexOf` and `wordsOf` are not for the host. An exported function is not inlined, so the loops
 * that seldom call one keep their registers.
 */
export { decode, putSizes, scatter, scatterTrade } from './decode';
export { encode } from './encode';
export { gatherTrade, unusualSteps } from './gather';
export { findLasts } from './lasts';
export {
  DIGITS,
  DIRECTORY_DIGITS,
  DIRECTORY_FIRST,
  DIRECTORY_ID,
  DIRECTORY_LAST,
  LASTS,
  RANGES,
  RECORDS,
  SIZE_COLUMN,
  SYMBOLS_TABLED,
  TICKS,
  WORDS,
  WORDS_MAX,
} from './layout';
export { pack } from './pack';
export { wordsOf } from './sizes-encode';
export { headIndexOf, symbolCount, symbolIndexOf } from './symbols';
export { ranges } from './times-encode';
export { unpack } from './unpack';
