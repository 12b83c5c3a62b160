/**
 * Runs: what is new in a flush, encoded once for all groups. A group copies the records that it wants out of a
 * run instead of encoding them again. A run is made once the flush has encoded as many ticks one by one as the
 * run would have: so with few subscribers nothing is encoded that nobody wants, and with many hardly anything
 * twice.
 */
import type { BroadcastReader } from '../pipeline/broadcast.js';
import { Slot } from '../pipeline/table.js';
import { KIND_MASK, RECORD_U16, RECORD_U32, U16_KIND_FLAGS, U32_SYMBOL } from '../tick.js';
import { Body, type TickEncoder } from '../wire/body.js';
import { COMPACT_SEQ_MAX } from '../wire/packed.js';
import type { Arena } from './arena.js';
import { MIRROR_SLOTS, type Mirror } from './mirror.js';
import type { ShardView } from './shard-view.js';

/** Ticks of the longest run. With more in one flush, subscribers are behind anyway. */
const RUN_TICKS_MAX = 16_384;

/** Whether a run is worth its work in the flush at hand, and whether it is there. */
class Worth {
  made = false;
  #flushNo = 0;
  #spent = 0;

  #enter(flushNo: number): void {
    if (this.#flushNo === flushNo) return;
    this.#flushNo = flushNo;
    this.#spent = 0;
    this.made = false;
  }

  /** Tells of ticks that were encoded one by one. */
  spend(flushNo: number, ticks: number): void {
    this.#enter(flushNo);
    this.#spent += ticks;
  }

  /** Whether a run of so many ticks is to be made now. */
  isDue(flushNo: number, ticks: number): boolean {
    this.#enter(flushNo);
    return !this.made && ticks > 0 && ticks <= RUN_TICKS_MAX && this.#spent >= ticks;
  }

  isMade(flushNo: number): boolean {
    return this.made && this.#flushNo === flushNo;
  }

  /** It cannot be made in this flush. */
  giveUp(): void {
    this.#spent = Number.NEGATIVE_INFINITY;
  }
}

/** The records of a ring that are new in the flush at hand, encoded. */
export class RingRun {
  readonly worth = new Worth();
  readonly body = new Body();
  /** Positions in the ring: `from + 1` to `to`; the arrays begin with the first. */
  from = 0;
  to = 0;
  readonly symbols = new Uint32Array(RUN_TICKS_MAX);
  readonly kinds = new Uint8Array(RUN_TICKS_MAX);
  readonly seqs = new Float64Array(RUN_TICKS_MAX);
  /** Where each record begins, and where the last one ends. */
  readonly offsets = new Uint32Array(RUN_TICKS_MAX + 1);

  constructor(
    readonly encoder: TickEncoder,
    readonly arena: Arena,
    readonly view: ShardView,
    readonly ring: BroadcastReader,
    readonly isCritical: boolean,
  ) {}

  /** The run, if it is there by now, and holds what follows position `after`. */
  take(flushNo: number, after: number, epoch: number): RingRun | null {
    const { view } = this;
    const from = this.isCritical ? view.criticalBefore : view.before;
    const to = this.isCritical ? view.criticalHead : view.head;
    if (this.worth.isDue(flushNo, to - from)) this.#make(from, to, epoch);
    return this.worth.isMade(flushNo) && after >= this.from && after <= this.to ? this : null;
  }

  #make(from: number, to: number, epoch: number): void {
    const { encoder, ring, view, body } = this;
    const at = this.arena.reserveRun((to - from) * encoder.tickBytesMax);
    if (at < 0) {
      this.worth.giveUp();
      return;
    }
    const { u16, u32 } = ring.records;
    body.begin(at, view.index, epoch, false);
    let i = 0;
    for (let position = from + 1; position <= to; position++) {
      const slot = ring.slot(position);
      const seq = this.isCritical ? view.criticalSeq(position) : position;
      this.symbols[i] = u32[slot * RECORD_U32 + U32_SYMBOL];
      this.kinds[i] = u16[slot * RECORD_U16 + U16_KIND_FLAGS] & KIND_MASK;
      this.seqs[i] = seq;
      this.offsets[i++] = body.at + body.bytes;
      encoder.put(body, ring.records, slot, seq);
    }
    this.offsets[i] = body.at + body.bytes;
    this.from = from;
    this.to = to;
    if (ring.oldest() > from + 1) this.worth.giveUp();
    else this.worth.made = true;
  }
}

/** The newest quote of each symbol that changed in the flush at hand, encoded. */
export class QuoteRun {
  readonly worth = new Worth();
  readonly body = new Body();
  /** By symbolId: where its quote begins and ends; right only for symbols that changed in this flush. */
  readonly begins: Uint32Array;
  readonly ends: Uint32Array;

  constructor(
    readonly encoder: TickEncoder,
    readonly arena: Arena,
    readonly view: ShardView,
    readonly mirror: Mirror,
  ) {
    this.begins = new Uint32Array(mirror.table.maxSymbols);
    this.ends = new Uint32Array(mirror.table.maxSymbols);
  }

  /** The run, if it is there by now. */
  take(flushNo: number, epoch: number): QuoteRun | null {
    const { count } = this.mirror.changes[this.view.index];
    if (this.worth.isDue(flushNo, count)) this.#make(count, epoch);
    return this.worth.isMade(flushNo) ? this : null;
  }

  #make(count: number, epoch: number): void {
    const { encoder, body, mirror, view } = this;
    const at = this.arena.reserveRun(count * encoder.tickBytesMax);
    if (at < 0) {
      this.worth.giveUp();
      return;
    }
    const { ids } = mirror.changes[view.index];
    body.begin(at, view.index, epoch, false, quoteBase(view));
    for (let i = 0; i < count; i++) {
      const id = ids[i];
      const record = id * MIRROR_SLOTS + Slot.quote;
      this.begins[id] = body.at + body.bytes;
      encoder.put(body, mirror.records, record, mirror.seqs[record]);
      this.ends[id] = body.at + body.bytes;
    }
    this.worth.made = true;
  }
}

/** Quotes are not in order of seq: their base lies so far below T that recent ones are ahead of it. */
export function quoteBase(view: ShardView): number {
  return Math.max(0, view.applied - Math.floor(COMPACT_SEQ_MAX * 0.9));
}

/** The runs of one shard in one encoding. */
export interface Runs {
  ring: RingRun;
  critical: RingRun;
  quotes: QuoteRun;
}

export function createRuns(encoder: TickEncoder, arena: Arena, view: ShardView, mirror: Mirror): Runs {
  return {
    ring: new RingRun(encoder, arena, view, view.ring, false),
    critical: new RingRun(encoder, arena, view, view.critical, true),
    quotes: new QuoteRun(encoder, arena, view, mirror),
  };
}
