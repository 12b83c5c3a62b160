/**
 * Convoys: connections whose only subscription stands at the same place go on from it together. A convoy has one
 * course; a frame of that is made once, and sent to each member.
 *
 * A member is still alone with its window: it is pinged every so many bytes, as everybody is, and leaves when its
 * window has not the room for a frame. Whoever leaves takes a copy of the course along and goes on for itself;
 * whoever lacks nothing any more joins again. A convoy that is to be read from the log, or has symbols to be told of,
 * breaks up.
 */
import {
  CONVOY_BYTES,
  CONVOY_MEMBERS_MAX,
  EVERY_CONVOY_PING_EVERY_BYTES,
  EVERY_CONVOY_WINDOW_BYTES,
  PING_EVERY_BYTES,
  WINDOW_BYTES,
} from '../../core/limits.js';
import type { TickEncoder } from '../../wire/body.js';
import type { Frame, FrameTarget } from '../batch/frame.js';
import type { Stream } from '../batch/shared-view.js';
import type { Group } from '../batch/subscription-group.js';
import { Course, type CourseOwner } from './subscription-reader.js';

/** A connection, as its convoy sees it. */
export interface Member {
  /** Whether it has only one subscription, which others have too and which lacks nothing after the flush at hand, and keeps up. */
  readonly mayJoin: boolean;
  /** The course of that. */
  readonly course: Course;
  /** Sends it what all get, with a ping every so many bytes. */
  takeAlong(message: Uint8Array, text: boolean, pingEveryBytes: number): void;
  /** Whether one more frame of the convoy may be sent to it, where so many bytes may be unanswered. */
  keepsUp(windowBytes: number): boolean;
  joined(convoy: Convoy): void;
  /** Takes its own way from where the convoy stands. */
  left(): void;
}

/** Takes note of ticks and bytes that were sent. */
type Count = (ticks: number, bytes: number) => void;

export class Convoy implements FrameTarget, CourseOwner {
  readonly course: Course;
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
    readonly group: Group,
    readonly count: Count,
    of: Course,
  ) {
    this.encoder = group.encoder;
    this.course = new Course(of.stream, group, of.sub, of.settings, this, of);
    this.#place = of.stream.flushNo;
    this.#told = group.watch.news.length;
    const isEvery = group.mode === 'every';
    this.#windowBytes = isEvery ? EVERY_CONVOY_WINDOW_BYTES : WINDOW_BYTES;
    this.#pingEveryBytes = isEvery ? EVERY_CONVOY_PING_EVERY_BYTES : PING_EVERY_BYTES;
  }

  get size(): number {
    return this.members.size;
  }

  /** Whether one that lacks nothing after the flush at hand stands where this convoy does. */
  isAt(flushNo: number, course: Course): boolean {
    const told = this.group.watch.news.length;
    return this.#place === flushNo && this.course.sub === course.sub && this.#told === told;
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
    this.#isBehind = this.#told !== this.group.watch.news.length || !this.course.isInRings;
    if (this.#isBehind) return true;
    frame.begin(this, CONVOY_BYTES);
    const allQuotes = this.course.flushQuotes(frame);
    // Some pieces of quotes fit only into the frame of a single one.
    if (!allQuotes && frame.ticks === 0) this.#isBehind = true;
    const all = this.course.flushLane(frame) && allQuotes;
    const { ticks } = frame;
    frame.finish();
    this.count(ticks * this.size, 0);
    for (const member of this.#leaving) this.remove(member);
    this.#leaving.clear();
    this.#place = this.course.lacksNothing ? this.course.stream.flushNo : -1;
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

  // A copy of the course finds the same, and tells its own client.
  catchingUp(): void {
    this.#isBehind = true;
  }

  caughtUp(): void {}

  failed(): void {
    this.#isBehind = true;
  }
}

/** All convoys of a fan-out. */
export class Convoys {
  readonly #all = new Set<Convoy>();
  /** By group: who lacked nothing after some flush, and found nobody else. */
  readonly #alone = new WeakMap<Group, { member: Member; flushNo: number }>();

  constructor(
    readonly stream: Stream,
    readonly count: Count,
  ) {}

  get members(): number {
    let members = 0;
    for (const convoy of this.#all) members += convoy.size;
    return members;
  }

  /** Those there are now. */
  all(): Convoy[] {
    return [...this.#all];
  }

  /** Has a member that may join go on with others, if some are at its place. */
  join(member: Member): void {
    const { course } = member;
    const { group } = course;
    const { flushNo } = this.stream;
    for (const convoy of group.convoys) {
      if (convoy.size < CONVOY_MEMBERS_MAX && convoy.isAt(flushNo, course)) {
        convoy.add(member);
        return;
      }
    }
    const other = this.#alone.get(group);
    this.#alone.set(group, { member, flushNo });
    if (other?.flushNo !== flushNo || other.member === member || !other.member.mayJoin) return;
    // It may have subscribed to something else meanwhile.
    const { course: its } = other.member;
    if (its.group !== group || its.sub !== course.sub) return;
    const convoy = new Convoy(group, this.count, course);
    this.#all.add(convoy);
    group.convoys.add(convoy);
    convoy.add(other.member);
    convoy.add(member);
  }

  /** Flushes a convoy; it may be over then, or go on as part of another one. True when there is room for more. */
  flush(convoy: Convoy, frame: Frame): boolean {
    const isMore = convoy.size > 1 && convoy.flush(frame);
    if (convoy.isOver) this.#end(convoy);
    else this.#merge(convoy);
    return isMore;
  }

  #end(convoy: Convoy): void {
    convoy.breakUp();
    convoy.course.close();
    this.#all.delete(convoy);
    convoy.group.convoys.delete(convoy);
  }

  /** Joins it with another one that has come to the same place, where there is room for both. */
  #merge(convoy: Convoy): void {
    const { flushNo } = this.stream;
    if (!convoy.isAt(flushNo, convoy.course)) return;
    for (const other of convoy.group.convoys) {
      if (other === convoy || other.size + convoy.size > CONVOY_MEMBERS_MAX) continue;
      if (!other.isAt(flushNo, convoy.course)) continue;
      const [small, large] = other.size < convoy.size ? [other, convoy] : [convoy, other];
      const members = [...small.members];
      this.#end(small);
      for (const member of members) large.add(member);
      return;
    }
  }
}
