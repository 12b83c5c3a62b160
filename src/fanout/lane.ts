/**
 * A lane: a place in the sequence, one seq a shard, and how to go on from it. Ticks come from the ring in
 * shared memory (the critical ring where no quotes are wanted of it); where the ring has passed the lane,
 * from pages of the log; where there is none, or it does not hold them either, a gap says what is missing.
 */
import { FLUSH_TICKS_MAX, PAGES_MAX, READ_AHEAD_PAGES } from '../limits.js';
import { RECORD_U32, type Records, U32_TS_RECV_NS, U32_TS_RECV_S } from '../tick.js';
import type { Body } from '../wire/body.js';
import type { Deliver, Speed } from '../wire/ticks.js';
import type { EpochInfo } from './deps.js';
import type { Frame } from './frame.js';
import { type Group, LaneBody, SHARED_BYTES } from './group.js';
import type { LogPage } from './log-pages.js';
import { Playback } from './playback.js';
import { OVERTAKEN, type SkipMap, type Source } from './selection.js';
import type { ShardView } from './shard-view.js';
import type { Stream } from './stream.js';

/** With less room in the frame than this, a lane waits for the next one. */
const ROOM_MIN = 4096;
/** Bodies of one shard that a lane takes in one flush. */
const BODIES_MAX = 64;
/** Bytes of the smallest record: more ticks than room / this never fit. */
const TICK_BYTES_MIN = 24;

/** Who owns a lane and sends what it finds. */
export interface LaneOwner {
  deliver(frame: Frame, body: Body): void;
  catchingUp(behind: number): void;
  caughtUp(): void;
  failed(error: unknown): void;
}

export class Lane {
  /** What the snapshot has covered beyond the place that the lane started from. */
  skip: SkipMap | null = null;
  #catching = false;
  #isClosed = false;
  /** The pace of what comes from the past; null: as fast as it goes. */
  #playback: Playback | null;
  #positions: Float64Array;
  /** The shard that goes first. */
  #first = 0;
  readonly #own = new LaneBody();

  /**
   * @param seqs by shard: the last seq seen
   * @param epochs every epoch that is held; needed only where `epoch` is not the present one
   * @param catching whether `caught_up` is owed once it has reached the newest tick
   */
  constructor(
    readonly stream: Stream,
    readonly group: Group,
    readonly owner: LaneOwner,
    readonly deliver: Deliver,
    public epoch: number,
    public seqs: Float64Array,
    readonly epochs: readonly EpochInfo[],
    catching: boolean,
    speed: Speed,
  ) {
    this.#positions = new Float64Array(seqs.length).fill(-1);
    this.#playback = catching && speed !== 'max' ? new Playback(speed) : null;
    this.#setCatching(catching);
  }

  /** What it would read from now on is of no use to anyone. */
  close(): void {
    this.#isClosed = true;
    this.#setCatching(false);
  }

  #setCatching(catching: boolean): void {
    if (catching !== this.#catching) this.stream.catchingUp += catching ? 1 : -1;
    this.#catching = catching;
  }

  /** Sends what fits into the frame. False when there was more than that. */
  flush(frame: Frame): boolean {
    this.#passEpochs();
    const before = frame.ticks;
    const all = this.epoch === this.stream.epoch ? this.#flushPresent(frame) : this.#flushOlder(frame);
    // A page that was read to its end may have ended its epoch.
    if (frame.ticks > before && this.epoch !== this.stream.epoch) this.stream.wake();
    return all;
  }

