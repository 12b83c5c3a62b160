/**
 * A lane: a place in the sequence, one seq a shard, and how to go on from it. Ticks come from the ring in
 * shared memory (the critical ring where no quotes are wanted of it); where the ring has passed the lane,
 * from the log; where there is none, or it does not hold them either, a gap says what is missing.
 */
import { FRAME_BYTES_MAX } from '../limits.js';
import { RECORD_U32, Records, U32_SYMBOL } from '../tick.js';
import type { Body } from '../wire/body.js';
import type { Deliver } from '../wire/ticks.js';
import type { CatchUpReader } from './catchup.js';
import type { EpochInfo, RangeRequest, RangeResult } from './deps.js';
import type { Frame } from './frame.js';
import { type Group, LaneBody, OVERTAKEN, SHARED_BYTES, type SkipMap } from './group.js';
import type { ShardView } from './shard-view.js';
import type { Stream } from './stream.js';

/** With less room in the frame than this, a lane waits for the next one. */
const ROOM_MIN = 4096;
/** Bodies of one shard that a lane takes in one flush. */
const BODIES_MAX = 4;
/** Bytes of the smallest record: more ticks than room / this never fit. */
const TICK_BYTES_MIN = 24;
/** Milliseconds until the log is asked again when it had nothing to give. */
const RETRY_MS = 5;

/** Who owns a lane and sends what it finds. */
export interface LaneOwner {
  deliver(frame: Frame, body: Body): void;
  catchingUp(behind: number): void;
  caughtUp(): void;
  failed(error: unknown): void;
}

interface Answer {
  request: RangeRequest;
  result: RangeResult;
}

export class Lane implements CatchUpReader {
  /** What the snapshot has covered beyond the place that the lane started from. */
  skip: SkipMap | null = null;
  /** Whether `caught_up` is owed. */
  catching = false;
  #positions: Float64Array;
  #answer: Answer | null = null;
  #wanted = 0;
  #retryAtMs = 0;
  readonly #own = new LaneBody();

  /**
   * @param seqs by shard: the last seq seen
   * @param epochs every epoch that is held; needed only where `epoch` is not the present one
   */
  constructor(
    readonly stream: Stream,
    readonly group: Group,
    readonly owner: LaneOwner,
    readonly deliver: Deliver,
    public epoch: number,
    public seqs: Float64Array,
    readonly epochs: readonly EpochInfo[],
  ) {
    this.#positions = new Float64Array(seqs.length).fill(-1);
  }

  close(): void {
    this.#answer = null;
    this.stream.jobs.done(this);
  }

