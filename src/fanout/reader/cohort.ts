/**
 * A cohort is a group of connections whose only subscription has the same cursor. A cohort has one reader: each frame is
 * encoded once and sent to every member.
 *
 * Each member keeps its own window: the server pings it every so many bytes. A member leaves when its window has no room
 * for a frame. It takes a copy of the reader along, and may join again once it is caught up. A cohort ends when the ring
 * no longer holds its cursor, or when its symbols change.
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
  /** Whether it has only one subscription, which others have too and which lacks nothing after the flush at hand, and keeps up. */
  readonly mayJoin: boolean;
  /** The reader of that. */
  readonly reader: SubscriptionReader;
  /** Sends it what all get, with a ping every so many bytes. */
  takeAlong(message: Uint8Array, text: boolean, pingEveryBytes: number): void;
  /** Whether one more frame of the cohort may be sent to it, where so many bytes may be unanswered. */
  keepsUp(windowBytes: number): boolean;
  joined(cohort: Cohort): void;
  /** Takes its own way from where the cohort stands. */
  left(): void;
}

/** Takes note of ticks and bytes that were sent. */
type Count = (ticks: number, bytes: number) => void;

export class Cohort implements FrameTarget, ReaderOwner {
  readonly reader: SubscriptionReader;
  readonly encoder: TickEncoder;
  readonly members = new Set<Member>();
  /** Members that have no room for a frame after the one at hand. */
  readonly #leaving = new Set<Member>();
  /** The flush after which it lacked nothing. */
  #place: number;
  readonly #told: number;
  readonly #windowBytes: number;
  readonly #pingEveryBytes: number;
  #isBehind = false;

  constructor(
    readonly group: SubscriptionGroup,
    readonly count: Count,
    of: SubscriptionReader,
  ) {
    this.encoder = group.encoder;
    this.reader = new SubscriptionReader(of.shared, group, of.sub, of.settings, this, of);
    this.#place = of.shared.flushNo;
    this.#told = group.filter.news.length;
    const isEvery = group.mode === 'every';
    this.#windowBytes = isEvery ? EVERY_COHORT_WINDOW_BYTES : WINDOW_BYTES;
    this.#pingEveryBytes = isEvery ? EVERY_COHORT_PING_EVERY_BYTES : PING_EVERY_BYTES;
  }

  get size(): number {
    return this.members.size;
  }

  /** Whether one that lacks nothing after the flush at hand stands where this cohort does. */
  isAt(flushNo: number, reader: SubscriptionReader): boolean {
    const told = this.group.filter.news.length;
    return this.#place === flushNo && this.reader.sub === reader.sub && this.#told === told;
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

  /** Sends what there is room for. True when there is room for more in a further flush. */
  flush(frame: Frame): boolean {
    this.#isBehind = this.#told !== this.group.filter.news.length || !this.reader.isInRings;
    if (this.#isBehind) return true;
    frame.begin(this, COHORT_BYTES);
    const allQuotes = this.reader.flushSnapshot(frame);
    // Some pieces of quotes fit only into the frame of a single one.
    if (!allQuotes && frame.ticks === 0) this.#isBehind = true;
    const all = this.reader.flushStream(frame) && allQuotes;
    const { ticks } = frame;
    frame.finish();
    this.count(ticks * this.size, 0);
    for (const member of this.#leaving) this.remove(member);
    this.#leaving.clear();
    this.#place = this.reader.isCaughtUp ? this.reader.shared.flushNo : -1;
    return !all;
  }

  /** Whether its members are to go on for themselves. */
  get isOver(): boolean {
    return this.#isBehind || this.size < 2;
  }

  transmit(message: Uint8Array, text: boolean): void {
    for (const member of this.members) {
      member.takeAlong(message, text, this.#pingEveryBytes);
      // Here, while what is known of it is in the core's cache: a further pass over all members would fetch it again.
      if (!member.keepsUp(this.#windowBytes)) this.#leaving.add(member);
    }
    this.count(0, message.length * this.size);
  }

  // A copy of the reader finds the same, and tells its own client.
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
  /** By group: who lacked nothing after some flush, and found nobody else. */
  readonly #alone = new WeakMap<SubscriptionGroup, { member: Member; flushNo: number }>();

  constructor(
    readonly shared: SharedView,
    readonly count: Count,
  ) {}

  get members(): number {
    let members = 0;
    for (const cohort of this.#all) members += cohort.size;
    return members;
  }

  /** Those there are now. */
  all(): Cohort[] {
    return [...this.#all];
  }

  #of(group: SubscriptionGroup): Set<Cohort> {
    let cohorts = this.#byGroup.get(group);
    if (cohorts === undefined) this.#byGroup.set(group, (cohorts = new Set()));
    return cohorts;
  }

  /** Has a member that may join go on with others, if some are at its place. */
  join(member: Member): void {
    const { reader } = member;
    const { group } = reader;
    const { flushNo } = this.shared;
    const cohorts = this.#of(group);
    for (const cohort of cohorts) {
      if (cohort.size < COHORT_MEMBERS_MAX && cohort.isAt(flushNo, reader)) {
        cohort.add(member);
        return;
      }
    }
    const other = this.#alone.get(group);
    this.#alone.set(group, { member, flushNo });
    if (other?.flushNo !== flushNo || other.member === member || !other.member.mayJoin) return;
    // It may have subscribed to something else meanwhile.
    const { reader: its } = other.member;
    if (its.group !== group || its.sub !== reader.sub) return;
    const cohort = new Cohort(group, this.count, reader);
    this.#all.add(cohort);
    cohorts.add(cohort);
    cohort.add(other.member);
    cohort.add(member);
  }

  /** Flushes a cohort; it may be over then, or go on as part of another one. True when there is room for more. */
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
    this.#of(cohort.group).delete(cohort);
  }

  /** Joins it with another one that has come to the same place, where there is room for both. */
  #merge(cohort: Cohort): void {
    const { flushNo } = this.shared;
    if (!cohort.isAt(flushNo, cohort.reader)) return;
    for (const other of this.#of(cohort.group)) {
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
