/**
 * A cohort is a group of connections whose only subscription has the same cursor. A cohort has one reader: each frame is
 * encoded once and sent to every member.
 *
 * Each member keeps its own send window, which pings measure. A member leaves when its window has no room for another
 * frame. The member then reads on with a copy of the reader, and may join a cohort again once it is caught up. A cohort
 * ends when the ring no longer holds its cursor, or when the symbols of its filter change.
 */
import {
  COHORT_BYTES,
  COHORT_MEMBERS_MAX,
  EVERY_COHORT_PING_EVERY_BYTES,
  EVERY_COHORT_WINDOW_BYTES,
  PING_EVERY_BYTES,
  WINDOW_BYTES,
} from '../../core/limits.js';
import type { TickEncoder } from '../../wire/payload.js';
import type { Frame, FrameTarget } from '../batch/frame.js';
import type { SharedView } from '../batch/shared-view.js';
import type { SubscriptionGroup } from '../batch/subscription-group.js';
import type { ReaderOwner } from './stream-reader.js';
import { SubscriptionReader } from './subscription-reader.js';

/** A connection, as its cohort sees it. */
export interface Member {
  /**
   * Whether the connection may join a cohort. It must keep up, and have one subscription only. That subscription must
   * share its group with others and be caught up after the current flush.
   */
  readonly mayJoin: boolean;
  /** The reader of its only subscription. */
  readonly reader: SubscriptionReader;
  /** Sends a message that all members get, and a ping after every `pingEveryBytes` bytes. */
  sendShared(message: Uint8Array, text: boolean, pingEveryBytes: number): void;
  /** Whether one more frame of the cohort may be sent, where at most `windowBytes` bytes may be unacknowledged. */
  keepsUp(windowBytes: number): boolean;
  joined(cohort: Cohort): void;
  /** Called when the member has left: it reads on by itself, from the cursor of the cohort. */
  left(): void;
}

/** Counts ticks and bytes that were sent. */
type Count = (ticks: number, bytes: number) => void;

export class Cohort implements FrameTarget, ReaderOwner {
  readonly reader: SubscriptionReader;
  readonly encoder: TickEncoder;
  readonly members = new Set<Member>();
  /** Members whose window has no room for a frame after the current one. */
  readonly #leaving = new Set<Member>();
  /** The last flush, if the cohort was caught up after it; else -1. */
  #caughtUpAt: number;
  readonly #newsCount: number;
  readonly #windowBytes: number;
  readonly #pingEveryBytes: number;
  #isBehind = false;

  constructor(
    readonly group: SubscriptionGroup,
    readonly count: Count,
    source: SubscriptionReader,
  ) {
    this.encoder = group.encoder;
    this.reader = new SubscriptionReader(source.shared, group, source.sub, source.settings, this, source);
    this.#caughtUpAt = source.shared.flushNo;
    this.#newsCount = group.filter.news.length;
    const isEvery = group.mode === 'every';
    this.#windowBytes = isEvery ? EVERY_COHORT_WINDOW_BYTES : WINDOW_BYTES;
    this.#pingEveryBytes = isEvery ? EVERY_COHORT_PING_EVERY_BYTES : PING_EVERY_BYTES;
  }

  get size(): number {
    return this.members.size;
  }

  /** Whether a reader that is caught up after flush `flushNo` has the same cursor and symbols as this cohort. */
  isAt(flushNo: number, reader: SubscriptionReader): boolean {
    const newsCount = this.group.filter.news.length;
    return this.#caughtUpAt === flushNo && this.reader.sub === reader.sub && this.#newsCount === newsCount;
  }

  add(member: Member): void {
    this.members.add(member);
    member.joined(this);
  }

  remove(member: Member): void {
    if (this.members.delete(member)) member.left();
  }

  breakUp(): void {
    for (const member of [...this.members]) this.remove(member);
  }

