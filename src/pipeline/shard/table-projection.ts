/** How a shard keeps its part of the last-value table: at once while nothing more waits, and else a symbol once for several batches. */
import { PROJECT_TICKS } from '../../core/limits.js';
import type { BroadcastWriter } from '../memory/broadcast-ring.js';
import type { EngineMemory } from '../memory/engine-memory.js';
import { LastValueTable } from '../memory/last-value-table.js';
import type { SymbolStates } from './symbol-states.js';

export class TableProjection {
  readonly table: LastValueTable;
  /** The table holds everything up to this seq. */
  #applied: number;
  /** Ticks after which the table is brought up to date, more waiting or not: the ring still holds them all. */
  readonly #ticks: number;

  constructor(
    { plan, table }: EngineMemory,
    readonly shard: number,
    readonly states: SymbolStates,
    readonly ring: BroadcastWriter,
  ) {
    this.table = new LastValueTable(table, plan.maxSymbols);
    this.#applied = this.table.applied(shard);
    this.#ticks = Math.min(PROJECT_TICKS, plan.ringSlots / 2);
  }

  get applied(): number {
    return this.#applied;
  }

  /** Whether so much was put off that the table comes before more ticks. */
  isDue(head: number): boolean {
    return head - this.#applied >= this.#ticks;
  }

  /** Has the table hold everything up to `head`. */
  run(head: number): void {
    this.states.project(this.table, this.#applied, this.ring.records, this.ring.mask);
    this.#applied = head;
    this.table.setApplied(this.shard, head);
  }
}
