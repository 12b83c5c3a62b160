/** One subscription: what it watches, its quotes, its lane. It owns no ticks, only where it stands. */

import { messageOf } from '../errors.js';
import type { KindName } from '../tick.js';
import type { Body } from '../wire/body.js';
import { bytesToText, encodeCursor } from '../wire/cursor.js';
import type { Deliver, Mode, ServerMessage, WireSymbol } from '../wire/ticks.js';
import type { EpochInfo } from './deps.js';
import type { Frame } from './frame.js';
import { FROM_NOTHING, type Group } from './group.js';
import { Lane, type LaneOwner } from './lane.js';
import { FROM_CURSOR, Quotes } from './quotes.js';
import type { Stream } from './stream.js';

export interface SubscriptionSettings {
  mode: Mode;
  kinds: KindName[];
  intervalMs: number;
  deliver: Deliver;
  snapshot: boolean;
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

export class Subscription implements LaneOwner {
  readonly #lane: Lane;
  #quotes: Quotes | null;
  #told: number;

  constructor(
    readonly stream: Stream,
    readonly host: SubscriptionHost,
    readonly sub: number,
    readonly group: Group,
    readonly settings: SubscriptionSettings,
    resume: ResumePoint | null,
  ) {
    const { mode, snapshot, deliver } = settings;
    stream.subscriptions++;
    this.#told = group.watch.news.length;
    stream.look();
    // With a snapshot the stream starts at T, read before any entry of the table is.
    const start = stream.shards.map((view) => (snapshot ? view.applied : view.head));
    const seqs = Float64Array.from(resume?.seqs ?? start);
    const epoch = resume?.epoch ?? stream.epoch;
    this.#lane = new Lane(stream, group, this, deliver, epoch, seqs, resume?.epochs ?? []);
    this.#lane.catching = resume !== null;
    this.#quotes = null;
    if (resume !== null && mode === 'latest') {
      const newer = epoch === stream.epoch ? resume.seqs : stream.shards.map(() => -1);
      this.#quotes = new Quotes(stream, group, settings.intervalMs, FROM_CURSOR, newer);
    } else if (resume === null && (snapshot || mode === 'latest')) {
      this.#quotes = new Quotes(
        stream,
        group,
        settings.intervalMs,
        snapshot ? FROM_NOTHING : stream.flushNo,
        [],
      );
    }
  }

  get epoch(): number {
    return this.#lane.epoch;
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
    if (this.#quotes === null) return true;
    const wanted = this.settings.kinds.includes('quote') || !this.#quotes.started;
    const all = !wanted || this.#quotes.flush(frame, this, this.#lane);
    if (this.#quotes.started && (this.settings.mode === 'every' || !this.settings.kinds.includes('quote')))
      this.#quotes = null;
    return all;
  }

  /** False when the frame could not take all. */
  flushLane(frame: Frame): boolean {
    if (this.#quotes !== null && !this.#quotes.started) return true;
    return this.#lane.flush(frame);
  }

  /** The connection has no room for now. */
  stand(): void {
    this.#lane.drop();
  }

  /** Everything up to this has been sent, and nothing after it has to be sent again for the stream to be whole. */
  cursor(): Uint8Array {
    const { epoch, seqs } = this.#lane;
    const at = Array.from(seqs);
    const quotes = this.#quotes;
    if (quotes !== null && epoch === this.stream.epoch && this.settings.mode === 'latest') {
      for (let s = 0; s < at.length; s++) at[s] = Math.min(at[s], quotes.applied(s));
    }
    return encodeCursor({ logId: this.stream.logId, epoch, seqs: at });
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
    this.host.control({
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