  /** Gives up an answer of the log that its connection has no room for, if others wait for their turn. */
  drop(): void {
    if (this.#answer !== null && this.stream.jobs.isWanted) this.close();
  }

  /** Sends what fits into the frame. False when there was more than that. */
  flush(frame: Frame): boolean {
    if (this.#answer !== null) this.#consume(frame);
    this.#passEpochs();
    if (this.epoch !== this.stream.epoch) {
      this.#askForOlder();
      return true;
    }
    let all = true;
    let behind = false;
    for (const view of this.stream.shards) {
      const limit = this.#limit(view);
      if (!this.#flushShard(frame, view, limit)) all = false;
      if (this.seqs[view.index] < limit) behind = true;
    }
    if (this.skip !== null && this.#passed(this.skip)) this.skip = null;
    if (this.catching && !behind) {
      this.catching = false;
      this.owner.caughtUp();
    }
    return all;
  }

  /** The last seq that may be delivered. */
  #limit(view: ShardView): number {
    if (this.deliver === 'published') return view.head;
    const durable = Math.min(view.head, this.stream.deps.catchUp!.durable(view.index));
    if (durable < view.head) this.stream.awaitsLog = true;
    return durable;
  }

  #passed(skip: SkipMap): boolean {
    for (const [symbol, seq] of skip) {
      if (this.seqs[this.stream.mirror.shardOf(symbol)] < seq) return false;
    }
    return true;
  }

  /** False when the frame is full and there is more. */
  #flushShard(frame: Frame, view: ShardView, limit: number): boolean {
    const { group, seqs } = this;
    const s = view.index;
    for (let bodies = 0; seqs[s] < limit; bodies++) {
      const room = frame.room(group.encoder);
      if (room < ROOM_MIN || frame.ticksLeft < 1 || bodies === BODIES_MAX) return false;
      const from = group.critical ? this.#position(view) : seqs[s];
      const body = from < 0 ? null : this.#read(frame, view, from, limit, room);
      if (body === null || body.next === OVERTAKEN) {
        this.#behind(frame, view, limit);
        return true;
      }
      this.#advance(view, body, limit);
      if (body.count > 0) this.owner.deliver(frame, body);
    }
    return true;
  }

  #read(frame: Frame, view: ShardView, from: number, limit: number, room: number): LaneBody {
    const { group, epoch } = this;
    if (this.skip === null) {
      const shared = group.sharedBody(view, from, limit, epoch);
      if (shared.next === OVERTAKEN || frame.fits(group.encoder, shared)) return shared;
    }
    const bytes = Math.min(room, SHARED_BYTES, Math.max(ROOM_MIN, (frame.ticksLeft + 1) * TICK_BYTES_MIN));
    group.fill(this.#own, view, from, limit, epoch, bytes, this.skip);
    return this.#own;
  }

  /** Where the lane stands in the critical ring; -1 when that ring cannot tell. */
  #position(view: ShardView): number {
    const s = view.index;
    if (this.#positions[s] < 0) this.#positions[s] = view.criticalAfter(this.seqs[s]);
    return this.#positions[s];
  }

  #advance(view: ShardView, body: LaneBody, limit: number): void {
    const s = view.index;
    if (!this.group.critical) {
      this.seqs[s] = body.next;
      return;
    }
    this.#positions[s] = body.next;
    const more = body.next < view.criticalHead && view.criticalSeq(body.next + 1) <= limit;
    this.seqs[s] = more ? Math.max(this.seqs[s], view.criticalSeq(body.next)) : limit;
  }

  /** The ring has passed the lane: on to the log, or past the gap. */
  #behind(frame: Frame, view: ShardView, limit: number): void {
    const { catchUp } = this.stream.deps;
    const s = view.index;
    this.#positions[s] = -1;
    if (catchUp === undefined) {
      const last = Math.min(limit, this.#firstHeld(view) - 1);
      if (last > this.seqs[s]) this.#tellGap(frame, s, this.seqs[s] + 1, last);
      this.stream.wake();
      return;
    }
    if (!this.catching) {
      this.catching = true;
      this.owner.catchingUp(limit - this.seqs[s]);
    }
    const visible = Math.min(limit, catchUp.visible(s));
    this.#ask(s, visible);
  }