  /** Whether it has sent all that there was when the flush at hand began, with nothing left to be minded. */
  get lacksNothing(): boolean {
    const { stream } = this;
    if (this.epoch !== stream.epoch || this.skip !== null || this.#catching) return false;
    return this.deliver === 'published' && stream.shards.every((view, s) => this.seqs[s] >= view.head);
  }

  /** Whether the rings still hold what comes next. */
  get isInRings(): boolean {
    const { stream, seqs, group } = this;
    if (this.epoch !== stream.epoch) return false;
    return stream.shards.every((view, s) => {
      if (seqs[s] >= view.head) return true;
      return (group.critical ? this.#position(view) : this.#inRing(view)) >= 0;
    });
  }

  /** Another one at its place in the present epoch, which has been reached. */
  copy(owner: LaneOwner): Lane {
    const { stream, group, deliver, epoch, seqs } = this;
    const lane = new Lane(stream, group, owner, deliver, epoch, seqs.slice(), [], false, 'max');
    lane.#positions.set(this.#positions);
    return lane;
  }

  #flushPresent(frame: Frame): boolean {
    let all = true;
    let behind = false;
    this.#setPace();
    const { shards } = this.stream;
    const first = this.#first;
    for (let n = 0; n < shards.length; n++) {
      if (this.#isClosed) return true;
      const view = shards[(first + n) % shards.length];
      const limit = this.#limit(view);
      const isWhole = this.#flushShard(frame, view, limit);
      // One that always has more than a frame takes is not to keep the others waiting.
      if (!isWhole && all) this.#first = (view.index + 1) % shards.length;
      all &&= isWhole;
      if (this.seqs[view.index] < limit) behind = true;
    }
    if (this.skip !== null && this.#passed(this.skip)) this.skip = null;
    if (this.#catching && !behind && !this.#isClosed) {
      this.#setCatching(false);
      this.#playback = null;
      this.owner.caughtUp();
    }
    return all;
  }

  #flushOlder(frame: Frame): boolean {
    const { lastSeq } = this.#info()!;
    let all = true;
    this.#setPace();
    const { length } = this.seqs;
    const first = this.#first % length;
    for (let n = 0; n < length; n++) {
      if (this.#isClosed) return true;
      const s = (first + n) % length;
      const isWhole = this.seqs[s] >= lastSeq[s] || this.#flushPages(frame, s, lastSeq[s]);
      if (!isWhole && all) this.#first = (s + 1) % length;
      all &&= isWhole;
    }
    return all;
  }

  #info(): EpochInfo | undefined {
    return this.epochs.find((e) => e.epoch === this.epoch);
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
      if (this.#isFull(frame, bodies)) return false;
      const from = group.critical ? this.#position(view) : this.#inRing(view);
      if (from < 0) return this.#flushBehind(frame, view, limit);
      const due = this.#playback !== null ? this.#dueInRing(view, limit) : limit;
      if (due <= seqs[s]) return true;
      const body = this.#read(frame, view, s, from, due);
      if (body.next === OVERTAKEN) return this.#flushBehind(frame, view, limit);
      this.#advance(view, body, due);
      if (body.count > 0) this.owner.deliver(frame, body);
    }
    return true;
  }

  #isFull(frame: Frame, bodies: number): boolean {
    // Bodies may have been empty, and then nothing else says that there is more.
    if (bodies === BODIES_MAX) this.stream.wake();
    return frame.room(this.group.encoder) < ROOM_MIN || frame.ticksLeft < 1 || bodies === BODIES_MAX;
  }

  #read(frame: Frame, source: Source, shard: number, from: number, limit: number): LaneBody {
    const { group, epoch } = this;
    if (this.skip === null && group.users > 1) {
      const shared = group.sharedBody(source, shard, from, limit, epoch);
      if (shared.next === OVERTAKEN || frame.fits(group.encoder, shared)) return shared;
    }
    const room = frame.room(group.encoder);
    const bytes = Math.min(room, SHARED_BYTES, Math.max(ROOM_MIN, (frame.ticksLeft + 1) * TICK_BYTES_MIN));
    group.fill(this.#own, source, shard, from, limit, epoch, bytes, this.skip);
    return this.#own;
  }

  /** Where the lane stands in the ring; -1 when that has passed it. */
  #inRing(view: ShardView): number {
    const seq = this.seqs[view.index];
    return view.ring.oldest() <= seq + 1 ? seq : -1;
  }

  /** Where the lane stands in the critical ring; -1 when that ring cannot tell, or has passed it. */
  #position(view: ShardView): number {
    const s = view.index;
    const position = this.#positions[s];
    if (position < 0) return (this.#positions[s] = view.criticalAfter(this.seqs[s]));
    // Encoded stretches outlive the ring, which alone tells where the lane is once it has read one.
    return view.critical.oldest() <= position + 1 ? position : -1;
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

  /** The ring has passed the lane: on from the log, or past the gap. */
  #flushBehind(frame: Frame, view: ShardView, limit: number): boolean {
    const { catchUp } = this.stream.deps;
    const s = view.index;
    this.#positions[s] = -1;
    if (catchUp === undefined) {
      this.#passGap(frame, view, limit);
      this.stream.wake();
      return true;
    }
    if (!this.#catching) {
      this.#setCatching(true);
      this.owner.catchingUp(limit - this.seqs[s]);
    }
    const visible = Math.min(limit, catchUp.visible(s));
    const all = this.#flushPages(frame, s, visible);
    if (this.seqs[s] >= visible && this.seqs[s] < limit) this.stream.awaitsLog = true;
    return all;
  }

