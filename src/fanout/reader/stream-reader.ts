/**
 * Reads ticks in order from a cursor, which has one seq a shard. Ticks come from the ring in shared memory, or from the
 * critical ring where the subscription wants no quotes. Ticks that the ring no longer holds come from pages of the log.
 * Where there is no log, or the log does not hold the ticks, a gap record names the missing seqs.
 */
import { PAGES_MAX, READ_AHEAD_PAGES } from '../../core/limits.js';
import type { Deliver, Speed } from '../../wire/ticks.js';
import type { LogPage } from '../batch/catch-up-pages.js';
import type { Frame } from '../batch/frame.js';
import { OVERTAKEN, type Source } from '../batch/selection.js';
import type { ShardView } from '../batch/shard-view.js';
import type { SharedView } from '../batch/shared-view.js';
import { SHARED_BYTES, StreamPayload, type SubscriptionGroup } from '../batch/subscription-group.js';
import { ReplayPace } from './replay-pace.js';
import type { StreamCursor } from './stream-cursor.js';

/** With less room in the frame than this many bytes, a stream reader waits for the next frame. */
const ROOM_MIN = 4096;
/** Payloads of one shard that a stream reader reads in one flush. */
const PAYLOADS_MAX = 64;
/** Bytes of the smallest record: at most `room / TICK_BYTES_MIN` ticks fit. */
const TICK_BYTES_MIN = 24;

/** Is informed when a reader falls behind the ring, catches up or fails. */
export interface ReaderOwner {
  /** The ring has overtaken the reader, which now reads the log. @param behind seqs up to the newest */
  catchingUp(behind: number): void;
  /** The reader has reached the newest tick. */
  caughtUp(): void;
  /** A page of the log could not be read. */
  failed(error: unknown): void;
}

export class StreamReader {
  #catching = false;
  #isClosed = false;
  /** Pace of ticks from the past; null: as fast as possible. */
  #pace: ReplayPace | null;
  /** The shard that is served first. It rotates, so that no shard starves. */
  #first = 0;
  readonly #own = new StreamPayload();

  /**
   * @param cursor the ticks after it are read
   * @param catching whether the owner must be informed once the newest tick is reached
   * @param speed recorded seconds per second, or `max`; used only while catching up
   */
  constructor(
    readonly shared: SharedView,
    readonly group: SubscriptionGroup,
    readonly owner: ReaderOwner,
    readonly deliver: Deliver,
    readonly cursor: StreamCursor,
    catching: boolean,
    speed: Speed,
  ) {
    const isPaced = catching && speed !== 'max';
    this.#pace = isPaced ? new ReplayPace(shared, cursor, speed, (view) => this.#limit(view)) : null;
    this.#setCatching(catching);
  }

  /** Ends the reader: nothing more is read. */
  close(): void {
    this.#isClosed = true;
    this.#setCatching(false);
  }

  #setCatching(catching: boolean): void {
    if (catching !== this.#catching) this.shared.catchingUp += catching ? 1 : -1;
    this.#catching = catching;
  }

  /** Adds what fits to the frame. False when there was more. */
  flush(frame: Frame): boolean {
    const { cursor } = this;
    cursor.passEpochs();
    const before = frame.ticks;
    this.#pace?.set();
    const all = cursor.isPresent ? this.#flushPresent(frame) : this.#flushOlder(frame);
    // The epoch may have been read to its end: the next flush then begins the next epoch.
    if (frame.ticks > before && !cursor.isPresent) this.shared.wake();
    return all;
  }

