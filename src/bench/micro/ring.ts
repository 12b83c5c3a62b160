/** Scenario `ring`: what one SPSC ring of 64-byte records carries between two threads. */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { copyWords, RECORD_U32, Records } from '../../core/tick.js';
import { CommitCells } from '../../pipeline/memory/commit-cells.js';
import { allocateDoorbells, Doorbell, SpinThenPark } from '../../pipeline/memory/doorbell.js';
import { allocateSlots, RingConsumer, RingProducer } from '../../pipeline/memory/spsc-ring.js';
import { positive, wholeNumber } from '../harness/flags.js';
import { cpuNs } from '../harness/measure.js';
import { type Findings, figure, type Scenario } from '../harness/scenario.js';

const DIAGRAM = `
  producer thread ──▶ [ SPSC ring, 16,384 × 64 B ] ──▶ consumer thread
     fills every word of a record,                       checks order and a canary
     publishes 256 at a time                             in both halves of each record`;

const SLOTS = 16_384;
const BATCH = 256;
const CANARY = 0x5ec0ffee;

interface Side {
  role: 'producer' | 'consumer';
  count: number;
  slots: Uint8Array;
  producer: SharedArrayBuffer;
  consumer: SharedArrayBuffer;
  doorbells: SharedArrayBuffer;
}

interface ConsumerReport {
  read: number;
  reordered: number;
  torn: number;
}

export interface RingOptions {
  /** About how long each of the runs should take. */
  seconds: number;
  runs: number;
}

export const ring: Scenario<RingOptions> = {
  name: 'ring',
  summary: 'one SPSC ring between two threads',
  diagram: DIAGRAM,
  example: '--seconds 2 --json',
  flags: (command) =>
    command
      .option('--seconds <n>', 'about how long each run takes', positive, 2)
      .option('--runs <n>', 'how many runs; their median is reported', wholeNumber, 3),
  small: { seconds: 0.1, runs: 2 },
  run: benchRing,
};

async function benchRing({ seconds, runs }: RingOptions): Promise<Findings> {
  const warm = await runOnce(2_000_000);
  const count = Math.max(1_000_000, Math.round(warm.perSecond * seconds));
  const results: Run[] = [];
  for (let i = 0; i < runs; i++) results.push(await runOnce(count));
  const total = (of: (r: Run) => number) => results.reduce((sum, r) => sum + of(r), 0);
  const lost = total((r) => count - r.report.read);
  const reordered = total((r) => r.report.reordered);
  const torn = total((r) => r.report.torn);
  const records = figure(
    'records/s',
    'higher',
    results.map((r) => Math.round(r.perSecond)),
  );
  const cpu = figure(
    'ns CPU/record',
    'lower',
    results.map((r) => r.cpuNs / count),
  );
  return {
    figures: { recordsPerSecond: records, cpuNsPerRecord: cpu },
    why: lost + reordered + torn === 0 ? [] : [`lost ${lost}, reordered ${reordered}, torn ${torn}`],
    lines: [
      `ring: ${(records.median / 1e6).toFixed(1)} M records/s (${(records.min / 1e6).toFixed(1)} to ${(records.max / 1e6).toFixed(1)})`,
      `      lost ${lost}, reordered ${reordered}, torn ${torn}, ${cpu.median.toFixed(0)} ns CPU a record`,
    ],
    details: { recordsPerSecond: records.median, lost, reordered, torn },
  };
}

interface Run {
  perSecond: number;
  cpuNs: number;
  report: ConsumerReport;
}

async function runOnce(count: number): Promise<Run> {
  const shared = {
    count,
    slots: allocateSlots(SLOTS),
    producer: CommitCells.allocate(1),
    consumer: CommitCells.allocate(1),
    doorbells: allocateDoorbells(2),
  };
  const file = new URL(import.meta.url);
  const consumer = new Worker(file, { workerData: { ...shared, role: 'consumer' } satisfies Side });
  const producer = new Worker(file, { workerData: { ...shared, role: 'producer' } satisfies Side });
  const said = (worker: Worker) => new Promise<unknown>((resolve) => worker.once('message', resolve));
  await Promise.all([said(consumer), said(producer)]);
  const cpu = process.cpuUsage();
  const started = performance.now();
  const done = said(consumer);
  consumer.postMessage('go');
  producer.postMessage('go');
  const report = (await done) as ConsumerReport;
  const seconds = (performance.now() - started) / 1000;
  const spent = cpuNs(cpu);
  await Promise.all([producer.terminate(), consumer.terminate()]);
  return { perSecond: report.read / seconds, cpuNs: spent, report };
}

function produce(side: Side): void {
  const cells = new CommitCells(side.producer, 1);
  const tail = { cells: new CommitCells(side.consumer, 1), word: 0 };
  const ring = new RingProducer(side.slots, { cells, word: 0 }, tail);
  const wait = new SpinThenPark(new Doorbell(side.doorbells, 0));
  const consumerDoorbell = new Doorbell(side.doorbells, 1);
  const from = Records.allocate(1).u32.fill(CANARY);
  const { u32 } = ring.records;
  let head = 0;
  while (head < side.count) {
    wait.before();
    const n = Math.min(ring.free(head, BATCH), BATCH, side.count - head);
    for (let k = 0; k < n; k++) {
      const at = ring.slot(head + k) * RECORD_U32;
      copyWords(from, 0, u32, at);
      u32[at] = head + k;
      u32[at + 12] = head + k;
    }
    if (n > 0) {
      head += n;
      cells.prime()[0] = head;
      cells.commit();
      consumerDoorbell.ring();
    }
    wait.after(n);
  }
}

function consume(side: Side): ConsumerReport {
  const cells = new CommitCells(side.consumer, 1);
  const head = { cells: new CommitCells(side.producer, 1), word: 0 };
  const ring = new RingConsumer(side.slots, head, { cells, word: 0 });
  const wait = new SpinThenPark(new Doorbell(side.doorbells, 1));
  const producerDoorbell = new Doorbell(side.doorbells, 0);
  const { u32 } = ring.records;
  const report = { read: 0, reordered: 0, torn: 0 };
  let tail = 0;
  while (tail < side.count) {
    wait.before();
    const n = Math.min(ring.available(tail), BATCH);
    for (let k = 0; k < n; k++) {
      const at = ring.slot(tail + k) * RECORD_U32;
      if (u32[at] !== (tail + k) >>> 0) report.reordered++;
      if (u32[at + 12] !== u32[at] || u32[at + 7] !== CANARY || u32[at + 15] !== CANARY) report.torn++;
    }
    if (n > 0) {
      tail += n;
      cells.prime()[0] = tail;
      cells.commit();
      producerDoorbell.ring();
    }
    wait.after(n);
  }
  report.read = tail;
  return report;
}

if (!isMainThread && (workerData as Side | undefined)?.slots !== undefined) {
  const side = workerData as Side;
  parentPort?.once('message', () => {
    if (side.role === 'producer') produce(side);
    else parentPort?.postMessage(consume(side));
  });
  parentPort?.postMessage('ready');
}