  /** Sends one frame. True when there is more to send in a further flush. */
  flush(frame: Frame): boolean {
    this.#isBehind = this.#newsCount !== this.group.filter.news.length || !this.reader.isInRings;
    if (this.#isBehind) return true;
    frame.begin(this, COHORT_BYTES);
    const allQuotes = this.reader.flushSnapshot(frame);
    // A chunk of quotes may be too large for the frame of a cohort: then each connection must send it by itself.
    if (!allQuotes && frame.ticks === 0) this.#isBehind = true;
    const all = this.reader.flushStream(frame) && allQuotes;
    const { ticks } = frame;
    frame.finish();
    this.count(ticks * this.size, 0);
    for (const member of this.#leaving) this.remove(member);
    this.#leaving.clear();
    this.#caughtUpAt = this.reader.isCaughtUp ? this.reader.shared.flushNo : -1;
    return !all;
  }

  /** Whether the cohort must end, and its members read on by themselves. */
  get isOver(): boolean {
    return this.#isBehind || this.size < 2;
  }

  transmit(message: Uint8Array, text: boolean): void {
    for (const member of this.members) {
      member.sendShared(message, text, this.#pingEveryBytes);
      // Checked here, while the member is in the core's cache: another pass over all members would fetch it again.
      if (!member.keepsUp(this.#windowBytes)) this.#leaving.add(member);
    }
    this.count(0, message.length * this.size);
  }

  // Each member's copy of the reader comes to the same result, and informs the member's client.
  catchingUp(): void {
    this.#isBehind = true;
  }

  caughtUp(): void {}

  failed(): void {
    this.#isBehind = true;
  }
}

/** All cohorts of a fan-out. */
export class Cohorts {
  readonly #all = new Set<Cohort>();
  readonly #byGroup = new WeakMap<SubscriptionGroup, Set<Cohort>>();
  /** By group: the last connection that was caught up and found no cohort to join, and the flush after which it was. */
  readonly #candidates = new WeakMap<SubscriptionGroup, { member: Member; flushNo: number }>();

  constructor(
    readonly shared: SharedView,
    readonly count: Count,
  ) {}

  get members(): number {
    let members = 0;
    for (const cohort of this.#all) members += cohort.size;
    return members;
  }

  /** A copy of the set of cohorts. */
  all(): Cohort[] {
    return [...this.#all];
  }

  #cohortsOf(group: SubscriptionGroup): Set<Cohort> {
    let cohorts = this.#byGroup.get(group);
    if (cohorts === undefined) this.#byGroup.set(group, (cohorts = new Set()));
    return cohorts;
  }

  /** Adds a connection to a cohort at the same cursor, or makes a cohort with another connection at that cursor. */
  join(member: Member): void {
    const { reader } = member;
    const { group } = reader;
    const { flushNo } = this.shared;
    const cohorts = this.#cohortsOf(group);
    for (const cohort of cohorts) {
      if (cohort.size < COHORT_MEMBERS_MAX && cohort.isAt(flushNo, reader)) {
        cohort.add(member);
        return;
      }
    }
    const other = this.#candidates.get(group);
    this.#candidates.set(group, { member, flushNo });
    if (other?.flushNo !== flushNo || other.member === member || !other.member.mayJoin) return;
    // The other connection may have changed its subscription meanwhile.
    const { reader: otherReader } = other.member;
    if (otherReader.group !== group || otherReader.sub !== reader.sub) return;
    const cohort = new Cohort(group, this.count, reader);
    this.#all.add(cohort);
    cohorts.add(cohort);
    cohort.add(other.member);
    cohort.add(member);
  }

  /** Flushes a cohort, then ends or merges it where needed. True when there is more to send in a further flush. */
  flush(cohort: Cohort, frame: Frame): boolean {
    const isMore = cohort.size > 1 && cohort.flush(frame);
    if (cohort.isOver) this.#end(cohort);
    else this.#merge(cohort);
    return isMore;
  }

  #end(cohort: Cohort): void {
    cohort.breakUp();
    cohort.reader.close();
    this.#all.delete(cohort);
    this.#cohortsOf(cohort.group).delete(cohort);
  }

  /** Merges the cohort with another one at the same cursor, where the sum of members is small enough. */
  #merge(cohort: Cohort): void {
    const { flushNo } = this.shared;
    if (!cohort.isAt(flushNo, cohort.reader)) return;
    for (const other of this.#cohortsOf(cohort.group)) {
      if (other === cohort || other.size + cohort.size > COHORT_MEMBERS_MAX) continue;
      if (!other.isAt(flushNo, cohort.reader)) continue;
      const [small, large] = other.size < cohort.size ? [other, cohort] : [cohort, other];
      const members = [...small.members];
      this.#end(small);
      for (const member of members) large.add(member);
      return;
    }
  }
}
