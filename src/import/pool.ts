/** Threads that run the jobs of an import in parallel and report their progress. */
import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import { TickwireError } from '../core/errors.js';
import { stopped } from './host.js';
import { type Answer, PROGRESS_AT } from './worker.js';

const TELL_MS = 100;

export interface ImportProgress {
  doing: 'look' | 'read' | 'build';
  ticks: number;
  /** Of all files, once they are read. */
  total: number;
}

/** Memory in which a job reports its ticks and finds the order to stop. */
export interface JobProgress {
  shared: SharedArrayBuffer;
  index: number;
}

export class ImportPool {
  readonly #pool = new Piscina({
    filename: new URL('./worker.js', import.meta.url).href,
    minThreads: 1,
    maxThreads: availableParallelism(),
  });

  constructor(
    readonly signal: AbortSignal,
    readonly tell: (progress: ImportProgress) => void,
  ) {}

  /** Has a job done for each item; the answers in their order. */
  async run<Item, Value>(
    doing: ImportProgress['doing'],
    total: number,
    items: readonly Item[],
    jobOf: (item: Item, progress: JobProgress) => object,
  ): Promise<Value[]> {
    const shared = new SharedArrayBuffer(PROGRESS_AT + items.length * 8);
    const progress = new Float64Array(shared, PROGRESS_AT);
    const stop = () => Atomics.store(new Int32Array(shared, 0, 1), 0, 1);
    const timer = setInterval(() => {
      this.tell({ doing, ticks: progress.reduce((sum, ticks) => sum + ticks, 0), total });
    }, TELL_MS);
    this.signal.addEventListener('abort', stop, { once: true });
    try {
      if (this.signal.aborted) throw stopped();
      const jobs = items.map((item, index) => this.#job<Value>(jobOf(item, { shared, index }), doing));
      return await Promise.all(jobs);
    } finally {
      stop();
      clearInterval(timer);
      this.signal.removeEventListener('abort', stop);
    }
  }

  async #job<Value>(job: object, name: string): Promise<Value> {
    const answer = (await this.#pool.run(job, { name })) as Answer<Value>;
    if ('value' in answer) return answer.value;
    throw new TickwireError(answer.refusal.code, answer.refusal.message);
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}
