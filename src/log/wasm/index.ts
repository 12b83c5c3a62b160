/** What the host calls and reads: see `../column-codec.ts`. */
export { decode, scatter } from './decode';
export { encode, symbolCount } from './encode';
export { findLasts } from './lasts';
export {
  DIRECTORY_DIGITS,
  DIRECTORY_FIRST,
  DIRECTORY_ID,
  DIRECTORY_LAST,
  LASTS,
  RANGES,
  RECORDS,
  SIZE_COLUMN,
  TICKS,
  WORDS,
  WORDS_MAX,
} from './layout';
export { pack } from './pack';
export { ranges } from './times-encode';
export { unpack } from './unpack';
