/**
 * The way of what terminals send into the engine, which is the same for all of them: stamp the time of receipt, take
 * what came, commit it. A capture gets the bytes at that same time, so that they can be taken again later.
 */
import { CaptureKind } from '../capture/format.js';
import type { FeedContext } from '../connector/feed.js';
import type { FeedSink } from '../connector/feed-sink.js';
import type { SymbolFrame } from './framing.js';
import { type TerminalSource, TerminalSources } from './sources.js';

const NOTHING = new Uint8Array(0);

export class Mt5Intake {
  readonly sink: FeedSink;
  readonly sources: TerminalSources;
  #isTaking = false;

  /** @param isPaused whether the feed is paused: then nothing is taken */
  constructor(
    readonly context: FeedContext,
    readonly isPaused: () => boolean,
  ) {
    this.sink = context.sink;
    this.sources = new TerminalSources(context);
  }

  /**
   * Takes what has come over a connection.
   * @param connection its number in a capture
   * @param chunk what came just now, if anything did
   * @param take takes frames, as far as there is room; false: the rings are full
   * @returns false while more waits for room
   */
  run(connection: number, chunk: Uint8Array | undefined, take: () => boolean): boolean {
    this.#isTaking = true;
    this.sink.stamp();
    if (chunk !== undefined) this.#capture(CaptureKind.data, connection, chunk);
    const isDone = !this.isPaused() && take();
    this.#isTaking = false;
    this.sink.commit();
    return isDone;
  }

  opened(connection: number, peer: string): void {
    this.sink.stamp();
    this.#capture(CaptureKind.opened, connection, Buffer.from(peer));
  }

  closed(connection: number): void {
    // A connection that ends while bytes are taken, its own or another's, ends at their time.
    if (!this.#isTaking) this.sink.stamp();
    this.#capture(CaptureKind.closed, connection);
  }

  /** Defines a symbol of the source; returns its id. @throws TickwireError bad_input, registry_full */
  define(terminal: TerminalSource, { raw, alias, digits, negative }: SymbolFrame): number {
    const definition = { digits, ...(negative ? { negative } : {}) };
    return this.context.symbol(terminal.source, raw, definition, alias === '' ? undefined : alias);
  }

  /** Reports to the engine whether the source is up. False: no room yet. */
  announce(terminal: TerminalSource): boolean {
    return this.sources.announce(terminal);
  }

  /** Ticks of the source's stream that are durable. */
  durable({ source }: TerminalSource): number {
    return Math.max(0, this.sink.durablePosition(source) - source.base);
  }

  #capture(kind: number, connection: number, bytes: Uint8Array = NOTHING): void {
    const { recvS, recvNs } = this.sink;
    this.context.capture?.append(kind, connection, recvS, recvNs, bytes);
  }
}