  /** Whether every published tick up to the start of the current flush has been sent, in the present epoch. */
  get isCaughtUp(): boolean {
    const { shared, cursor } = this;
    if (!cursor.isPresent || this.#catching) return false;
    return this.deliver === 'published' && shared.shards.every((view, s) => cursor.seqs[s] >= view.head);
  }

  /** A reader for another owner, with the same cursor. This reader must have reached the present epoch. */
  copy(owner: ReaderOwner): StreamReader {
    const { shared, group, deliver, cursor } = this;
    return new StreamReader(shared, group, owner, deliver, cursor.copy(), false, 'max');
  }

  #flushPresent(frame: Frame): boolean {
    let all = true;
    let behind = false;
    const { seqs } = this.cursor;
    const { shards } = this.shared;
    const first = this.#first;
    for (let n = 0; n < shards.length; n++) {
      if (this.#isClosed) return true;
      const view = shards[(first + n) % shards.length];
      const limit = this.#limit(view);
      const isWhole = this.#flushShard(frame, view, limit);
      // A shard that always has more than a frame takes must not starve the others.
      if (!isWhole && all) this.#first = (view.index + 1) % shards.length;
      all &&= isWhole;
      if (seqs[view.index] < limit) behind = true;
    }
    if (this.#catching && !behind && !this.#isClosed) {
      this.#setCatching(false);
      this.#pace = null;
      this.owner.caughtUp();
    }
    return all;
  }

  #flushOlder(frame: Frame): boolean {
    const { seqs, info } = this.cursor;
    const { lastSeq } = info!;
    const { length } = seqs;
    let all = true;
    const first = this.#first % length;
    for (let n = 0; n < length; n++) {
      if (this.#isClosed) return true;
      const s = (first + n) % length;
      const isWhole = seqs[s] >= lastSeq[s] || this.#flushPages(frame, s, lastSeq[s]);
      if (!isWhole && all) this.#first = (s + 1) % length;
      all &&= isWhole;
    }
    return all;
  }

  /** The last seq that may be delivered. */
  #limit(view: ShardView): number {
    if (this.deliver === 'published') return view.head;
    const durable = Math.min(view.head, this.shared.ports.catchUp!.durable(view.index));
    if (durable < view.head) this.shared.awaitsLog = true;
    return durable;
  }

  /** Sends ticks of one shard up to seq `limit`. False when the frame is full and there is more. */
  #flushShard(frame: Frame, view: ShardView, limit: number): boolean {
    const { cursor } = this;
    const { seqs } = cursor;
    const s = view.index;
    for (let payloads = 0; seqs[s] < limit; payloads++) {
      if (this.#isFull(frame, payloads)) return false;
      const from = cursor.inRing(view);
      if (from < 0) return this.#flushBehind(frame, view, limit);
      const due = this.#pace !== null ? this.#pace.dueInRing(view, limit) : limit;
      if (due <= seqs[s]) return true;
      const payload = this.#read(frame, view, s, from, due);
      if (payload.next === OVERTAKEN) return this.#flushBehind(frame, view, limit);
      cursor.advance(view, payload.next, due);
      if (payload.count > 0) frame.add(payload);
    }
    return true;
  }

