/**
 * A sink that captures what a connector offers, for connectors that do not capture the bytes that they get. A
 * class of its own, so that the sink of every other feed has nothing to ask.
 */
import type { Clock } from '../../core/clock.js';
import { RECORD_BYTES, type Records } from '../../core/tick.js';
import type { RejectReason } from '../../pipeline/memory/counters.js';
import type { EngineMemory } from '../../pipeline/memory/engine-memory.js';
import type { Registry } from '../../pipeline/memory/registry.js';
import { FeedSink, type Source, Take } from '../connector/feed-sink.js';
import { CaptureKind } from './format.js';
import type { CaptureWriter } from './writer.js';

/** The most arguments that a call has. */
const ARGUMENTS_MAX = 9;
const text = new TextEncoder();

export class CapturingSink extends FeedSink {
  readonly #arguments = new Float64Array(ARGUMENTS_MAX);
  readonly #bytes = new Uint8Array(this.#arguments.buffer);
  /** Whether a call is under way that was captured: what it calls in turn is not. */
  #isInside = false;

  constructor(
    memory: EngineMemory,
    feed: number,
    registry: Registry,
    clock: Clock,
    mayPark: boolean,
    readonly capture: CaptureWriter,
  ) {
    super(memory, feed, registry, clock, mayPark);
  }

  #inside<T>(call: () => T): T {
    const before = this.#isInside;
    this.#isInside = true;
    try {
      return call();
    } finally {
      this.#isInside = before;
    }
  }

  #write(kind: number, channel: number, ...numbers: number[]): void {
    if (this.#isInside) return;
    this.#arguments.set(numbers);
    this.capture.append(kind, channel, this.recvS, this.recvNs, this.#bytes.subarray(0, 8 * numbers.length));
  }

  #writeText(kind: number, channel: number, number: number, more: string): void {
    if (this.#isInside) return;
    this.#arguments[0] = number;
    const { recvS, recvNs } = this;
    this.capture.append(kind, channel, recvS, recvNs, this.#bytes.subarray(0, 8), text.encode(more));
  }

  override open(feed: string, name: string, stream?: string, info?: Record<string, string | number>): Source {
    const source = super.open(feed, name, stream, info);
    const json = text.encode(JSON.stringify({ name, stream, info }));
    this.capture.append(CaptureKind.source, source.id, this.recvS, this.recvNs, json);
    return source;
  }

  override release(source: Source): void {
    this.#write(CaptureKind.release, source.id);
    super.release(source);
  }

  override take(source: Source, symbolId: number, position: number): number {
    const taken = this.#inside(() => super.take(source, symbolId, position));
    if (taken !== Take.full) this.#write(CaptureKind.take, source.id, symbolId, position);
    return taken;
  }

  override quote(source: Source, ...call: CallArguments['quote']): void {
    this.#write(CaptureKind.quote, source.id, ...call);
    super.quote(source, ...call);
  }

  override trade(source: Source, ...call: CallArguments['trade']): void {
    this.#write(CaptureKind.trade, source.id, ...call);
    super.trade(source, ...call);
  }

  override status(
    source: Source,
    symbolId: number,
    code: number,
    arg0: number,
    arg1 = 0,
    arg2 = 0,
    arg3 = 0,
  ): boolean {
    const isTaken = super.status(source, symbolId, code, arg0, arg1, arg2, arg3);
    if (isTaken) this.#write(CaptureKind.status, source.id, symbolId, code, arg0, arg1, arg2, arg3);
    return isTaken;
  }

  override gap(source: Source, ...call: CallArguments['gap']): boolean {
    const isTaken = super.gap(source, ...call);
    if (isTaken) this.#write(CaptureKind.gap, source.id, ...call);
    return isTaken;
  }

  override reject(reason: RejectReason, count = 1): void {
    this.#writeText(CaptureKind.reject, 0, count, reason);
    super.reject(reason, count);
  }

  override refuse(source: Source, position: number, reason: RejectReason): void {
    this.#writeText(CaptureKind.refuse, source.id, position, reason);
    this.#inside(() => super.refuse(source, position, reason));
  }

  override duplicate(count: number): void {
    this.#write(CaptureKind.duplicate, 0, count);
    super.duplicate(count);
  }

  override split(): void {
    this.#write(CaptureKind.split, 0);
    super.split();
  }

  override offer(source: Source, block: Records, from: number, count: number, live: boolean): number {
    const done = this.#inside(() => super.offer(source, block, from, count, live));
    const head = Uint8Array.of(live ? 1 : 0, 0, 0, 0, 0, 0, 0, 0);
    const bytes = block.u8.slice(from * RECORD_BYTES, (from + done) * RECORD_BYTES);
    if (done > 0) this.capture.append(CaptureKind.records, source.id, this.recvS, this.recvNs, head, bytes);
    return done;
  }
}

/** What follows the source in each call. */
interface CallArguments {
  quote: [
    symbolId: number,
    flags: number,
    position: number,
    eventS: number,
    eventNs: number,
    bid: number,
    ask: number,
    bidSize: number,
    askSize: number,
  ];
  trade: [
    symbolId: number,
    flags: number,
    position: number,
    eventS: number,
    eventNs: number,
    price: number,
    size: number,
    tradeId: number,
  ];
  gap: [symbolId: number, reason: number, first: number, last: number, count: number];
}
