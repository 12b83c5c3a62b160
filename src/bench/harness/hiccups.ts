/**
 * How steady the machine is: what reading a clock costs, and by how much a sleep of one millisecond takes
 * longer. A worker thread sleeps on a word of shared memory, which the system wakes it from.
 */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { LatencySamples, type LatencyUs } from './latency.js';

const SLEEP_MS = 1;
const CLOCK_READS = 100_000;

export interface MachineNoise {
  /** By how much a sleep of 1 ms takes longer, in µs. */
  oversleptUs: LatencyUs;
}

export interface ClockCost {
  hrtimeNs: number;
  performanceNowNs: number;
}

/** What one reading of each clock costs on this machine. */
export function clockCost(): ClockCost {
  const cost = (read: () => unknown) => {
    const start = performance.now();
    for (let i = 0; i < CLOCK_READS; i++) read();
    return ((performance.now() - start) * 1e6) / CLOCK_READS;
  };
  const both = () => ({
    hrtimeNs: cost(() => process.hrtime()),
    performanceNowNs: cost(() => performance.now()),
  });
  both();
  return both();
}

/** Measures while others run. */
export class HiccupWatch {
  readonly #word = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker = new Worker(new URL(import.meta.url), { workerData: this.#word });

  /** What was seen since the last call. */
  async take(): Promise<MachineNoise> {
    const answer = once(this.#worker, 'message');
    Atomics.store(this.#word, 0, Word.tell);
    const [noise] = (await answer) as [MachineNoise];
    return noise;
  }

  async stop(): Promise<void> {
    const gone = once(this.#worker, 'exit');
    Atomics.store(this.#word, 0, Word.stop);
    await gone;
  }
}

const Word = { go: 0, tell: 1, stop: 2 } as const;

function run(word: Int32Array): void {
  const overslept = new LatencySamples();
  // Nobody rings this one: the thread wakes by time only.
  const doorbell = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    const before = performance.now();
    Atomics.wait(doorbell, 0, 0, SLEEP_MS);
    overslept.record(Math.max(0, (performance.now() - before - SLEEP_MS) * 1000));
    const wanted = Atomics.exchange(word, 0, Word.go);
    if (wanted === Word.stop) return;
    if (wanted !== Word.tell) continue;
    const oversleptUs = overslept.summary();
    parentPort!.postMessage({ oversleptUs } satisfies MachineNoise);
    overslept.reset();
  }
}

if (!isMainThread && workerData instanceof Int32Array) run(workerData);
