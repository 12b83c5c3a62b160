/** What the host calls and reads: see `../column-codec.ts`. */
/** Not for the host: what is exported is not inlined, so the loops that seldom call it keep their registers. */
export { decode, putSizes, scatter, scatterTrade } from './decode';
export { encode } from './encode';
export { gatherTrade, oddSteps } from './gather';
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
export { headOf, placeOf, symbolCount } from './places';
export { wordsOf } from './sizes-encode';
export { ranges } from './times-encode';
export { unpack } from './unpack';
