/** One subscription: what it watches, its quotes, its lane. It owns no ticks, only where it stands. */

import { messageOf } from '../errors.js';
import type { KindName } from '../tick.js';
import type { Body } from '../wire/body.js';
import { bytesToText } from '../wire/cursor.js';
import type { Deliver, Mode, ServerMessage, Speed, WireSymbol } from '../wire/ticks.js';
import { NO_PLACE, type SharedFrame } from './convoy.js';
import type { EpochInfo } from './deps.js';
import type { Frame } from './frame.js';
import { FROM_NOTHING, type Group, QUOTE_BIT } from './group.js';
import { Lane, type LaneOwner } from './lane.js';
import { FROM_CURSOR, Quotes } from './quotes.js';
import type { Stream } from './stream.js';

export interface SubscriptionSettings {
  mode: Mode;
  kinds: KindName[];
  intervalMs: number;
  deliver: Deliver;
  speed: Speed;
}

/** Where a subscription resumes, checked against what is held. */
export interface ResumePoint {
  epoch: number;
  seqs: number[];
  epochs: EpochInfo[];
}

/** The connection, as its subscriptions see it. */
export interface SubscriptionHost {
  control(message: ServerMessage): void;
  /** Sends a control message after the frame at hand. */
  controlAfterFrame(message: ServerMessage): void;
  end(sub: number): void;
}

/** Where a subscription begins: at what is newest, with or without the state as it is; or at a place in the past. */
export type Start = 'live' | 'snapshot' | ResumePoint;

export class Subscription implements LaneOwner {
  paused = false;
  #lane: Lane;
  #quotes: Quotes | null;
  #told: number;
  /** The flush after which it lacked nothing. */
  #place: number = NO_PLACE;
  /** Of mode `latest` in the present epoch, when it was asked for last. */
  readonly #cursor: Float64Array;

  constructor(
    readonly stream: Stream,
    readonly host: SubscriptionHost,
    readonly sub: number,
    readonly group: Group,
    readonly settings: SubscriptionSettings,
    start: Start,
  ) {
    stream.subscriptions++;
    this.#cursor = new Float64Array(stream.shards.length);
    this.#told = group.watch.news.length;
    stream.look();
    this.#lane = this.#laneAt(start);
    this.#quotes = this.#quotesAt(start);
  }

  get epoch(): number {
    return this.#lane.epoch;
  }

