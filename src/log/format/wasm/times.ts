/** How both times of a block's ticks are coded: see `format.ts`. */

import { SECOND_NS } from './format';

export let recvUnit: u32 = 0;
export let eventUnit: u32 = 0;
export let mode: u32 = 0;
export let recvZigzag: bool = false;
export let eventZigzag: bool = false;
export let presence: u32 = 0;
export let recvBase: u32 = 0;
export let eventBase: u32 = 0;
/** In units of the time that lags. */
export let leastLag: i64 = 0;

export function setUnits(recv: u32, event: u32): void {
  recvUnit = recv;
  eventUnit = event;
}

export function setBases(recv: u32, event: u32): void {
  recvBase = recv;
  eventBase = event;
}

export function setMode(how: u32, lag: i64): void {
  mode = how;
  leastLag = lag;
}

export function setLag(lag: i64): void {
  leastLag = lag;
}

export function setColumns(present: u32, isRecvZigzag: bool, isEventZigzag: bool): void {
  presence = present;
  recvZigzag = isRecvZigzag;
  eventZigzag = isEventZigzag;
}

/** The header word of these settings. */
export function shapeBits(): u32 {
  return (
    recvUnit |
    (eventUnit << 2) |
    (mode << 4) |
    (recvZigzag ? 64 : 0) |
    (eventZigzag ? 128 : 0) |
    (presence << 8)
  );
}

export function readShape(word: u32): void {
  recvUnit = word & 3;
  eventUnit = (word >> 2) & 3;
  mode = (word >> 4) & 3;
  recvZigzag = (word & 64) !== 0;
  eventZigzag = (word & 128) !== 0;
  presence = (word >> 8) & 3;
}

/** By unit of time: units of a second. */
export function perSecond(unit: u32): u32 {
  return SECOND_NS / unitNs(unit);
}

/** By unit of time: nanoseconds. */
export function unitNs(unit: u32): u32 {
  return unit === 0 ? 1 : unit === 1 ? 1_000 : unit === 2 ? 1_000_000 : SECOND_NS;
}
