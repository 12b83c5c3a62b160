/**
 * The last of each symbol in a block, as far as a last-value table wants them: rules are in `../projection.ts`.
 *
 * ```
 * by place in the directory, 256 bytes each:
 *  0 u32 symbolId │ 4 u32 what is there: bit 0 last quote for the table, 1 trade, 2 status, 3 last quote of all
 *  8 last quote of all: f64 bid │ 16 ask │ 24 bidSize │ 32 askSize │ 40 0
 * 64 record of the last quote for the table │ 128 of the trade │ 192 of the status
 * ```
 *
 * A crossed or late quote is none for the table; a late trade is none, nor is a status that defines a symbol. Numbering
 * has flagged what is late, so times are not looked at here.
 */
import {
  AT_BID,
  AT_HEAD,
  CROSSED,
  KIND_MASK,
  LATE,
  QUOTE,
  RECORD,
  STATUS,
  SYMBOL_DEFINED,
  TRADE,
} from './format';
import { DIRECTORY_ID, LAST_PLACES, LASTS, RECORDS, SYMBOL_COLUMN } from './layout';

/** By symbol: ticks, as i32, or −1. The first two are those of an ordinary quote, and stand in one word. */
const PLACES: usize = 16;
const TABLE_QUOTE: usize = 0;
const LAST_QUOTE: usize = 4;
const LAST_TRADE: usize = 8;
const LAST_STATUS: usize = 12;
export const LAST: usize = 256;

/** Finds them in the `count` records of the block just encoded or decoded, of so many symbols. */
export function findLasts(count: u32, symbols: u32): void {
  memory.fill(LAST_PLACES, 0xff, PLACES * <usize>symbols);
  for (let i: u32 = 0; i < count; i++) {
    const places = LAST_PLACES + <usize>load<u32>(SYMBOL_COLUMN + <usize>i * 4) * PLACES;
    const p = RECORDS + <usize>i * RECORD;
    const head = load<u32>(p, AT_HEAD);
    if ((head & (KIND_MASK | CROSSED | LATE)) === QUOTE) store<u64>(places, <u64>i * 0x1_0000_0001);
    else noteOther(i, p, head, places);
  }
  for (let at: u32 = 0; at < symbols; at++) collect(at);
}

function noteOther(i: u32, p: usize, head: u32, places: usize): void {
  const kind = head & KIND_MASK;
  if (kind === QUOTE) {
    store<u32>(places + LAST_QUOTE, i);
  } else if (kind === TRADE) {
    if ((head & LATE) === 0) store<u32>(places + LAST_TRADE, i);
  } else if (kind === STATUS && load<u16>(p, AT_BID + 4) !== SYMBOL_DEFINED) {
    store<u32>(places + LAST_STATUS, i);
  }
}

/** Copies what one symbol's places say. */
function collect(at: u32): void {
  const places = LAST_PLACES + <usize>at * PLACES;
  const last = LASTS + <usize>at * LAST;
  let what: u32 = 0;
  what |= copyRecord(load<i32>(places + TABLE_QUOTE), last + 64) ? 1 : 0;
  what |= copyRecord(load<i32>(places + LAST_TRADE), last + 128) ? 2 : 0;
  what |= copyRecord(load<i32>(places + LAST_STATUS), last + 192) ? 4 : 0;
  const quote = load<i32>(places + LAST_QUOTE);
  if (quote >= 0) {
    const p = RECORDS + <usize>quote * RECORD + AT_BID;
    v128.store(last, v128.load(p), 8);
    v128.store(last, v128.load(p, 16), 24);
    what |= 8;
  }
  store<u32>(last, load<u32>(DIRECTORY_ID + <usize>at * 4));
  store<u32>(last, what, 4);
}

function copyRecord(tick: i32, to: usize): bool {
  if (tick < 0) return false;
  const p = RECORDS + <usize>tick * RECORD;
  v128.store(to, v128.load(p));
  v128.store(to, v128.load(p, 16), 16);
  v128.store(to, v128.load(p, 32), 32);
  v128.store(to, v128.load(p, 48), 48);
  return true;
}