  #firstHeld(view: ShardView): number {
    if (!this.group.critical) return view.ring.oldest();
    const oldest = view.critical.oldest();
    return oldest > view.criticalHead ? view.head + 1 : view.criticalSeq(oldest);
  }

  #tellGap(frame: Frame, shard: number, first: number, last: number): void {
    const body = this.#own;
    body.begin(this.stream.arena.reserve(ROOM_MIN), shard, this.epoch, false);
    this.group.encoder.put(body, this.stream.gapRecord(first, last), 0, last);
    this.stream.arena.keep(body);
    this.seqs[shard] = last;
    this.owner.deliver(frame, body);
  }

  #ask(shard: number, toSeq: number): void {
    if (this.stream.jobs.has(this)) return;
    if (this.seqs[shard] >= toSeq || this.stream.nowMs < this.#retryAtMs) {
      this.stream.awaitsLog = true;
      return;
    }
    this.#wanted = shard;
    this.stream.jobs.ask(this);
  }

  #lastOf(shard: number): number {
    if (this.epoch === this.stream.epoch) {
      const view = this.stream.shards[shard];
      const { catchUp } = this.stream.deps;
      return Math.min(this.#limit(view), catchUp!.visible(shard));
    }
    return this.epochs.find((e) => e.epoch === this.epoch)?.lastSeq[shard] ?? 0;
  }

  request(): RangeRequest | null {
    const shard = this.#wanted;
    const toSeq = this.#lastOf(shard);
    if (this.seqs[shard] >= toSeq) return null;
    return {
      epoch: this.epoch,
      shard,
      fromSeq: this.seqs[shard] + 1,
      toSeq,
      watch: this.group.watch.bits,
      kindsMask: this.group.laneMask,
      maxTicks: Math.floor(FRAME_BYTES_MAX / this.group.encoder.tickBytesMax),
    };
  }

  answer(request: RangeRequest, result: RangeResult): void {
    this.#answer = { request, result };
  }

  fail(error: unknown): void {
    this.owner.failed(error);
  }

  /** Sends an answer of the log, gaps in their places; what does not fit is asked for again. */
  #consume(frame: Frame): void {
    const { request, result } = this.#answer!;
    const { encoder } = this.group;
    const s = request.shard;
    const room = frame.room(encoder);
    // What does not fit would be decoded once more: rather wait for the window, unless others wait for the job.
    const wanted = Math.min(result.count * encoder.tickBytesMax, FRAME_BYTES_MAX / 2);
    if (room < (this.stream.jobs.isWanted ? ROOM_MIN : wanted)) return;
    this.close();
    const records = new Records(result.buffer, 0, result.count);
    const bytes = Math.min(room, FRAME_BYTES_MAX);
    const body = this.#own;
    body.begin(this.stream.arena.reserve(bytes), s, this.epoch, false);
    const full = bytes - encoder.tickBytesMax;
    let reached = this.seqs[s];
    let i = 0;
    let g = 0;
    while (
      (i < result.count || g < result.gaps.length) &&
      body.bytes <= full &&
      body.count < frame.ticksLeft
    ) {
      const gap = result.gaps[g];
      if (gap !== undefined && (i === result.count || gap.first <= result.seqs[i])) {
        g++;
        const first = Math.max(gap.first, this.seqs[s] + 1);
        const last = Math.min(gap.last, request.toSeq);
        if (last >= first) encoder.put(body, this.stream.gapRecord(first, last), 0, last);
        reached = Math.max(reached, last);
      } else {
        const seq = result.seqs[i];
        if (!this.#skips(records.u32[i * RECORD_U32 + U32_SYMBOL], seq)) encoder.put(body, records, i, seq);
        reached = Math.max(reached, seq);
        i++;
      }
    }
    const done = i === result.count && g === result.gaps.length;
    if (done) reached = Math.max(reached, Math.min(result.nextSeq - 1, request.toSeq));
    if (reached === this.seqs[s]) this.#retryAtMs = this.stream.nowMs + RETRY_MS;
    this.seqs[s] = reached;
    this.stream.arena.keep(body);
    if (body.count > 0) this.owner.deliver(frame, body);
  }

  #skips(symbol: number, seq: number): boolean {
    return this.skip !== null && seq <= (this.skip.get(symbol) ?? 0);
  }

  /** Moves on to the next epoch once all of the one at hand has been read. */
  #passEpochs(): void {
    while (this.epoch !== this.stream.epoch) {
      const info = this.epochs.find((e) => e.epoch === this.epoch);
      if (info?.lastSeq.some((last, s) => this.seqs[s] < last)) return;
      const next = this.epochs.find((e) => e.epoch > this.epoch && e.epoch < this.stream.epoch);
      this.epoch = next?.epoch ?? this.stream.epoch;
      this.seqs = new Float64Array(next?.shards ?? this.stream.shards.length);
      this.#positions = new Float64Array(this.seqs.length).fill(-1);
    }
  }

  #askForOlder(): void {
    const info = this.epochs.find((e) => e.epoch === this.epoch)!;
    const shard = info.lastSeq.findIndex((last, s) => this.seqs[s] < last);
    this.#ask(shard, info.lastSeq[shard]);
  }
}