  #laneAt(start: Start): Lane {
    const { stream, group, settings } = this;
    const { deliver, speed } = settings;
    const isPast = typeof start === 'object';
    // With a snapshot the stream starts at T, read before any entry of the table is.
    const newest = stream.shards.map((view) => (start === 'snapshot' ? view.applied : view.head));
    const seqs = Float64Array.from(isPast ? start.seqs : newest);
    const epoch = isPast ? start.epoch : stream.epoch;
    return new Lane(stream, group, this, deliver, epoch, seqs, isPast ? start.epochs : [], isPast, speed);
  }

  #quotesAt(start: Start): Quotes | null {
    const { stream, group, settings } = this;
    const { mode, intervalMs } = settings;
    if (start === 'snapshot') return new Quotes(stream, group, intervalMs, FROM_NOTHING, []);
    if (mode === 'every') return null;
    let newer = stream.shards.map((view) => view.applied);
    if (start !== 'live') newer = start.epoch === stream.epoch ? start.seqs : newer.map(() => -1);
    return new Quotes(stream, group, intervalMs, FROM_CURSOR, newer);
  }

  /** Goes on from another place; what was not sent of the old one is not. */
  seek(start: Start, speed: Speed): void {
    this.settings.speed = speed;
    this.stream.look();
    this.#lane.close();
    this.#lane = this.#laneAt(start);
    this.#quotes = this.#quotesAt(start);
    this.#place = NO_PLACE;
  }

  resume(): void {
    this.paused = false;
    this.#lane.resume();
  }

  close(): void {
    this.#lane.close();
    this.stream.subscriptions--;
    this.stream.release(this.group);
  }

  /** Announces symbols that joined or changed; before any tick of them. */
  announce(): void {
    const { news } = this.group.watch;
    if (this.#told === news.length) return;
    const symbols = [...new Set(news.slice(this.#told))].map((id) => this.describe(id));
    this.#told = news.length;
    this.host.control({ op: 'symbols', sub: this.sub, symbols });
  }

  describe(id: number): WireSymbol {
    const { name, digits, version } = this.stream.deps.registry.symbols[id]!;
    return { symbol: name, symbolId: id, digits, version };
  }

  /** False when the frame could not take all. */
  flushQuotes(frame: Frame): boolean {
    if (this.#quotes === null || this.paused) return true;
    const wantsQuotes = (this.group.kindsMask & QUOTE_BIT) !== 0;
    const wanted = wantsQuotes || !this.#quotes.started;
    const all = !wanted || this.#quotes.flush(frame, this, this.#lane);
    if (this.#quotes.started && (this.settings.mode === 'every' || !wantsQuotes)) this.#quotes = null;
    return all;
  }

  /** False when the frame could not take all. */
  flushLane(frame: Frame): boolean {
    this.#place = NO_PLACE;
    if (this.paused || (this.#quotes !== null && !this.#quotes.started)) return true;
    return this.#lane.flush(frame);
  }

  /** The flush after which it lacked nothing, and has been sent nothing since; otherwise NO_PLACE. */
  get place(): number {
    return this.#place;
  }

  /** What the flush at hand has sent to another one that stood where this one does: it can be sent here as it is. */
  sharedFrame(): SharedFrame | undefined {
    if (this.#place === NO_PLACE || this.paused || this.#told !== this.group.watch.news.length)
      return undefined;
    return this.group.convoy.find(this.#place, this.sub);
  }

  /** The shared frame has been sent. */
  sentShared(): void {
    this.#lane.skipToHead();
    this.#quotes?.skipToHead();
    this.#place = this.stream.flushNo;
  }

  /** A frame of its own has been sent, and nothing of others in it: who stood at the same place may need it, too. */
  sentOwn(frame: Frame, place: number): void {
    const { group, stream } = this;
    if (group.users === 1 || !this.#lane.lacksNothing || this.#quotes?.lacksNothing === false) return;
    this.#place = stream.flushNo;
    if (place !== NO_PLACE) group.convoy.keep(place, this.sub, frame);
  }

  /** Everything up to this has been sent, and nothing after it has to be sent again for the stream to be whole. */
  cursor(): Uint8Array {
    const { epoch, seqs } = this.#lane;
    const quotes = this.#quotes;
    if (quotes === null || epoch !== this.stream.epoch || this.settings.mode !== 'latest') {
      return this.stream.cursor(epoch, seqs);
    }
    const at = this.#cursor;
    for (let s = 0; s < at.length; s++) at[s] = Math.min(seqs[s], quotes.applied(s));
    return this.stream.cursor(epoch, at);
  }

  cursorText(): string {
    return bytesToText(this.cursor());
  }

  deliver(frame: Frame, body: Body): void {
    frame.add(body, this.sub, this.cursor());
  }

  catchingUp(behind: number): void {
    this.host.control({ op: 'catching_up', sub: this.sub, behind });
  }

  caughtUp(): void {
    this.host.controlAfterFrame({ op: 'caught_up', sub: this.sub });
  }

  failed(error: unknown): void {
    this.stream.deps.logger.error({ sub: this.sub, error: messageOf(error) }, 'Reading the log failed.');
    this.host.controlAfterFrame({
      op: 'error',
      id: null,
      code: 'log_failed',
      message: 'The log could not be read; the subscription has ended. Subscribe again from its cursor.',
      temporary: true,
      sub: this.sub,
    });
    this.host.end(this.sub);
  }
}
