/** The shard of `bench log`: it fills the ring as fast as the log lets it, by itself or as a thread of its own. */
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { RECORD_BYTES, Records } from '../../core/tick.js';
import { BroadcastWriter } from '../../pipeline/memory/broadcast-ring.js';
import { CommitCells } from '../../pipeline/memory/commit-cells.js';
import { LOG_WORDS, LogWord, SHARD_WORDS, ShardWord } from '../../pipeline/memory/counters.js';
import { Doorbell } from '../../pipeline/memory/doorbell.js';
import { type EngineMemory, LOG_STAGE } from '../../pipeline/memory/engine-memory.js';
import type { LogData } from './source.js';
import { type TickSource, TicksInMemory } from './source.js';

const PUBLISH_TICKS = 8_192;
/** How long the thread sleeps while the ring is full. */
const FULL_MS = 1;

/** Puts all of a source's ticks into the ring; `rest` is awaited after each piece, and while there is no room. */
export async function publishAll(
  source: TickSource,
  memory: EngineMemory,
  rest: (isFull: boolean) => Promise<void> | undefined,
): Promise<void> {
  const { ringSlots } = memory.plan;
  const ring = new BroadcastWriter(memory.broadcast[0], ringSlots);
  const cells = new CommitCells(memory.shardCells[0], SHARD_WORDS);
  const log = new CommitCells(memory.logCells, LOG_WORDS);
  const doorbell = new Doorbell(memory.doorbells, LOG_STAGE);
  for (let head = 0; head < source.ticks; ) {
    const room = ringSlots - (head - log.read(LogWord.visible));
    const slot = ring.slot(head + 1);
    const count = Math.min(PUBLISH_TICKS, room, source.ticks - head, ringSlots - slot);
    if (count > 0) {
      ring.intend(head + count);
      source.fill(ring.records, slot, count);
      head += count;
      cells.prime()[ShardWord.head] = head;
      cells.commit();
      doorbell.ring();
    }
    await rest(count === 0);
  }
}

/** Ticks, as another thread gets them. */
type SharedTicks = Pick<LogData, 'name' | 'symbols' | 'ticks'> & { buffer: SharedArrayBuffer };

/** A thread that is ready to publish. */
export class Publisher {
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /** Starts the thread, and copies the ticks to where it can read them. */
  static async start({ name, symbols, ticks, records }: LogData): Promise<Publisher> {
    const buffer = new SharedArrayBuffer(ticks * RECORD_BYTES);
    new Uint8Array(buffer).set(records.u8.subarray(0, buffer.byteLength));
    const shared: SharedTicks = { name, symbols, ticks, buffer };
    const worker = new Worker(new URL(import.meta.url), { workerData: shared });
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
    return new Publisher(worker);
  }

  /** Resolves once all is in the ring. The thread ends. */
  async publish(memory: EngineMemory): Promise<void> {
    const done = new Promise<void>((resolve, reject) => {
      this.#worker.once('exit', () => resolve()).once('error', reject);
    });
    this.#worker.postMessage(memory);
    await done;
  }
}

if (parentPort !== null) {
  const { buffer, ...ticks } = workerData as SharedTicks;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  parentPort.once('message', (memory: EngineMemory) => {
    void publishAll(new TicksInMemory({ ...ticks, records: new Records(buffer) }), memory, (isFull) => {
      if (isFull) Atomics.wait(pause, 0, 0, FULL_MS);
      return undefined;
    });
  });
  parentPort.postMessage('ready');
}
