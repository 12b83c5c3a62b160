/**
 * The last of each symbol in a block, as far as a last-value table wants them: rules are in `../projection.ts`.
 *
 * ```
 * by place in the directory, 256 bytes each:
 *  0 u32 symbolId │ 4 u32 what is there: bit 0 last quote for the table, 1 trade, 2 status, 3 last quote of all,
 *    4 newest quote, 5 newest trade
 *  8 u32 tsEvent of the newest quote: s │ 12 ns │ 16 of the newest trade: s │ 20 ns
 * 24 last quote of all: f64 bid │ 32 ask │ 40 bidSize │ 48 askSize │ 56 0
 * 64 record of the last quote for the table │ 128 of the trade │ 192 of the status
 * ```
 *
 * A crossed or late quote is none for the table; a late trade is none, nor is a status that defines a symbol. The newest
 * is the last that is not late and has a tsEvent that can be: one too far ahead of its receipt says nothing of it.
 */
import {
  AT_BID,
  AT_EVENT,
  AT_HEAD,
  AT_RECV,
  CROSSED,
  EVENT_AHEAD_S_MAX,
  KIND_MASK,
  LATE,
  QUOTE,
  RECORD,
  STATUS,
  SYMBOL_DEFINED,
  TRADE,
} from './format';
import { DIRECTORY_ID, LAST_PLACES, LASTS, RECORDS, SYMBOL_COLUMN } from './layout';

/** By symbol: ticks, as i32, or −1. The first three are those of an ordinary quote, and stand in one vector. */
const PLACES: usize = 32;
const TABLE_QUOTE: usize = 0;
const LAST_QUOTE: usize = 4;
const NEWEST_QUOTE: usize = 8;
const LAST_TRADE: usize = 16;
const LAST_STATUS: usize = 20;
const NEWEST_TRADE: usize = 24;
export const LAST: usize = 256;

/** Finds them in the `count` records of the block just encoded or decoded, of so many symbols. */
export function findLasts(count: u32, symbols: u32): void {
  memory.fill(LAST_PLACES, 0xff, PLACES * <usize>symbols);
  for (let i: u32 = 0; i < count; i++) {
    const places = LAST_PLACES + <usize>load<u32>(SYMBOL_COLUMN + <usize>i * 4) * PLACES;
    const p = RECORDS + <usize>i * RECORD;
    const head = load<u32>(p, AT_HEAD);
    if ((head & (KIND_MASK | CROSSED | LATE)) === QUOTE && isPlausible(p)) v128.store(places, i32x4.splat(i));
    else noteOther(i, p, head, places);
  }
  for (let at: u32 = 0; at < symbols; at++) collect(at);
}

/** Whether the time of a record is near enough to its receipt to be the newest of its symbol. */
function isPlausible(p: usize): bool {
  return <u64>load<u32>(p, AT_EVENT) <= <u64>load<u32>(p, AT_RECV) + EVENT_AHEAD_S_MAX;
}

function noteOther(i: u32, p: usize, head: u32, places: usize): void {
  const kind = head & KIND_MASK;
  const isLate = (head & LATE) !== 0;
  if (kind === QUOTE) {
    store<u32>(places + LAST_QUOTE, i);
    if (isLate) return;
    if ((head & CROSSED) === 0) store<u32>(places + TABLE_QUOTE, i);
    if (isPlausible(p)) store<u32>(places + NEWEST_QUOTE, i);
  } else if (kind === TRADE) {
    if (isLate) return;
    store<u32>(places + LAST_TRADE, i);
    if (isPlausible(p)) store<u32>(places + NEWEST_TRADE, i);
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
    v128.store(last, v128.load(p), 24);
    v128.store(last, v128.load(p, 16), 40);
    what |= 8;
  }
  what |= copyTime(load<i32>(places + NEWEST_QUOTE), last + 8) ? 16 : 0;
  what |= copyTime(load<i32>(places + NEWEST_TRADE), last + 16) ? 32 : 0;
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

function copyTime(tick: i32, to: usize): bool {
  if (tick < 0) return false;
  store<u64>(to, load<u64>(RECORDS + <usize>tick * RECORD, AT_EVENT));
  return true;
}
