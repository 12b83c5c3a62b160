/**
 * MqlTick as a terminal holds it: packed, little-endian. This file is the sole owner of its bytes.
 *
 * ```
 *  0 i64 time: s │ 8 f64 bid │ 16 f64 ask │ 24 f64 last │ 32 u64 volume
 * 40 i64 time_msc: ms │ 48 u32 flags │ 52 f64 volume_real
 * ```
 *
 * Both times are the trade server's wall clock, encoded as if it were UTC. The 64-bit integers are read and
 * written as two words, so that no BigInt is created; they are exact to 2^53.
 */

export const MQL_TICK_BYTES = 60;

const TIME = 0;
const BID = 8;
const ASK = 16;
const LAST = 24;
const VOLUME = 32;
const TIME_MSC = 40;
const FLAGS = 48;
const VOLUME_REAL = 52;
const WORD = 2 ** 32;

/** Bits of `flags`: which fields the tick changed, and the side of a deal. Live terminals set other bits too, such as 1024. */
export const MqlFlag = { bid: 2, ask: 4, last: 8, volume: 16, buy: 32, sell: 64 } as const;

/** The fields of one tick. One object is reused for all. */
export class MqlTick {
  /** Seconds of the server's wall clock. */
  time = 0;
  bid = 0;
  ask = 0;
  /** Price of the last deal; 0 where the symbol has none, as on FX. */
  last = 0;
  /** Whole lots or contracts of the last deal. */
  volume = 0;
  /** Milliseconds of the server's wall clock. */
  timeMs = 0;
  flags = 0;
  /** The volume with its fraction; 0 where the broker does not give it. */
  volumeReal = 0;
}

/** Reads the tick that starts at `at` into `tick`. */
export function readMqlTick(view: DataView, at: number, tick: MqlTick): void {
  tick.time = view.getInt32(at + TIME + 4, true) * WORD + view.getUint32(at + TIME, true);
  tick.bid = view.getFloat64(at + BID, true);
  tick.ask = view.getFloat64(at + ASK, true);
  tick.last = view.getFloat64(at + LAST, true);
  tick.volume = view.getUint32(at + VOLUME + 4, true) * WORD + view.getUint32(at + VOLUME, true);
  tick.timeMs = view.getInt32(at + TIME_MSC + 4, true) * WORD + view.getUint32(at + TIME_MSC, true);
  tick.flags = view.getUint32(at + FLAGS, true);
  tick.volumeReal = view.getFloat64(at + VOLUME_REAL, true);
}

/** Writes `tick` at `at`. Times and volume are integers up to 2^53; a time may be negative. */
export function writeMqlTick(view: DataView, at: number, tick: MqlTick): void {
  writeInt64(view, at + TIME, tick.time);
  view.setFloat64(at + BID, tick.bid, true);
  view.setFloat64(at + ASK, tick.ask, true);
  view.setFloat64(at + LAST, tick.last, true);
  writeInt64(view, at + VOLUME, tick.volume);
  writeInt64(view, at + TIME_MSC, tick.timeMs);
  view.setUint32(at + FLAGS, tick.flags, true);
  view.setFloat64(at + VOLUME_REAL, tick.volumeReal, true);
}

function writeInt64(view: DataView, at: number, value: number): void {
  const high = Math.floor(value / WORD);
  view.setUint32(at, value - high * WORD, true);
  view.setInt32(at + 4, high, true);
}

/** Milliseconds below it are of before 1973: what says so is seconds, or not set. */
const TIME_MSC_MIN = 1e11;

/** What is wrong with a `time_msc`, if anything: seconds instead of milliseconds would silently mean 1970. */
export function timeMscFault(ms: number): string | undefined {
  if (ms >= TIME_MSC_MIN) return undefined;
  return `time_msc ${ms} is no time in milliseconds${ms >= TIME_MSC_MIN / 1000 ? ', it looks like seconds: multiply it by 1000' : ''}`;
}