  /** Sends from pages of the log, up to `limit`. False when the frame is full and there is more. */
  #flushPages(frame: Frame, shard: number, limit: number): boolean {
    const { seqs, epoch, stream } = this;
    for (let bodies = 0; seqs[shard] < limit; bodies++) {
      if (this.#isFull(frame, bodies)) return false;
      const page = stream.pages.after(epoch, shard, seqs[shard], limit, epoch !== stream.epoch);
      if (page === undefined) return true;
      if (page.failure !== undefined) {
        this.owner.failed(page.failure);
        return true;
      }
      this.#readAhead(page, shard, limit);
      if (!this.#flushPage(frame, page, shard, Math.min(limit, page.next - 1))) return true;
    }
    return true;
  }

  /** While a page is sent the next ones can be read: on a busy machine an answer may take as long as many pages. */
  #readAhead({ last }: LogPage, shard: number, limit: number): void {
    const { epoch, stream } = this;
    const share = Math.floor(PAGES_MAX / 2 / Math.max(1, stream.catchingUp));
    const count = Math.max(1, Math.min(READ_AHEAD_PAGES, share));
    stream.pages.ahead(epoch, shard, last, count, limit, epoch !== stream.epoch);
  }

  /** Sends one body of a page, or a gap. False when nothing more of it is due. */
  #flushPage(frame: Frame, page: LogPage, shard: number, limit: number): boolean {
    const { seqs } = this;
    const gap = page.gapAfter(seqs[shard]);
    if (gap !== undefined && gap.first <= seqs[shard] + 1) {
      this.#tellGap(frame, shard, seqs[shard] + 1, Math.min(limit, gap.last));
      return true;
    }
    const held = gap === undefined ? limit : Math.min(limit, gap.first - 1);
    const due = this.#playback !== null ? this.#dueInPage(page, shard, held) : held;
    if (due <= seqs[shard]) return false;
    const body = this.#read(frame, page, shard, seqs[shard], due);
    seqs[shard] = body.next;
    if (body.count > 0) this.owner.deliver(frame, body);
    return true;
  }

  /** Goes on with the oldest that the ring holds. */
  #passGap(frame: Frame, view: ShardView, limit: number): void {
    const s = view.index;
    const { critical } = this.group;
    const position = Math.min(view.critical.oldest() - 1, view.criticalHead);
    let firstHeld = view.ring.oldest();
    if (critical) firstHeld = position < view.criticalHead ? view.criticalSeq(position + 1) : view.head + 1;
    const last = Math.min(limit, firstHeld - 1);
    if (last < this.seqs[s]) return;
    if (last > this.seqs[s]) this.#tellGap(frame, s, this.seqs[s] + 1, last);
    // The ring alone cannot tell that nothing lies between the gap and its oldest record.
    if (critical) this.#positions[s] = position;
  }

  #tellGap(frame: Frame, shard: number, first: number, last: number): void {
    const body = this.#own;
    body.begin(this.stream.arena.reserve(ROOM_MIN), shard, this.epoch, false);
    this.group.encoder.put(body, this.stream.gapRecord(first, last), 0, last);
    this.stream.arena.keep(body);
    this.seqs[shard] = last;
    this.owner.deliver(frame, body);
  }

  /** Time stood still: the next tick is due at once. */
  resume(): void {
    this.#playback?.reset();
  }

  /** Begins to count time at the earliest of the ticks that are next, once all shards know theirs. */
  #setPace(): void {
    const { stream, epoch, seqs } = this;
    const playback = this.#playback;
    if (playback === null || playback.isSet) return;
    let earliest: { records: Records; i: number } | undefined;
    for (let s = 0; s < seqs.length; s++) {
      const next = epoch === stream.epoch ? this.#nextPresent(stream.shards[s]) : this.#nextOlder(s);
      if (next === undefined) return;
      if (next !== null && (earliest === undefined || isEarlier(next, earliest))) earliest = next;
    }
    if (earliest !== undefined) playback.set(earliest.records, earliest.i, stream.nowMs);
  }

  /** The tick that is next: null when there is none, undefined while it has to be read. */
  #nextPresent(view: ShardView): { records: Records; i: number } | null | undefined {
    const seq = this.seqs[view.index];
    const limit = this.#limit(view);
    if (seq >= limit) return null;
    if (this.group.critical) {
      const position = this.#position(view);
      if (position >= view.criticalHead) return null;
      if (position >= 0) return { records: view.critical.records, i: view.critical.slot(position + 1) };
    } else if (view.ring.oldest() <= seq + 1) {
      return { records: view.ring.records, i: view.ring.slot(seq + 1) };
    }
    const visible = Math.min(limit, this.stream.deps.catchUp?.visible(view.index) ?? 0);
    return seq < visible ? this.#nextInPage(view.index, visible) : null;
  }

  #nextOlder(shard: number): { records: Records; i: number } | null | undefined {
    const last = this.#info()?.lastSeq[shard] ?? 0;
    return this.seqs[shard] < last ? this.#nextInPage(shard, last) : null;
  }

  #nextInPage(shard: number, limit: number): { records: Records; i: number } | null | undefined {
    const { epoch, stream } = this;
    const page = stream.pages.after(epoch, shard, this.seqs[shard], limit, epoch !== stream.epoch);
    if (page === undefined) return undefined;
    const i = page.indexAfter(this.seqs[shard]);
    return page.failure === undefined && i < page.count ? { records: page.records, i } : null;
  }

  /** The last seq of a ring that is due by the pace. */
  #dueInRing(view: ShardView, limit: number): number {
    const { ring, critical, criticalHead } = view;
    if (this.group.critical) {
      // The whole ring may have passed what the critical one still holds.
      for (let at = this.#position(view) + 1; at <= criticalHead && view.criticalSeq(at) <= limit; at++) {
        if (!this.#isDue(critical.records, critical.slot(at))) return view.criticalSeq(at) - 1;
      }
      return limit;
    }
    const end = Math.min(limit, this.seqs[view.index] + FLUSH_TICKS_MAX);
    let seq = this.seqs[view.index];
    while (seq < end && this.#isDue(ring.records, ring.slot(seq + 1))) seq++;
    return seq;
  }

  /** The same of a page, none of whose seqs up to `limit` is missing. */
  #dueInPage(page: LogPage, shard: number, limit: number): number {
    let seq = this.seqs[shard];
    for (let i = page.indexAfter(seq); i < page.count && page.seqs[i] <= limit; i++) {
      if (!this.#isDue(page.records, i)) return seq;
      seq = page.seqs[i];
    }
    return limit;
  }

  #isDue(records: Records, i: number): boolean {
    const playback = this.#playback!;
    if (!playback.isSet) return false;
    const dueAtMs = playback.dueAtMs(records, i);
    if (dueAtMs <= this.stream.nowMs) return true;
    this.stream.dueAtMs = Math.min(this.stream.dueAtMs, dueAtMs);
    return false;
  }

  /** Moves on to the next epoch once all of the one at hand has been read. */
  #passEpochs(): void {
    while (this.epoch !== this.stream.epoch) {
      if (this.#info()?.lastSeq.some((last, s) => this.seqs[s] < last)) return;
      const next = this.epochs.find((e) => e.epoch > this.epoch && e.epoch < this.stream.epoch);
      this.epoch = next?.epoch ?? this.stream.epoch;
      this.seqs = new Float64Array(next?.shards ?? this.stream.shards.length);
      this.#first = 0;
      this.#positions = new Float64Array(this.seqs.length).fill(-1);
    }
  }
}

function isEarlier(a: { records: Records; i: number }, b: { records: Records; i: number }): boolean {
  const [x, y] = [a.i * RECORD_U32, b.i * RECORD_U32];
  const seconds = a.records.u32[x + U32_TS_RECV_S] - b.records.u32[y + U32_TS_RECV_S];
  return (
    seconds < 0 || (seconds === 0 && a.records.u32[x + U32_TS_RECV_NS] < b.records.u32[y + U32_TS_RECV_NS])
  );
}
