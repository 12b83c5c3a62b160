/**
 * Finds ticks that an import would double: of another of its files, or of an import that the log has (a rival). Ticks
 * are equal when symbol, time of the event, kind, side, prices, sizes and id are. What one file has several times
 * counts as often: only as many are left out as the others have.
 */

import {
  copyRecord,
  F64_ASK,
  F64_BID,
  Flag,
  KIND_MASK,
  Kind,
  RECORD_F64,
  RECORD_U32,
  Records,
  U32_KIND_FLAGS_SOURCE,
  U32_SYMBOL,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
} from '../core/tick.js';
import type { Time } from '../core/time.js';
import type { LogReader } from '../log/read/log-reader.js';

/** Imports have one shard. */
const SHARD = 0;
const READ_TICKS = 4_096;
const TICKS = (1 << Kind.quote) | (1 << Kind.trade);
const SAID = KIND_MASK | Flag.buy | Flag.sell;
/** Ticks of one time among which it is quicker to look than to hash. */
const FEW = 16;

/** What was found of a rival. */
export interface RivalFound {
  epoch: number;
  /** Its ticks of the same symbols, up to the last new one. */
  seen: number;
  /** New ticks that it has already. */
  doubles: number;
}

/** The ticks of a rival from a time on, in the order of their times. */
class RivalTicks {
  readonly found: RivalFound;
  readonly records = Records.allocate(READ_TICKS);
  at = 0;
  readonly #seqs = new Float64Array(READ_TICKS);
  #count = 0;
  #nextSeq: number;
  readonly #lastSeq: number;

  constructor(
    readonly reader: LogReader,
    epoch: number,
    readonly filter: Uint8Array,
    from: Time,
  ) {
    this.found = { epoch, seen: 0, doubles: 0 };
    this.#nextSeq = reader.seekTime(epoch, SHARD, from.seconds, from.nanos, 'event');
    this.#lastSeq = reader.bounds(epoch, SHARD).newest;
  }

  /** Whether there is one more. */
  fill(): boolean {
    const { reader, filter } = this;
    while (this.at === this.#count && this.#nextSeq <= this.#lastSeq) {
      const range = { epoch: this.found.epoch, shard: SHARD, fromSeq: this.#nextSeq, toSeq: this.#lastSeq };
      const request = { ...range, filter, kindsMask: TICKS, maxTicks: READ_TICKS };
      const result = reader.read(request, this.records, this.#seqs);
      this.at = 0;
      this.#count = result.count;
      this.#nextSeq = Math.max(result.nextSeq, this.#nextSeq + 1);
    }
    return this.at < this.#count;
  }
}

export class Doubles {
  /** New ticks that another file has too. */
  ofFiles = 0;
  readonly #rivals: RivalTicks[];
  #s = -1;
  #ns = 0;
  // The ticks of the current time, of rivals and of new files.
  #group = Records.allocate(FEW);
  #count = 0;
  /** Index of the file, or −1 − index of the rival. */
  #owner: number[] = [];
  /** Files with the same tick. */
  #sharers: (number[] | undefined)[] = [];
  readonly #byHash = new Map<number, number[]>();

  /**
   * @param reader of the log; not needed without rivals
   * @param rivals epochs of imports
   * @param filter by symbol id, 1 = of the new import
   * @param leavesOut false: what rivals have is only counted as seen
   */
  constructor(
    reader: LogReader | undefined,
    rivals: readonly number[],
    filter: Uint8Array,
    from: Time,
    readonly leavesOut: boolean,
  ) {
    this.#rivals = rivals.map((epoch) => new RivalTicks(reader!, epoch, filter, from));
  }

  get rivals(): RivalFound[] {
    return this.#rivals.map(({ found }) => found);
  }

  /** Whether the tick, the next by time, is a double. */
  has(tick: Records, file: number): boolean {
    const [s, ns] = [tick.u32[U32_TS_EVENT_S], tick.u32[U32_TS_EVENT_NS]];
    if (s !== this.#s || ns !== this.#ns) this.#begin(s, ns);
    const i = this.#find(tick, file);
    if (i === undefined) {
      this.#add(tick, 0, file);
      return false;
    }
    const owner = this.#owner[i];
    if (owner < 0) this.#rivals[-1 - owner].found.doubles++;
    else this.ofFiles++;
    const sharers = (this.#sharers[i] ??= []);
    sharers.push(file);
    return true;
  }

  #begin(s: number, ns: number): void {
    this.#s = s;
    this.#ns = ns;
    this.#count = 0;
    this.#byHash.clear();
    this.#rivals.forEach((rival, r) => {
      for (; rival.fill(); rival.at++) {
        const w = rival.at * RECORD_U32;
        const [atS, atNs] = [rival.records.u32[w + U32_TS_EVENT_S], rival.records.u32[w + U32_TS_EVENT_NS]];
        if (atS > s || (atS === s && atNs > ns)) break;
        rival.found.seen++;
        if (this.leavesOut && atS === s && atNs === ns) this.#add(rival.records, rival.at, -1 - r);
      }
    });
  }

  #add(records: Records, i: number, owner: number): void {
    const at = this.#count++;
    if (at === this.#group.capacity) this.#grow();
    copyRecord(records, i, this.#group, at);
    this.#owner[at] = owner;
    this.#sharers[at] = undefined;
    if (at < FEW) return;
    for (let e = at === FEW ? 0 : at; e <= at; e++) this.#hashed(this.#group, e).push(e);
  }

  #grow(): void {
    const grown = Records.allocate(2 * this.#count);
    grown.u8.set(this.#group.u8);
    this.#group = grown;
  }

  /** The ticks of the current time that may equal one, by hash. */
  #hashed({ u32 }: Records, i: number): number[] {
    const w = i * RECORD_U32;
    let hash = u32[w + U32_SYMBOL];
    for (let word = 2 * F64_BID; word < 2 * F64_ASK; word++)
      hash = Math.imul(hash ^ u32[w + word], 0x01000193);
    let found = this.#byHash.get(hash);
    if (found === undefined) this.#byHash.set(hash, (found = []));
    return found;
  }

  /** An equal tick of another owner that is no double of this file yet. */
  #find(tick: Records, file: number): number | undefined {
    const isIt = (i: number) =>
      this.#owner[i] !== file && !this.#sharers[i]?.includes(file) && areEqual(this.#group, i, tick);
    if (this.#count > FEW) return this.#hashed(tick, 0).find(isIt);
    for (let i = 0; i < this.#count; i++) if (isIt(i)) return i;
    return undefined;
  }
}

/** Whether two ticks of the same time are equal. */
function areEqual(a: Records, i: number, b: Records): boolean {
  const w = i * RECORD_U32;
  const said = b.u32[U32_KIND_FLAGS_SOURCE] & SAID;
  if (a.u32[w + U32_SYMBOL] !== b.u32[U32_SYMBOL] || (a.u32[w + U32_KIND_FLAGS_SOURCE] & SAID) !== said)
    return false;
  const isTrade = (said & KIND_MASK) === Kind.trade;
  for (let d = F64_BID; d < RECORD_F64; d++) {
    // A trade has no value in the slot of the ask.
    if (!(isTrade && d === F64_ASK) && !Object.is(a.f64[i * RECORD_F64 + d], b.f64[d])) return false;
  }
  return true;
}
