/** Whom a shard wakes, and for what: the log for some thousand ticks, the fan-out and the feeds for every batch. */
import { LOG_DOORBELL_TICKS } from '../../core/limits.js';
import { Doorbell } from '../memory/doorbell.js';
import { type EngineMemory, FANOUT_DOORBELL, feedStage, LOG_STAGE } from '../memory/engine-memory.js';

export class ShardWakeups {
  readonly #log: Doorbell;
  readonly #fanout: Doorbell;
  readonly #feeds: Doorbell[];
  /** Ticks between two rings for the log, and the seq of the last one. */
  readonly #logTicks: number;
  #logRungAt = 0;

  constructor({ plan, doorbells, raw }: EngineMemory) {
    this.#logTicks = Math.min(LOG_DOORBELL_TICKS, plan.ringSlots / 8);
    this.#log = new Doorbell(doorbells, LOG_STAGE);
    this.#fanout = new Doorbell(doorbells, FANOUT_DOORBELL);
    this.#feeds = raw.map((_, feed) => new Doorbell(doorbells, feedStage(feed)));
  }

  /** After a commit up to seq `head`. */
  committed(head: number): void {
    this.#ringForLog(head);
    this.projected();
    for (const doorbell of this.#feeds) doorbell.ring();
  }

  /** After a projection that was put off. */
  projected(): void {
    this.#fanout.ring();
  }

  /** A few ticks make no block: to be woken for them would cost the log more than they do. */
  #ringForLog(head: number): void {
    if (head - this.#logRungAt < this.#logTicks) return;
    this.#logRungAt = head;
    this.#log.ring();
  }
}
