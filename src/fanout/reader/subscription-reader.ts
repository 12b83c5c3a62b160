/**
 * Reads the ticks of one subscription. The snapshot reader sends snapshots and conflated quotes, and is flushed first.
 * The stream reader sends all other ticks, in order. One cursor covers what both have sent. Subscriptions at the same
 * cursor can share a reader; see `cohort.ts`.
 */

import type { EpochInfo } from '../../core/log-port.js';
import type { Deliver, Mode, Speed } from '../../wire/ticks.js';
import type { Frame, FrameSource } from '../batch/frame.js';
import { QUOTE_BIT } from '../batch/selection.js';
import type { SharedView } from '../batch/shared-view.js';
import type { SubscriptionGroup } from '../batch/subscription-group.js';
import { FROM_CURSOR, FROM_NOTHING, SnapshotReader } from './snapshot-reader.js';
import { StreamCursor } from './stream-cursor.js';
import { type ReaderOwner, StreamReader } from './stream-reader.js';

/** The checked cursor at which a subscription resumes, and the epochs that the log holds. */
export interface ResumePoint {
  epoch: number;
  seqs: number[];
  epochs: EpochInfo[];
}

/** Where a subscription begins: at the newest tick, with a snapshot or without (`live`), or at a cursor in the past. */
export type Start = 'live' | 'snapshot' | ResumePoint;

export interface SubscriptionReaderSettings {
  mode: Mode;
  intervalMs: number;
  deliver: Deliver;
  speed: Speed;
}

export class SubscriptionReader implements FrameSource {
  readonly #stream: StreamReader;
  #snapshot: SnapshotReader | null;
  /** Buffer for the seqs that `cursor` returns in mode `latest`. */
  readonly #cursor: Float64Array;

  /** @param start where to begin; a reader: at its cursor, which must be in the present epoch */
  constructor(
    readonly shared: SharedView,
    readonly group: SubscriptionGroup,
    /** The number of the subscription. */
    readonly sub: number,
    readonly settings: Readonly<SubscriptionReaderSettings>,
    readonly owner: ReaderOwner,
    start: Start | SubscriptionReader,
  ) {
    this.#cursor = new Float64Array(shared.shards.length);
    if (start instanceof SubscriptionReader) {
      this.#stream = start.#stream.copy(owner);
      this.#snapshot = start.#snapshot === null ? null : start.#snapshot.copy();
    } else {
      shared.readHeads();
      this.#stream = this.#streamAt(start);
      this.#snapshot = this.#snapshotAt(start);
    }
  }

  get epoch(): number {
    return this.#stream.cursor.epoch;
  }

  #streamAt(start: Start): StreamReader {
    const { shared, group, settings } = this;
    const { deliver, speed } = settings;
    const isPast = typeof start === 'object';
    const seqs = Float64Array.from(isPast ? start.seqs : this.#newest(start));
    const epoch = isPast ? start.epoch : shared.epoch;
    const cursor = new StreamCursor(shared, group.critical, isPast ? start.epochs : [], epoch, seqs);
    return new StreamReader(shared, group, this.owner, deliver, cursor, isPast, speed);
  }

  /** By shard: the newest seq. It is T where state or quotes are sent, because these come from the last-value table. */
  #newest(start: 'live' | 'snapshot'): number[] {
    const { shared, settings } = this;
    const isOfTable = start === 'snapshot' || settings.mode === 'latest';
    const newest = shared.shards.map((view) => (isOfTable ? view.applied : view.head));
    if (start === 'live' || settings.deliver === 'published') return newest;
    return newest.map((seq, s) => Math.min(seq, shared.ports.catchUp!.durable(s)));
  }

  #snapshotAt(start: Start): SnapshotReader | null {
    const { shared, group, settings } = this;
    const { mode, intervalMs } = settings;
    const { seqs } = this.#stream.cursor;
    if (start === 'snapshot') return new SnapshotReader(shared, group, intervalMs, FROM_NOTHING, seqs);
    if (mode === 'every' || (group.kindsMask & QUOTE_BIT) === 0) return null;
    if (start === 'live' || start.epoch === shared.epoch)
      return new SnapshotReader(shared, group, intervalMs, FROM_CURSOR, seqs);
    const first = shared.shards.map(() => 0);
    return new SnapshotReader(shared, group, intervalMs, FROM_CURSOR, first, start);
  }

  close(): void {
    this.#stream.close();
  }

  /** Restarts the replay clock after a pause. */
  resume(): void {
    this.#stream.resume();
  }

  /** False when the frame could not take all. */
  flushSnapshot(frame: Frame): boolean {
    frame.source = this;
    const snapshot = this.#snapshot;
    if (snapshot === null) return true;
    const all = snapshot.flush(frame);
    if (snapshot.started && !snapshot.hasUpdates) this.#snapshot = null;
    return all;
  }

  /** False when the frame could not take all. */
  flushStream(frame: Frame): boolean {
    if (this.#snapshot !== null && !this.#snapshot.started) return true;
    frame.source = this;
    return this.#stream.flush(frame);
  }

  /** Whether all ticks and quotes up to the start of the current flush have been sent. */
  get isCaughtUp(): boolean {
    return this.#stream.isCaughtUp && this.#snapshot?.isCaughtUp !== false;
  }

  /** Whether the rings still hold the next tick of every shard. */
  get isInRings(): boolean {
    return this.#stream.cursor.isInRings;
  }

  /** The cursor token, valid until the next call. A subscription that resumes from it misses nothing. */
  cursor(): Uint8Array {
    const { epoch, seqs } = this.#stream.cursor;
    const snapshot = this.#snapshot;
    if (snapshot === null || epoch !== this.shared.epoch || this.settings.mode !== 'latest') {
      return this.shared.cursor(epoch, seqs);
    }
    const at = this.#cursor;
    for (let s = 0; s < at.length; s++) at[s] = Math.min(seqs[s], snapshot.applied(s));
    return this.shared.cursor(epoch, at);
  }
}
