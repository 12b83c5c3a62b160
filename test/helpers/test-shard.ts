import {
  copyRecord,
  isCritical,
  Kind,
  kindOf,
  NO_SIZE,
  NO_TRADE_ID,
  Records,
  U32_SYMBOL,
  writeGap,
  writeHeader,
  writeQuote,
  writeStatus,
  writeTimes,
  writeTrade,
} from '../../src/core/tick.js';
import { BroadcastWriter, tagOf } from '../../src/pipeline/memory/broadcast-ring.js';
import { CommitCells } from '../../src/pipeline/memory/commit-cells.js';
import { SHARD_WORDS, ShardWord } from '../../src/pipeline/memory/counters.js';
import { Doorbell } from '../../src/pipeline/memory/doorbell.js';
import { type EngineMemory, FANOUT_DOORBELL, HOST_STAGE } from '../../src/pipeline/memory/engine-memory.js';
import {
  EntryF64,
  EntryU32,
  LastValueTable,
  Slot,
  TableEntry,
} from '../../src/pipeline/memory/last-value-table.js';
import { Registry } from '../../src/pipeline/memory/registry.js';

/** When the test shard's clock begins, in UNIX seconds; each tick is a millisecond later. */
export const START_S = 1_790_000_000;

/** Writes ticks as a shard does: slots, then the commit, then the table; each step can be taken alone. */
export class TestShard {
  readonly registry: Registry;
  readonly table: LastValueTable;
  /** Every tick ever committed, by seq - 1: what a log would hold. */
  readonly history = Records.allocate(1 << 18);
  readonly #ring: BroadcastWriter;
  readonly #critical: BroadcastWriter;
  readonly #cells: CommitCells;
  readonly #doorbell: Doorbell;
  readonly #symbolSeq = new Map<number, number>();
  readonly #one = Records.allocate(1);
  head = 0;
  applied = 0;
  #criticalHead = 0;

  constructor(
    readonly memory: EngineMemory,
    readonly index = 0,
  ) {
    const { plan } = memory;
    this.registry = new Registry(memory.registry, plan.maxSymbols, HOST_STAGE);
    this.table = new LastValueTable(memory.table, plan.maxSymbols);
    this.#ring = new BroadcastWriter(memory.broadcast[index], plan.ringSlots);
    this.#critical = new BroadcastWriter(memory.critical[index], plan.criticalSlots);
    this.#cells = new CommitCells(memory.shardCells[index], SHARD_WORDS);
    this.#doorbell = new Doorbell(memory.doorbells, FANOUT_DOORBELL);
  }

  define(name: string, digits = 5, ttlMs?: number): number {
    return this.registry.defineSymbol({ name, digits, ...(ttlMs === undefined ? {} : { ttlMs }) });
  }

  quote(id: number, bid: number, ask: number, bidSize = NO_SIZE, askSize = NO_SIZE): void {
    this.#begin(id, Kind.quote);
    writeQuote(this.#one, 0, bid, ask, bidSize, askSize);
    this.#append();
  }

  trade(id: number, price: number, tradeId = NO_TRADE_ID, flags = 0): void {
    this.#begin(id, Kind.trade | flags);
    writeTrade(this.#one, 0, price, 1, tradeId);
    this.#append();
  }

  status(id: number, code: number, arg0 = 0): void {
    this.#begin(id, Kind.status);
    writeStatus(this.#one, 0, code, arg0, 0, 0, 0);
    this.#append();
  }

  gap(id: number, reason: number, first: number, last: number): void {
    this.#begin(id, Kind.gap);
    writeGap(this.#one, 0, reason, first, last, last - first + 1);
    this.#append();
  }

  #begin(id: number, kind: number): void {
    const symbolSeq = (this.#symbolSeq.get(id) ?? 0) + 1;
    this.#symbolSeq.set(id, symbolSeq);
    this.head++;
    writeHeader(this.#one, 0, id, kind, 0, this.head >>> 0, symbolSeq);
    const ms = this.head % 1000;
    const s = START_S + Math.floor(this.head / 1000);
    writeTimes(this.#one, 0, s, ms * 1e6, s, ms * 1e6 + 12_345);
  }

  #append(): void {
    this.#ring.intend(this.head);
    const slot = this.#ring.slot(this.head);
    copyRecord(this.#one, 0, this.#ring.records, slot);
    this.#ring.tags[slot] = tagOf(this.#one, 0);
    copyRecord(this.#one, 0, this.history, this.head - 1);
    if (!isCritical(kindOf(this.#one, 0))) return;
    this.#critical.intend(++this.#criticalHead);
    const position = this.#critical.slot(this.#criticalHead);
    copyRecord(this.#one, 0, this.#critical.records, position);
    this.#critical.tags[position] = tagOf(this.#one, 0);
  }

  /** Publishes what was written, and brings the table up to it. */
  commit(): void {
    this.commitHead();
    this.project(this.head);
    this.setApplied();
    this.#doorbell.ring();
  }

  commitHead(): void {
    const next = this.#cells.prime();
    next[ShardWord.head] = this.head;
    next[ShardWord.criticalHead] = this.#criticalHead;
    this.#cells.commit();
  }

  /** Writes the entries up to `seq` without saying so. */
  project(seq: number): void {
    const entry = new TableEntry();
    while (this.applied < seq) {
      const i = this.applied++;
      const id = this.history.u32[i * 16 + U32_SYMBOL];
      if (id === 0) continue;
      this.table.read(id, entry);
      const kind = kindOf(this.history, i);
      entry.f64[EntryF64.seq] = i + 1;
      entry.u32[EntryU32.symbolSeq] = this.history.u32[i * 16 + 3];
      entry.u32[EntryU32.seen] = 1;
      if (kind !== Kind.gap) {
        const slot = kind === Kind.quote ? Slot.quote : kind === Kind.trade ? Slot.trade : Slot.status;
        entry.setRecord(slot, this.history, i);
        entry.f64[EntryF64.quoteSeq + slot] = i + 1;
      }
      this.table.write(id, entry);
    }
  }

  setApplied(): void {
    this.table.setApplied(this.index, this.applied);
  }

  ring(): void {
    this.#doorbell.ring();
  }
}
