/** For hosts that embed the engine: reads the last-value table and the ring, on the host's own thread. */

import { matchesPattern, parsePattern } from '../core/pattern.js';
import { copyRecord, Records, U32_SYMBOL } from '../core/tick.js';
import {
  type LocalTick,
  type QuoteTick,
  type StatusTick,
  type Tick,
  type TradeTick,
  tickAt,
} from '../core/tick-object.js';
import type { Seq, SymbolSeq } from '../core/units.js';
import type { BroadcastReader } from '../pipeline/memory/broadcast-ring.js';
import type { MemoryPlan } from '../pipeline/memory/engine-memory.js';
import {
  EntryF64,
  EntryU32,
  type LastValueTable,
  Slot,
  TableEntry,
} from '../pipeline/memory/last-value-table.js';
import type { Registry } from '../pipeline/memory/registry.js';

/** Ticks handed over in one turn of the event loop. */
const TICKS_PER_TURN = 1_024;
/** Turns without a tick before the follower polls less often. */
const HOT_TURNS = 256;
const IDLE_MS = 2;

/** The part of an engine that this file reads. */
export interface EngineView {
  readonly memory: { readonly plan: Pick<MemoryPlan, 'shards' | 'maxSymbols'> };
  /** The registry as this thread sees it. */
  readonly registry: Registry;
  readonly table: LastValueTable;
  readonly identity: { readonly logId: string; readonly epoch: number };
  ringReader(shard: number): BroadcastReader;
  once(event: 'stopped', listener: () => void): unknown;
}

export type OnTick = (tick: LocalTick) => void;

/** The newest state of a symbol. */
export interface LastValue {
  symbol: string;
  digits: number;
  /** Seq of the last tick of any kind; 0 when there was none in this epoch. */
  seq: Seq;
  symbolSeq: SymbolSeq;
  /** The last good quote: crossed and late quotes are left out. */
  quote?: LocalTick<QuoteTick>;
  trade?: LocalTick<TradeTick>;
  status?: LocalTick<StatusTick>;
}

export interface FollowOptions {
  /** Names and patterns; default: all symbols, and the engine's own records. */
  symbols?: readonly string[];
  /** Called when the ring has overtaken the follower, which has missed `missed` ticks of the shard. */
  onOvertaken?: (missed: number, shard: number) => void;
}

/** A running follower. */
export interface Following {
  /** Ends it; no tick is handed over afterwards. */
  close(): void;
}

/** Reads a symbol's entry of the last-value table. Undefined when the symbol is not known or never ticked. */
export function lastValue(engine: EngineView, symbol: string): LastValue | undefined {
  const { registry, table } = engine;
  registry.refresh();
  const id = registry.symbolId(symbol);
  const entry = new TableEntry();
  if (id === undefined || !table.read(id, entry)) return undefined;
  const shard = registry.bucket[id] % engine.memory.plan.shards;
  const value: LastValue = {
    symbol,
    digits: registry.digits[id],
    seq: entry.seq,
    symbolSeq: entry.symbolSeq,
  };
  const { logId, epoch } = engine.identity;
  // A value without a seq was carried over: the table knows of which epoch a quote is, and of no other kind.
  const tick = <T extends Tick>(slot: number, seq: number, earlier = 0) =>
    tickAt<T>(entry.records, slot, { symbol, logId, epoch: seq > 0 ? epoch : earlier, shard, seq });
  const { f64, u32 } = entry;
  if (entry.has(Slot.quote))
    value.quote = tick<QuoteTick>(Slot.quote, f64[EntryF64.quoteSeq], u32[EntryU32.quoteEpoch]);
  if (entry.has(Slot.trade)) value.trade = tick<TradeTick>(Slot.trade, f64[EntryF64.tradeSeq]);
  if (entry.has(Slot.status)) value.status = tick<StatusTick>(Slot.status, f64[EntryF64.statusSeq]);
  return (value.quote ?? value.trade ?? value.status) ? value : undefined;
}

/**
 * Calls `onTick` with every tick from now on, in the order of each shard. A slow follower delays nobody: the ring
 * overtakes it, `onOvertaken` reports how many ticks it missed, and it continues. It ends when the engine has stopped.
 */
export function follow(engine: EngineView, options: FollowOptions, onTick: OnTick): Following {
  const followers = Array.from(
    { length: engine.memory.plan.shards },
    (_, shard) => new ShardFollower(engine, shard, options, onTick),
  );
  let isClosed = false;
  let idleTurns = 0;
  const look = () => {
    if (isClosed) return;
    let found = 0;
    for (const follower of followers) found += follower.read(TICKS_PER_TURN);
    idleTurns = found > 0 ? 0 : idleTurns + 1;
    if (idleTurns < HOT_TURNS) setImmediate(look);
    // A follower alone must not keep the process alive.
    else setTimeout(look, IDLE_MS).unref();
  };
  engine.once('stopped', () => {
    if (!isClosed) for (const follower of followers) while (follower.read(TICKS_PER_TURN) > 0);
    isClosed = true;
  });
  look();
  return {
    close() {
      isClosed = true;
      for (const follower of followers) follower.isClosed = true;
    },
  };
}

/** A cursor in one shard's ring. */
class ShardFollower {
  readonly #ring: BroadcastReader;
  readonly #copy = Records.allocate(1);
  /** By symbolId: 1 = wanted, 2 = not wanted, 0 = not checked yet. */
  readonly #wanted: Uint8Array;
  #next: number;
  isClosed = false;

  constructor(
    readonly engine: EngineView,
    readonly shard: number,
    readonly options: FollowOptions,
    readonly onTick: OnTick,
  ) {
    this.#ring = engine.ringReader(shard);
    this.#wanted = new Uint8Array(engine.memory.plan.maxSymbols);
    this.#next = this.#ring.head() + 1;
  }

  /** Hands over at most `max` ticks; returns by how many seqs the follower has moved. */
  read(max: number): number {
    const ring = this.#ring;
    const from = this.#next;
    const end = Math.min(ring.head(), from + max - 1);
    while (this.#next <= end && !this.isClosed) {
      copyRecord(ring.records, ring.slot(this.#next), this.#copy, 0);
      const oldest = ring.oldest();
      if (this.#next < oldest) {
        this.options.onOvertaken?.(oldest - this.#next, this.shard);
        this.#next = oldest;
        break;
      }
      this.#handOver(this.#next++);
    }
    return this.#next - from;
  }

  #handOver(seq: number): void {
    const id = this.#copy.u32[U32_SYMBOL];
    if (this.#wanted[id] === 0) this.#wanted[id] = this.#isWanted(id) ? 1 : 2;
    if (this.#wanted[id] !== 1) return;
    const { logId, epoch } = this.engine.identity;
    this.onTick(tickAt(this.#copy, 0, { symbol: this.#nameOf(id), logId, epoch, shard: this.shard, seq }));
  }

  #isWanted(id: number): boolean {
    const { symbols } = this.options;
    if (symbols === undefined) return true;
    const name = this.#nameOf(id);
    return id !== 0 && symbols.some((pattern) => matchesPattern(parsePattern(pattern), name));
  }

  #nameOf(id: number): string {
    const { registry } = this.engine;
    if (id !== 0 && registry.symbols[id] === undefined) registry.refresh();
    return registry.symbols[id]?.name ?? '$engine';
  }
}
