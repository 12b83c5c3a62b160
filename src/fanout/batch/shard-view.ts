/** One shard as the fan-out sees it during one flush: its heads and its two rings. */
import { monotonicNs } from '../../core/clock.js';
import { RECORD_U32, U32_SEQ_LOW } from '../../core/tick.js';
import { BroadcastReader } from '../../pipeline/memory/broadcast-ring.js';
import { CommitCells } from '../../pipeline/memory/commit-cells.js';
import { SHARD_WORDS, ShardWord } from '../../pipeline/memory/counters.js';
import type { EngineMemory } from '../../pipeline/memory/engine-memory.js';
import type { LastValueTable } from '../../pipeline/memory/last-value-table.js';
import { StageJournal } from '../../pipeline/memory/stage-journal.js';

/** The number nearest to `near` whose low 32 bits are `low`. */
function nearestSeq(near: number, low: number): number {
  return near + ((low - (near % 0x100000000)) | 0);
}

export class ShardView {
  readonly ring: BroadcastReader;
  readonly critical: BroadcastReader;
  /** Last committed seq. */
  head = 0;
  /** Last position of the critical ring whose seq is at most `head`. */
  criticalHead = 0;
  /** Number of the current flush. */
  flushNo = 0;
  /** The last-value table holds every tick up to this seq. This is T of a snapshot. */
  applied = 0;
  readonly #cells: CommitCells;
  readonly #journal: StageJournal | undefined;
  readonly #heads = new Float64Array(2);
  /** Full seq of each slot of the critical ring. The low word of a record older than 2^31 ticks would be ambiguous. */
  readonly #criticalSeqs: Float64Array;
  #indexed = 0;

  constructor(
    memory: EngineMemory,
    readonly index: number,
    readonly table: LastValueTable,
  ) {
    const { plan } = memory;
    this.#cells = new CommitCells(memory.shardCells[index], SHARD_WORDS);
    this.ring = new BroadcastReader(memory.broadcast[index], plan.ringSlots, {
      cells: this.#cells,
      word: ShardWord.head,
    });
    this.critical = new BroadcastReader(memory.critical[index], plan.criticalSlots, {
      cells: this.#cells,
      word: ShardWord.criticalHead,
    });
    this.#criticalSeqs = new Float64Array(plan.criticalSlots);
    const journals = memory.journals?.[index];
    this.#journal = journals && new StageJournal(journals.fanout);
  }

  /** Whether the head or T has moved since `refresh`. */
  moved(): boolean {
    return this.#cells.read(ShardWord.head) !== this.head || this.table.applied(this.index) !== this.applied;
  }

  /** Begins a flush. */
  advance(flushNo: number): void {
    this.flushNo = flushNo;
    this.refresh();
    if (this.#journal === undefined) return;
    const nowNs = monotonicNs();
    this.#journal.note(this.head, nowNs, nowNs);
  }

  /** Reads T before the heads, so that every tick that the table may lack is in the ring. */
  refresh(): void {
    this.applied = this.table.applied(this.index);
    const heads = this.#cells.readInto(this.#heads, ShardWord.head);
    this.head = heads[ShardWord.head];
    this.criticalHead = heads[ShardWord.criticalHead];
    const { records, capacity } = this.critical;
    let at = Math.max(this.#indexed, this.criticalHead - capacity);
    while (at < this.criticalHead) {
      const slot = this.critical.slot(++at);
      this.#criticalSeqs[slot] = nearestSeq(this.head, records.u32[slot * RECORD_U32 + U32_SEQ_LOW]);
    }
    this.#indexed = this.criticalHead;
  }

  /** Full seq of the critical record at a position that the ring still holds. */
  criticalSeq(position: number): number {
    return this.#criticalSeqs[this.critical.slot(position)];
  }

  /** Position of the last critical record up to `seq`; -1 unless the ring certainly holds every later record. */
  criticalAfter(seq: number): number {
    if (seq >= this.head) return this.criticalHead;
    const oldest = this.critical.oldest();
    if (oldest > 1 && (oldest > this.criticalHead || this.criticalSeq(oldest) > seq)) return -1;
    let low = oldest - 1;
    let high = this.criticalHead;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.criticalSeq(middle) <= seq) low = middle;
      else high = middle - 1;
    }
    return this.critical.oldest() > Math.max(1, low) ? -1 : low;
  }
}
