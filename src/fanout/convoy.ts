/**
 * Convoys: connections whose only subscription stands at the same place go on from it together. A convoy has one
 * course; what that sends is handed to uWebSockets once, which writes it to the socket of each member.
 *
 * A member is still alone with its window: it is pinged every so many bytes, as everybody is, and leaves as soon as
 * a pong is so late that the window might not hold until the next ping. Whoever leaves takes a copy of the course
 * along and goes on for itself; whoever lacks nothing any more joins again. A convoy that is to be read from the log,
 * or has symbols to be told of, breaks up.
 */
import { CONVOY_BYTES, CONVOY_MEMBERS_MAX, PING_EVERY_BYTES, WINDOW_BYTES } from '../limits.js';
import type { TickEncoder } from '../wire/body.js';
import { Course, type CourseOwner } from './course.js';
import type { Frame, FrameTarget } from './frame.js';
import type { Group } from './group.js';
import type { Stream } from './stream.js';

/** Bytes that may be unanswered when a member is pinged: the window has to hold until the next ping. */
export const CONVOY_UNANSWERED_MAX = WINDOW_BYTES - PING_EVERY_BYTES - CONVOY_BYTES;

/** A connection, as its convoy sees it. */
export interface Member {
  /** Whether it has only one subscription, which others have too and which lacks nothing after the flush at hand, and keeps up. */
  readonly mayJoin: boolean;
  /** The course of that. */
  readonly course: Course;
  readonly isPingDue: boolean;
  /** Pings the client; false when it is too far behind to stay. */
  pingInConvoy(): boolean;
  joined(convoy: Convoy): void;
  /** Takes its own way from where the convoy stands. */
  left(convoy: Convoy): void;
}

/** Where messages go. */
interface Publisher {
  publish(convoy: Convoy, message: Uint8Array, isBinary: boolean): void;
  count(ticks: number, bytes: number): void;
}

export class Convoy implements FrameTarget, CourseOwner {
  /** Bytes sent to each member, int32 that runs over; see `window.ts`. */
  sent = 0;
  readonly course: Course;
  readonly encoder: TickEncoder;
  /** In the order of their last pings. */
  readonly members = new Set<Member>();
  /** The flush after which it lacked nothing. */
  #place: number;
  readonly #told: number;
  #isBehind = false;

  constructor(
    readonly group: Group,
    readonly topic: string,
    readonly publisher: Publisher,
    of: Course,
  ) {
    this.encoder = group.encoder;
    this.course = new Course(of.stream, group, of.sub, of.settings, this, of);
    this.#place = of.stream.flushNo;
    this.#told = group.watch.news.length;
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
    this.members.delete(member);
    member.left(this);
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
    this.publisher.count(ticks * this.size, 0);
    this.#place = this.course.lacksNothing ? this.course.stream.flushNo : -1;
    this.#ping();
    return !all;
  }

  #ping(): void {
    for (const member of this.members) {
      if (!member.isPingDue) break;
      if (!member.pingInConvoy()) this.remove(member);
    }
  }

  /** A member was pinged just now. */
  pinged(member: Member): void {
    this.members.delete(member);
    this.members.add(member);
  }

  /** Whether its members are to go on for themselves. */
  get isOver(): boolean {
    return this.#isBehind || this.size < 2;
  }

  transmit(message: Uint8Array, text: boolean): void {
    this.sent = (this.sent + message.length) | 0;
    this.publisher.publish(this, message, !text);
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
export class Convoys implements Publisher {
  /** Messages that uWebSockets was given for the members, and has still to write. */
  deferred = 0;
  readonly #all = new Set<Convoy>();
  /** By group: who lacked nothing after some flush, and found nobody else. */
  readonly #alone = new WeakMap<Group, { member: Member; flushNo: number }>();
  #made = 0;

  /**
   * @param send hands a message to all sockets of a topic
   * @param count takes note of ticks and bytes that were sent
   */
  constructor(
    readonly stream: Stream,
    readonly send: (topic: string, message: Uint8Array, isBinary: boolean) => void,
    readonly count: (ticks: number, bytes: number) => void,
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

  publish(convoy: Convoy, message: Uint8Array, isBinary: boolean): void {
    this.send(convoy.topic, message, isBinary);
    this.count(0, message.length * convoy.size);
    this.deferred += convoy.size;
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
    // The host's own topics, where it has some, are not called so.
    const convoy = new Convoy(group, `tickwire convoy ${++this.#made}`, this, course);
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
