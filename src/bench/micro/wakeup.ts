/** Scenario `wakeup`: how long a thread that waits takes to see that something was published. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { allocateDoorbells, Doorbell, turn } from '../../pipeline/memory/doorbell.js';
import { positive, wholeNumber } from '../harness/flags.js';
import { LatencySamples, type RecordedLatency } from '../harness/latency.js';
import { type Figure, type Findings, figure, type Scenario } from '../harness/scenario.js';

const DIAGRAM = `
  ringing thread ── writes the time, rings ──▶ [ bell ] ──▶ waiting thread: reads the clock
    once a millisecond or so                                 park       Atomics.wait: what shards do
                                                             parkAsync  Atomics.waitAsync: what fan-out does idle
                                                             poll       a turn of the event loop between looks:
                                                                        what fan-out does while ticks come
                                                             message    postMessage, for comparison
  The ways take turns, run by run. Each ring has to be seen once, and in order.`;

const WAYS = ['park', 'parkAsync', 'poll', 'message'] as const;
type Way = (typeof WAYS)[number];

/** Words of the shared memory: number of the ring, then its time in nanoseconds (i64). */
const RING = 0;
const TIME_AT = 1;
const PARK_MS = 1000;
/** Between two rings: long enough for every way to have gone to sleep. */
const PAUSE_MS = 1;

interface Side {
  way: Way;
  rings: number;
  memory: SharedArrayBuffer;
  doorbells: SharedArrayBuffer;
}

interface Seen {
  latency: RecordedLatency;
  count: number;
  reordered: number;
}

interface WakeupOptions {
  /** Rings of each run. */
  rings: number;
  runs: number;
  pause: number;
}

export const wakeup: Scenario<WakeupOptions> = {
  name: 'wakeup',
  summary: 'how soon a waiting thread sees what another one publishes, by way of waiting',
  diagram: DIAGRAM,
  example: '--rings 2000 --json',
  flags: (command) =>
    command
      .option('--rings <n>', 'rings of each run', wholeNumber, 2000)
      .option('--runs <n>', 'runs of each way, which take turns', wholeNumber, 5)
      .option('--pause <ms>', 'between two rings', positive, PAUSE_MS),
  small: { rings: 50, runs: 2 },
  run: benchWakeup,
};

async function benchWakeup({ rings, runs, pause }: WakeupOptions): Promise<Findings> {
  const p50: Record<Way, number[]> = { park: [], parkAsync: [], poll: [], message: [] };
  const p99: Record<Way, number[]> = { park: [], parkAsync: [], poll: [], message: [] };
  const all = new Map(WAYS.map((way) => [way, new LatencySamples()]));
  const why: string[] = [];
  for (let run = 0; run < runs; run++) {
    for (const way of WAYS) {
      const { latency, count, reordered } = await runOnce(way, rings, pause);
      const one = new LatencySamples();
      one.add(latency);
      all.get(way)!.add(latency);
      p50[way].push(one.percentile(0.5));
      p99[way].push(one.percentile(0.99));
      if (count !== rings || reordered > 0)
        why.push(`${way}: ${count} of ${rings} rings seen, ${reordered} out of order`);
    }
  }
  const figures: Record<string, Figure> = {};
  for (const way of WAYS) {
    figures[`${way}P50Ns`] = figure('ns', 'lower', p50[way]);
    figures[`${way}P99Ns`] = figure('ns', 'lower', p99[way]);
  }
  const us = (ns: number) => (ns / 1000).toFixed(1);
  return {
    figures,
    why,
    lines: WAYS.map((way) => {
      const samples = all.get(way)!;
      return `wakeup: ${way.padEnd(9)} p50 ${us(samples.percentile(0.5))} µs, p99 ${us(samples.percentile(0.99))} µs, p99.9 ${us(samples.percentile(0.999))} µs`;
    }),
    details: { latencyNs: Object.fromEntries(WAYS.map((way) => [way, all.get(way)!.recorded()])) },
  };
}

async function runOnce(way: Way, rings: number, pauseMs: number): Promise<Seen> {
  const memory = new SharedArrayBuffer(16);
  const doorbells = allocateDoorbells(1);
  const side: Side = { way, rings, memory, doorbells };
  const worker = new Worker(new URL(import.meta.url), { workerData: side });
  const said = () => new Promise<unknown>((resolve) => worker.once('message', resolve));
  await said();
  const done = said();
  const words = new Int32Array(memory);
  const time = new BigInt64Array(memory, 8);
  const doorbell = new Doorbell(doorbells, 0);
  for (let n = 1; n <= rings; n++) {
    await sleep(pauseMs);
    time[TIME_AT - 1] = process.hrtime.bigint();
    Atomics.store(words, RING, n);
    if (way === 'message') worker.postMessage(n);
    else doorbell.ring();
    // The one at hand has to be seen before the next one overwrites its time.
    while (Atomics.load(words, RING) === n) await turn();
  }
  const seen = (await done) as Seen;
  await worker.terminate();
  return seen;
}

/** The waiting thread's side: notes each ring, and answers by taking its number away. */
class Waiter {
  readonly #latency = new LatencySamples();
  readonly #words: Int32Array;
  readonly #time: BigInt64Array;
  #count = 0;
  #reordered = 0;

  constructor(readonly side: Side) {
    this.#words = new Int32Array(side.memory);
    this.#time = new BigInt64Array(side.memory, 8);
  }

  /** Looks whether there is a ring; true once all were seen. */
  look(): boolean {
    const now = process.hrtime.bigint();
    const n = Atomics.load(this.#words, RING);
    if (n > 0) {
      this.#latency.record(Number(now - this.#time[TIME_AT - 1]));
      if (n !== ++this.#count) this.#reordered++;
      Atomics.store(this.#words, RING, -n);
    }
    return this.#count === this.side.rings;
  }

  get seen(): Seen {
    return { latency: this.#latency.recorded(), count: this.#count, reordered: this.#reordered };
  }

  async wait(): Promise<void> {
    const doorbell = new Doorbell(this.side.doorbells, 0);
    const { way } = this.side;
    for (;;) {
      const seen = doorbell.read();
      if (this.look()) return;
      if (way === 'park') doorbell.park(seen, PARK_MS);
      else if (way === 'parkAsync') await doorbell.parkAsync(seen, PARK_MS);
      else if (way === 'poll') await turn();
      else await new Promise((resolve) => parentPort!.once('message', resolve));
    }
  }
}

if (!isMainThread && (workerData as Side | undefined)?.way !== undefined) {
  const waiter = new Waiter(workerData as Side);
  parentPort!.postMessage('ready');
  // waitAsync alone does not keep a thread alive.
  const alive = setInterval(() => {}, PARK_MS);
  await waiter.wait();
  clearInterval(alive);
  parentPort!.postMessage(waiter.seen);
}
