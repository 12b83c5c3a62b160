/**
 * The last ticks of each symbol in a block, for a last-value table. The rules are in `log/write/last-values-projection.ts`.
 *
 * ```
 * by index in the directory, 256 bytes each:
 *  0 u32 symbolId │ 4 u32 which are set: bit 0 last quote for the table, 1 trade, 2 status, 3 last quote of all
 *  8 last quote of all: f64 bid │ 16 ask │ 24 bidSize │ 32 askSize │ 40 0
 * 64 record of the last quote for the table │ 128 of the trade │ 192 of the status
 * ```
 *
 * The rule of last values is `core/record-layout.ts`. The shard has flagged
 * late ticks already, so this code does not compare times.
 */
import {
  AT_BID,
  AT_HEAD,
  KIND_MASK,
  NO_LAST_QUOTE,
  NO_LAST_TRADE,
  QUOTE,
  RECORD,
  STATUS,
  SYMBOL_DEFINED,
  TRADE,
} from './format';
import { DIRECTORY_ID, LAST_TICKS, LASTS, RECORDS, SYMBOL_COLUMN } from './layout';

/** By symbol: ticks, as i32, or −1. An ordinary quote sets the first two, which share one word. */
const LAST_TICKS_BYTES: usize = 16;
const TABLE_QUOTE: usize = 0;
const LAST_QUOTE: usize = 4;
const LAST_TRADE: usize = 8;
const LAST_STATUS: usize = 12;
export const LAST: usize = 256;

/** Finds the last ticks in the `count` records of the block that was just encoded or decoded. */
export function findLasts(count: u32, symbols: u32): void {
  memory.fill(LAST_TICKS, 0xff, LAST_TICKS_BYTES * <usize>symbols);
  for (let i: u32 = 0; i < count; i++) {
    const lastTicks = LAST_TICKS + <usize>load<u32>(SYMBOL_COLUMN + <usize>i * 4) * LAST_TICKS_BYTES;
    const p = RECORDS + <usize>i * RECORD;
    const head = load<u32>(p, AT_HEAD);
    if ((head & (KIND_MASK | NO_LAST_QUOTE)) === QUOTE) store<u64>(lastTicks, <u64>i * 0x1_0000_0001);
    else noteOther(i, p, head, lastTicks);
  }
  for (let at: u32 = 0; at < symbols; at++) collect(at);
}

function noteOther(i: u32, p: usize, head: u32, lastTicks: usize): void {
  const kind = head & KIND_MASK;
  if (kind === QUOTE) {
    store<u32>(lastTicks + LAST_QUOTE, i);
  } else if (kind === TRADE) {
    if ((head & NO_LAST_TRADE) === 0) store<u32>(lastTicks + LAST_TRADE, i);
  } else if (kind === STATUS && load<u16>(p, AT_BID + 4) !== SYMBOL_DEFINED) {
    store<u32>(lastTicks + LAST_STATUS, i);
  }
}

/** Copies the last ticks of one symbol. */
function collect(at: u32): void {
  const lastTicks = LAST_TICKS + <usize>at * LAST_TICKS_BYTES;
  const last = LASTS + <usize>at * LAST;
  let what: u32 = 0;
  what |= copyRecord(load<i32>(lastTicks + TABLE_QUOTE), last + 64) ? 1 : 0;
  what |= copyRecord(load<i32>(lastTicks + LAST_TRADE), last + 128) ? 2 : 0;
  what |= copyRecord(load<i32>(lastTicks + LAST_STATUS), last + 192) ? 4 : 0;
  const quote = load<i32>(lastTicks + LAST_QUOTE);
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
