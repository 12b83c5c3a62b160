/** What the host calls and reads: see `../column-codec.ts`. */
export { decode, scatter } from './decode';
export { encode, symbolCount } from './encode';
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
export { ranges } from './times-encode';
export { unpack } from './unpack';
