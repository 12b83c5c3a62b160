/** How far the log is behind each shard: what readers of it see, and what survives a power cut. */
import { SharedClock } from '../../core/clock.js';
import { RECORD_U32, U32_TS_RECV_NS, U32_TS_RECV_S } from '../../core/tick.js';
import type { Epoch, Seq } from '../../core/units.js';
import { BroadcastReader } from './broadcast-ring.js';
import { CommitCells } from './commit-cells.js';
import { LOG_WORDS, LogWord, SHARD_WORDS, ShardWord } from './counters.js';
import type { EngineMemory } from './engine-memory.js';

export interface Watermark {
  shard: number;
  epoch: Epoch;
  /** Last seq sequenced in this epoch. */
  head: Seq;
  /** Last seq that readers of the log see. */
  visible: Seq;
  /** Last seq that survives a power cut, as `log.sync` has it. */
  durable: Seq;
  /** Ticks numbered beyond each, and how long ago the first of them was received, in ms; 0 when there is none. */
  visibleLagTicks: number;
  visibleLagMs: number;
  durableLagTicks: number;
  durableLagMs: number;
}

export class WatermarkReader {
  readonly #log: CommitCells;
  readonly #rings: BroadcastReader[];
  readonly #clock: SharedClock;

  constructor(
    readonly memory: EngineMemory,
    readonly epoch: number,
  ) {
    this.#log = new CommitCells(memory.logCells, LOG_WORDS);
    this.#clock = new SharedClock(memory.clock);
    this.#rings = memory.broadcast.map((ring, s) => {
      const cells = new CommitCells(memory.shardCells[s], SHARD_WORDS);
      return new BroadcastReader(ring, memory.plan.ringSlots, { cells, word: ShardWord.head });
    });
  }

  /** Undefined without a log. */
  read(shard: number): Watermark | undefined {
    if (!this.memory.plan.log) return undefined;
    // In the order in which they follow each other, so that none is ahead of the next.
    const durable = this.#log.read(LogWord.durable + shard);
    const visible = Math.max(durable, this.#log.read(LogWord.visible + shard));
    const head = Math.max(visible, this.#rings[shard].head());
    return {
      shard,
      epoch: this.epoch,
      head,
      visible,
      durable,
      visibleLagTicks: head - visible,
      visibleLagMs: this.#ageMs(shard, visible + 1, head),
      durableLagTicks: head - durable,
      durableLagMs: this.#ageMs(shard, durable + 1, head),
    };
  }

  /** Age of the tick with this seq; of the oldest that the ring still has, when it has left the ring. */
  #ageMs(shard: number, seq: number, head: number): number {
    const ring = this.#rings[shard];
    for (let from = Math.max(seq, ring.oldest()); from <= head; from = Math.max(from + 1, ring.oldest())) {
      const w = ring.slot(from) * RECORD_U32;
      const seconds = ring.records.u32[w + U32_TS_RECV_S];
      const nanos = ring.records.u32[w + U32_TS_RECV_NS];
      if (ring.oldest() > from) continue;
      this.#clock.stamp();
      return Math.max(0, (this.#clock.seconds - seconds) * 1e3 + (this.#clock.nanos - nanos) / 1e6);
    }
    return 0;
  }
}
