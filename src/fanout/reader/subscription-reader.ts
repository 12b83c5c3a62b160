/**
 * A course: where a subscription stands, and how it goes on from there. Its quotes go first, its lane after them,
 * and one cursor says what both have sent. Subscriptions that stand at the same place can share one; see `cohort.ts`.
 */
import type { Body } from '../../wire/body.js';
import type { Deliver, Mode, Speed } from '../../wire/ticks.js';
import type { Frame } from '../batch/frame.js';
import { QUOTE_BIT } from '../batch/selection.js';
import type { Stream } from '../batch/shared-view.js';
import type { Group } from '../batch/subscription-group.js';
import type { EpochInfo } from '../contract/ports.js';
import { FROM_CURSOR, FROM_NOTHING, Quotes } from './snapshot-reader.js';
import { LaneCursor } from './stream-cursor.js';
import { Lane, type LaneOwner } from './stream-reader.js';

/** Where a subscription resumes, checked against what is held. */
export interface ResumePoint {
  epoch: number;
  seqs: number[];
  epochs: EpochInfo[];
}

/** Where a subscription begins: at what is newest, with or without the state as it is; or at a place in the past. */
export type Start = 'live' | 'snapshot' | ResumePoint;

export interface CourseSettings {
  mode: Mode;
  intervalMs: number;
  deliver: Deliver;
  speed: Speed;
}

/** Who is told what becomes of a course. */
export type CourseOwner = Omit<LaneOwner, 'deliver'>;

export class Course implements LaneOwner {
  readonly #lane: Lane;
  #quotes: Quotes | null;
  /** Of mode `latest` in the present epoch, when it was asked for last. */
  readonly #cursor: Float64Array;

  /** @param start a course: another one from where that stands, in the present epoch */
  constructor(
    readonly stream: Stream,
    readonly group: Group,
    /** The number of the subscription. */
    readonly sub: number,
    readonly settings: Readonly<CourseSettings>,
    readonly owner: CourseOwner,
    start: Start | Course,
  ) {
    this.#cursor = new Float64Array(stream.shards.length);
    if (start instanceof Course) {
      this.#lane = start.#lane.copy(this);
      this.#quotes = start.#quotes === null ? null : start.#quotes.copy();
    } else {
      stream.look();
      this.#lane = this.#laneAt(start);
      this.#quotes = this.#quotesAt(start);
    }
  }

  get epoch(): number {
    return this.#lane.cursor.epoch;
  }

  #laneAt(start: Start): Lane {
    const { stream, group, settings } = this;
    const { deliver, speed } = settings;
    const isPast = typeof start === 'object';
    const seqs = Float64Array.from(isPast ? start.seqs : this.#newest(start));
    const epoch = isPast ? start.epoch : stream.epoch;
    const cursor = new LaneCursor(stream, group.critical, isPast ? start.epochs : [], epoch, seqs);
    return new Lane(stream, group, this, deliver, cursor, isPast, speed);
  }

  /** By shard: the place of what is newest. State and quotes come from the table, so with them that is its T. */
  #newest(start: 'live' | 'snapshot'): number[] {
    const { stream, settings } = this;
    const isOfTable = start === 'snapshot' || settings.mode === 'latest';
    const newest = stream.shards.map((view) => (isOfTable ? view.applied : view.head));
    if (start === 'live' || settings.deliver === 'published') return newest;
    return newest.map((seq, s) => Math.min(seq, stream.deps.catchUp!.durable(s)));
  }

  #quotesAt(start: Start): Quotes | null {
    const { stream, group, settings } = this;
    const { mode, intervalMs } = settings;
    const { seqs } = this.#lane.cursor;
    if (start === 'snapshot') return new Quotes(stream, group, intervalMs, FROM_NOTHING, seqs);
    if (mode === 'every' || (group.kindsMask & QUOTE_BIT) === 0) return null;
    if (start === 'live' || start.epoch === stream.epoch)
      return new Quotes(stream, group, intervalMs, FROM_CURSOR, seqs);
    const first = stream.shards.map(() => 0);
    return new Quotes(stream, group, intervalMs, FROM_CURSOR, first, start);
  }

  close(): void {
    this.#lane.close();
  }

  /** After a pause. */
  resume(): void {
    this.#lane.resume();
  }

  /** False when the frame could not take all. */
  flushQuotes(frame: Frame): boolean {
    const quotes = this.#quotes;
    if (quotes === null) return true;
    const wantsQuotes = (this.group.kindsMask & QUOTE_BIT) !== 0;
    const wanted = wantsQuotes || !quotes.started;
    const all = !wanted || quotes.flush(frame, this);
    if (quotes.started && (this.settings.mode === 'every' || !wantsQuotes)) this.#quotes = null;
    return all;
  }

  /** False when the frame could not take all. */
  flushLane(frame: Frame): boolean {
    if (this.#quotes !== null && !this.#quotes.started) return true;
    return this.#lane.flush(frame);
  }

  /** Whether it has sent all that there was when the flush at hand began, with nothing left to be minded. */
  get lacksNothing(): boolean {
    return this.#lane.lacksNothing && this.#quotes?.lacksNothing !== false;
  }

  /** Whether the rings of shared memory still hold what comes next. */
  get isInRings(): boolean {
    return this.#lane.cursor.isInRings;
  }

  /** Everything up to this has been sent, and nothing after it has to be sent again for the stream to be whole. */
  cursor(): Uint8Array {
    const { epoch, seqs } = this.#lane.cursor;
    const quotes = this.#quotes;
    if (quotes === null || epoch !== this.stream.epoch || this.settings.mode !== 'latest') {
      return this.stream.cursor(epoch, seqs);
    }
    const at = this.#cursor;
    for (let s = 0; s < at.length; s++) at[s] = Math.min(seqs[s], quotes.applied(s));
    return this.stream.cursor(epoch, at);
  }

  deliver(frame: Frame, body: Body): void {
    frame.add(body, this.sub, this.cursor());
  }

  catchingUp(behind: number): void {
    this.owner.catchingUp(behind);
  }

  caughtUp(): void {
    this.owner.caughtUp();
  }

  failed(error: unknown): void {
    this.owner.failed(error);
  }
}
