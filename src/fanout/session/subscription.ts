/** One subscription: its group (filter, mode, kinds), its settings, and its reader. It shares the group with others. */

import { messageOf } from '../../core/errors.js';
import type { KindName } from '../../core/tick.js';
import { bytesToText } from '../../wire/cursor.js';
import type { ServerMessage, Speed, WireSymbol } from '../../wire/ticks.js';
import type { Frame } from '../batch/frame.js';
import type { SharedView } from '../batch/shared-view.js';
import type { SubscriptionGroup } from '../batch/subscription-group.js';
import type { ReaderOwner } from '../reader/stream-reader.js';
import {
  type Start,
  SubscriptionReader,
  type SubscriptionReaderSettings,
} from '../reader/subscription-reader.js';

export interface SubscriptionSettings extends SubscriptionReaderSettings {
  kinds: KindName[];
}

/** The connection, as its subscriptions see it. */
export interface SubscriptionHost {
  control(message: ServerMessage): void;
  /** Sends a control message after the current frame. */
  controlAfterFrame(message: ServerMessage): void;
  end(sub: number): void;
}

export class Subscription implements ReaderOwner {
  paused = false;
  #reader: SubscriptionReader;
  #newsCount: number;

  constructor(
    readonly shared: SharedView,
    readonly host: SubscriptionHost,
    readonly sub: number,
    readonly group: SubscriptionGroup,
    readonly settings: SubscriptionSettings,
    start: Start,
  ) {
    shared.subscriptions++;
    this.#newsCount = group.filter.news.length;
    this.#reader = this.#readerFrom(start);
  }

  #readerFrom(start: Start | SubscriptionReader): SubscriptionReader {
    return new SubscriptionReader(this.shared, this.group, this.sub, this.settings, this, start);
  }

  get epoch(): number {
    return this.#reader.epoch;
  }

  /** The reader; in a cohort all members have the same one. */
  get reader(): SubscriptionReader {
    return this.#reader;
  }

  /** Joins a cohort: uses its reader. */
  join(reader: SubscriptionReader): void {
    this.#reader = reader;
  }

  /** Leaves a cohort: copies its reader. */
  leave(): void {
    this.#reader = this.#readerFrom(this.#reader);
  }

  /** Whether everything up to the start of the current flush has been sent, and the subscription is not paused. */
  get isCaughtUp(): boolean {
    return !this.paused && this.#newsCount === this.group.filter.news.length && this.#reader.isCaughtUp;
  }

  /** Moves to another cursor. Ticks between the old and the new cursor are not sent. */
  seek(start: Start, speed: Speed): void {
    this.settings.speed = speed;
    this.#reader.close();
    this.#reader = this.#readerFrom(start);
  }

  resume(): void {
    this.paused = false;
    this.#reader.resume();
  }

  close(): void {
    this.#reader.close();
    this.shared.subscriptions--;
    this.shared.release(this.group);
  }

  /** Sends the symbols that were added or redefined since the last call. Must be called before their ticks are sent. */
  announce(): void {
    const { news } = this.group.filter;
    if (this.#newsCount === news.length) return;
    const symbols = [...new Set(news.slice(this.#newsCount))].map((id) => this.describe(id));
    this.#newsCount = news.length;
    this.host.control({ op: 'symbols', sub: this.sub, symbols });
  }

  describe(id: number): WireSymbol {
    const { name, digits, version } = this.shared.ports.registry.symbols[id]!;
    return { symbol: name, symbolId: id, digits, version };
  }

  /** False when the frame could not take all. */
  flushSnapshot(frame: Frame): boolean {
    return this.paused || this.#reader.flushSnapshot(frame);
  }

  /** False when the frame could not take all. */
  flushStream(frame: Frame): boolean {
    return this.paused || this.#reader.flushStream(frame);
  }

  /** The cursor token, valid until the next call. A subscription that resumes from it misses nothing. */
  cursor(): Uint8Array {
    return this.#reader.cursor();
  }

  cursorText(): string {
    return bytesToText(this.cursor());
  }

  catchingUp(behind: number): void {
    this.host.control({ op: 'catching_up', sub: this.sub, behind });
  }

  caughtUp(): void {
    this.host.controlAfterFrame({ op: 'caught_up', sub: this.sub, cursor: this.cursorText() });
  }

  failed(error: unknown): void {
    this.shared.ports.logger.error({ sub: this.sub, error: messageOf(error) }, 'Reading the log failed.');
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