  #isFull(frame: Frame, payloads: number): boolean {
    // If all these payloads were empty, nothing else asks for another flush.
    if (payloads === PAYLOADS_MAX) this.shared.wake();
    return frame.room(this.group.encoder) < ROOM_MIN || frame.ticksLeft < 1 || payloads === PAYLOADS_MAX;
  }

  #read(frame: Frame, source: Source, shard: number, from: number, limit: number): StreamPayload {
    const { group } = this;
    const { epoch } = this.cursor;
    if (group.users > 1) {
      const shared = group.sharedPayload(source, shard, from, limit, epoch);
      if (shared.next === OVERTAKEN || frame.fits(group.encoder, shared)) return shared;
    }
    const room = frame.room(group.encoder);
    const bytes = Math.min(room, SHARED_BYTES, Math.max(ROOM_MIN, (frame.ticksLeft + 1) * TICK_BYTES_MIN));
    group.fill(this.#own, source, shard, from, limit, epoch, bytes);
    return this.#own;
  }

  /** The ring has overtaken the reader: reads the log, or without a log sends a gap record. */
  #flushBehind(frame: Frame, view: ShardView, limit: number): boolean {
    const { cursor } = this;
    const { seqs } = cursor;
    const { catchUp } = this.shared.ports;
    const s = view.index;
    cursor.leaveRing(s);
    if (catchUp === undefined) {
      this.#passGap(frame, view, limit);
      this.shared.wake();
      return true;
    }
    if (!this.#catching) {
      this.#setCatching(true);
      this.owner.catchingUp(limit - seqs[s]);
    }
    const visible = Math.min(limit, catchUp.visible(s));
    const all = this.#flushPages(frame, s, visible);
    if (seqs[s] >= visible && seqs[s] < limit) this.shared.awaitsLog = true;
    return all;
  }

  /** Sends ticks from pages of the log, up to seq `limit`. False when the frame is full and there is more. */
  #flushPages(frame: Frame, shard: number, limit: number): boolean {
    const { shared, cursor } = this;
    const { seqs, epoch, isPresent } = cursor;
    for (let payloads = 0; seqs[shard] < limit; payloads++) {
      if (this.#isFull(frame, payloads)) return false;
      const page = shared.pages.after(epoch, shard, seqs[shard], limit, !isPresent);
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

  /** Requests the next pages while one is sent: on a busy machine a job may take as long as sending many pages. */
  #readAhead({ last }: LogPage, shard: number, limit: number): void {
    const { shared } = this;
    const { epoch, isPresent } = this.cursor;
    const share = Math.floor(PAGES_MAX / 2 / Math.max(1, shared.catchingUp));
    const count = Math.max(1, Math.min(READ_AHEAD_PAGES, share));
    shared.pages.ahead(epoch, shard, last, count, limit, !isPresent);
  }

  /** Sends one payload of a page, or a gap record. False when no tick of the page is due. */
  #flushPage(frame: Frame, page: LogPage, shard: number, limit: number): boolean {
    const { seqs } = this.cursor;
    const gap = page.gapAfter(seqs[shard]);
    if (gap !== undefined && gap.first <= seqs[shard] + 1) {
      this.#sendGap(frame, shard, seqs[shard] + 1, Math.min(limit, gap.last));
      return true;
    }
    const held = gap === undefined ? limit : Math.min(limit, gap.first - 1);
    const due = this.#pace !== null ? this.#pace.dueInPage(page, shard, held) : held;
    if (due <= seqs[shard]) return false;
    const payload = this.#read(frame, page, shard, seqs[shard], due);
    seqs[shard] = payload.next;
    if (payload.count > 0) frame.add(payload);
    return true;
  }

  /** Sends a gap record up to the oldest tick that the ring holds, and moves the cursor there. */
  #passGap(frame: Frame, view: ShardView, limit: number): void {
    const { seqs, critical } = this.cursor;
    const s = view.index;
    const position = Math.min(view.critical.oldest() - 1, view.criticalHead);
    let firstHeld = view.ring.oldest();
    if (critical) firstHeld = position < view.criticalHead ? view.criticalSeq(position + 1) : view.head + 1;
    const last = Math.min(limit, firstHeld - 1);
    if (last < seqs[s]) return;
    if (last > seqs[s]) this.#sendGap(frame, s, seqs[s] + 1, last);
    // `criticalAfter` cannot prove that no critical tick lies between the gap and the ring's oldest record.
    if (critical) this.cursor.enterCritical(s, position);
  }

  #sendGap(frame: Frame, shard: number, first: number, last: number): void {
    const payload = this.#own;
    payload.begin(this.shared.arena.reserve(ROOM_MIN), shard, this.cursor.epoch, false);
    this.group.encoder.put(payload, this.shared.gapRecord(first, last), 0, last);
    this.shared.arena.keep(payload);
    this.cursor.seqs[shard] = last;
    frame.add(payload);
  }

  /** Restarts the replay clock after a pause: the next tick is due at once. */
  resume(): void {
    this.#pace?.reset();
  }
}
