/** What the port remembers of its terminals between their connections. */
import { FEED_SOURCES_MAX } from '../../core/limits.js';
import { ENGINE_SYMBOL, StatusCode } from '../../core/tick.js';
import type { FeedContext } from '../connector/feed.js';
import type { Source } from '../connector/feed-sink.js';
import type { ServerClock } from '../mql/server-clock.js';
import type { Connection } from './connection.js';
import type { Hello } from './framing.js';
import { Refusal } from './refusal.js';

export interface TerminalSource {
  readonly name: string;
  /** Replaced when the terminal begins a new stream. */
  source: Source;
  streamId: string;
  clock: ServerClock;
  /** Count of the tick that comes next in the stream; 0 while that is not known. */
  next: number;
  /** Counts that the stream passed over last: ticks that the terminal had dropped. */
  gap: { first: number; last: number } | undefined;
  /** The connection in force. */
  connection: Connection | undefined;
  /** Whether the last status of the source said that it is up. */
  isAnnounced: boolean;
}

export class TerminalSources {
  readonly #byName = new Map<string, TerminalSource>();

  constructor(readonly context: FeedContext) {}

  /** Terminals connected now. */
  get connected(): number {
    let count = 0;
    for (const terminal of this.#byName.values()) if (terminal.connection !== undefined) count++;
    return count;
  }

  /** Whether some announcement waits for room. */
  get owesStatus(): boolean {
    for (const terminal of this.#byName.values()) {
      if (terminal.isAnnounced !== (terminal.connection !== undefined)) return true;
    }
    return false;
  }

  /** Connections that a hello replaces: of the same name, or the same stream. */
  rivals(hello: Hello): Connection[] {
    const found: Connection[] = [];
    for (const { name, streamId, connection } of this.#byName.values()) {
      if (connection !== undefined && (name === hello.name || streamId === hello.streamId))
        found.push(connection);
    }
    return found;
  }

  /** Opens the source of a hello, or finds it again. @throws Refusal limit_exceeded */
  open(hello: Hello, clock: ServerClock, connection: Connection): TerminalSource {
    const { name, streamId, account, server, zone } = hello;
    const known = this.#byName.get(name);
    if (known === undefined && this.#byName.size >= FEED_SOURCES_MAX) this.#forgetOne();
    const source = this.context.source(name, { stream: streamId, info: { account, server, zone } });
    if (known === undefined) {
      // One that was forgotten in this run continues where it was.
      const reached = this.context.sink.reachedPosition(source) - source.base;
      const fresh = {
        name,
        source,
        streamId,
        clock,
        next: reached > 0 ? reached + 1 : 0,
        gap: undefined,
        connection,
        isAnnounced: false,
      };
      this.#byName.set(name, fresh);
      return fresh;
    }
    // The terminals are in the order in which they came.
    this.#byName.delete(name);
    this.#byName.set(name, known);
    if (known.streamId !== streamId) {
      known.next = 0;
      known.gap = undefined;
    }
    // The clock remembers how far the source had come, so it is kept while its rule stays.
    if (known.clock.rule.text !== zone) known.clock = clock;
    known.source = source;
    known.streamId = streamId;
    known.connection = connection;
    return known;
  }

  /** Forgets the terminal that has gone and came before the others. @throws Refusal limit_exceeded */
  #forgetOne(): void {
    for (const { name, source, connection, isAnnounced } of this.#byName.values()) {
      if (connection !== undefined || isAnnounced) continue;
      this.#byName.delete(name);
      this.context.sink.release(source);
      return;
    }
    throw new Refusal(
      'limit_exceeded',
      `This port knows ${FEED_SOURCES_MAX} sources, and none of them has gone; it takes no more.`,
    );
  }

  /** Tells the engine whether the source is up, unless it knows. False: there is no room yet. */
  announce(terminal: TerminalSource): boolean {
    const isUp = terminal.connection !== undefined;
    if (terminal.isAnnounced === isUp) return true;
    const code = isUp ? StatusCode.sourceUp : StatusCode.sourceDown;
    if (!this.context.sink.status(terminal.source, ENGINE_SYMBOL, code, 0)) return false;
    terminal.isAnnounced = isUp;
    return true;
  }

  announceAll(): void {
    for (const terminal of this.#byName.values()) this.announce(terminal);
  }
}
