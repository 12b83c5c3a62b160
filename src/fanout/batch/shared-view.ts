/** What all subscriptions of one fan-out share: the engine's shared memory as of the current flush. */
import { type Clock, SharedClock } from '../../core/clock.js';
import { GapReason, Kind, NO_TIME_S, Records, writeGap, writeHeader, writeTimes } from '../../core/tick.js';
import { LastValueTable } from '../../pipeline/memory/last-value-table.js';
import { CursorWriter } from '../../wire/cursor.js';
import { JsonEncoder } from '../../wire/json.js';
import { MsgpackEncoder } from '../../wire/msgpack.js';
import { PackedEncoder } from '../../wire/packed-encoder.js';
import type { Encoding, Mode } from '../../wire/ticks.js';
import { type QuotaLimits, Quotas } from '../access/quota.js';
import type { FanoutPorts } from '../contract/ports.js';
import { LogPages } from './catch-up-pages.js';
import { EncodeArena } from './encode-arena.js';
import { LastValueMirror } from './last-value-mirror.js';
import { QuoteCache } from './quote-cache.js';
import { RingChunkPool, RingChunks } from './ring-chunk.js';
import type { Shared } from './selection.js';
import { ShardView } from './shard-view.js';
import { SubscriptionGroup } from './subscription-group.js';
import { type SymbolFilter, SymbolFilters } from './symbol-filter.js';

export class SharedView {
  readonly shards: ShardView[];
  readonly table: LastValueTable;
  readonly mirror: LastValueMirror;
  readonly filters: SymbolFilters;
  readonly quotas: Quotas;
  readonly clock: Clock;
  readonly arena = new EncodeArena();
  readonly pages: LogPages;
  readonly encoders;
  /** Number of the current flush; the first is 1. Each flush reads the new ticks once. */
  flushNo = 0;
  /** Monotonic milliseconds at the start of the current flush. */
  nowMs = 0;
  /** Monotonic milliseconds of the next send of a paced subscription or one with an interval; reset by each round. */
  dueAtMs = Number.POSITIVE_INFINITY;
  /** Whether some subscription waits for the log to show more ticks; reset by each round. */
  awaitsLog = false;
  gapsSent = 0;
  /** Whether the server shuts down: subscriptions with an interval then send at once. */
  draining = false;
  /** Subscriptions that have not reached the newest tick. */
  catchingUp = 0;
  /** Subscriptions of all connections. */
  subscriptions = 0;
  readonly #groups = new Map<string, SubscriptionGroup>();
  readonly #pool: RingChunkPool;
  readonly #shared = new Map<Encoding, Shared[]>();
  /** Whether heads have been read since the last flush. */
  #hasNewHeads = false;
  readonly #gap = Records.allocate(1);
  readonly #cursors: CursorWriter;

  /** @param wake asks for a flush soon */
  constructor(
    readonly ports: FanoutPorts,
    limits: { catchUpJobs: number; catchUpPages: number } & QuotaLimits,
    readonly wake: () => void,
  ) {
    const { memory, registry } = ports;
    this.table = new LastValueTable(memory.table, memory.plan.maxSymbols);
    this.#pool = new RingChunkPool(this.arena, memory.plan.maxSymbols);
    this.#cursors = new CursorWriter(ports.identity.logId);
    this.clock = ports.clock ?? new SharedClock(memory.clock);
    this.shards = Array.from({ length: memory.plan.shards }, (_, s) => new ShardView(memory, s, this.table));
    this.mirror = new LastValueMirror(this.table, registry, this.shards);
    this.quotas = new Quotas(limits);
    this.filters = new SymbolFilters(registry, this.shards.length, this.quotas);
    this.pages = new LogPages(ports.catchUp, limits.catchUpJobs, limits.catchUpPages, wake);
    this.encoders = {
      packed: new PackedEncoder(this.arena.buffer, registry),
      msgpack: new MsgpackEncoder(this.arena.buffer),
      json: new JsonEncoder(this.arena.buffer, registry),
    } satisfies Record<Encoding, unknown>;
  }

  get epoch(): number {
    return this.ports.identity.epoch;
  }

  get logId(): string {
    return this.ports.identity.logId;
  }

  /** Ticks numbered in this epoch, as of the last read of the heads. */
  get head(): number {
    let head = 0;
    for (const view of this.shards) head += view.head;
    return head;
  }

  /** Whether the current flush uses the newest heads and symbol definitions that were read. */
  get isUpToDate(): boolean {
    return !this.#hasNewHeads && !this.filters.isBehind;
  }

  /** Whether there is anything new since the current flush began. */
  moved(): boolean {
    return !this.isUpToDate || this.shards.some((view) => view.moved());
  }

  /** Reads T and the heads of all shards outside of a flush, and asks for a flush. */
  readHeads(): void {
    this.#hasNewHeads = true;
    for (const view of this.shards) view.refresh();
    this.wake();
  }

  /** Begins a round of all connections. */
  beginRound(): void {
    this.dueAtMs = Number.POSITIVE_INFINITY;
    this.awaitsLog = false;
  }

  /** The cursor token of an epoch and one seq per shard. The next call overwrites its bytes. */
  cursor(epoch: number, seqs: ArrayLike<number>): Uint8Array {
    return this.#cursors.write(epoch, seqs);
  }

  /** Begins a flush. Heads are read before symbol definitions, so that the symbol of every tick is known. */
  advance(nowMs: number): void {
    this.flushNo++;
    this.nowMs = nowMs;
    this.#hasNewHeads = false;
    this.arena.reset();
    for (const view of this.shards) view.advance(this.flushNo);
    this.filters.refresh();
    this.mirror.collect(this.flushNo);
  }

  get groups(): number {
    return this.#groups.size;
  }

  /** The group of equal subscriptions; `release` gives it back. */
  group(encoding: Encoding, filter: SymbolFilter, mode: Mode, kindsMask: number): SubscriptionGroup {
    const key = `${encoding} ${mode} ${kindsMask}\n${filter.key}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      const encoder = this.encoders[encoding];
      group = new SubscriptionGroup(
        key,
        encoder,
        filter,
        mode,
        kindsMask,
        this.arena,
        this.#sharedOf(encoding),
      );
      this.#groups.set(key, group);
    }
    group.users++;
    return group;
  }

  #sharedOf(encoding: Encoding): Shared[] {
    let shared = this.#shared.get(encoding);
    if (shared === undefined) {
      const encoder = this.encoders[encoding];
      shared = this.shards.map((view) => ({
        ring: new RingChunks(encoder, this.#pool, view, false),
        critical: new RingChunks(encoder, this.#pool, view, true),
        quotes: new QuoteCache(encoder, this.arena, view, this.mirror),
      }));
      this.#shared.set(encoding, shared);
    }
    return shared;
  }

  release(group: SubscriptionGroup): void {
    if (--group.users === 0) this.#groups.delete(group.key);
    this.filters.release(group.filter);
  }

  /** The gap record for one subscriber: seqs `first` to `last`, inclusive, are lost. The next call overwrites it. */
  gapRecord(first: number, last: number): Records {
    const r = this.#gap;
    this.clock.stamp();
    writeHeader(r, 0, 0, Kind.gap, 0, last >>> 0, 0);
    writeTimes(r, 0, NO_TIME_S, 0, this.clock.seconds, this.clock.nanos);
    writeGap(r, 0, GapReason.notHeld, first, last, last - first + 1);
    this.gapsSent++;
    return r;
  }
}
