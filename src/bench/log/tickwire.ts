/** The engine's own log in `bench log`: its log stage on a ring that is filled as fast as it lets, and its reader. */
import {
  BROADCAST_RING_SLOTS,
  LOG_COMMIT_BYTES,
  LOG_COMMIT_DELAY_MS,
  LOG_SEGMENT_MS,
} from '../../core/limits.js';
import { RECORD_U32, Records, U32_TS_RECV_NS, U32_TS_RECV_S } from '../../core/tick.js';
import { LogReader } from '../../log/read/log-reader.js';
import { openLog } from '../../log/write/open-log.js';
import { runLogStage } from '../../log/write/stage.js';
import { CommitCells } from '../../pipeline/memory/commit-cells.js';
import { LOG_WORDS, LogWord } from '../../pipeline/memory/counters.js';
import {
  allocateMemory,
  Command,
  Control,
  type EngineMemory,
  LOG_STAGE,
} from '../../pipeline/memory/engine-memory.js';
import { Registry } from '../../pipeline/memory/registry.js';
import { Publisher } from './publisher.js';
import type { TickSource } from './source.js';
import type { LogSystem } from './systems.js';

const PAGE_TICKS = 8_192;

export const tickwire: LogSystem = {
  name: 'tickwire',
  async append(data, folder) {
    const publisher = await Publisher.start(data);
    return await writeLog(data, folder, (memory) => publisher.publish(memory));
  },
  async replay(data, folder, check) {
    const reader = LogReader.open(folder);
    const { epoch } = reader.epochs()[0];
    const into = Records.allocate(PAGE_TICKS);
    const seqs = new Float64Array(PAGE_TICKS);
    const started = performance.now();
    let ticks = 0;
    while (ticks < data.ticks) {
      const { count } = reader.read(
        { epoch, shard: 0, fromSeq: ticks + 1, maxTicks: PAGE_TICKS },
        into,
        seqs,
      );
      if (count === 0) break;
      check?.(into, ticks, count);
      ticks += count;
    }
    const seconds = (performance.now() - started) / 1000;
    await reader.close();
    return { seconds, ticks };
  },
  async seek(data, folder, targets) {
    const reader = LogReader.open(folder);
    const seeker = new Seeker(reader);
    const ms: number[] = [];
    let wrong = 0;
    for (const i of targets) {
      const w = i * RECORD_U32;
      const s = data.records.u32[w + U32_TS_RECV_S];
      const ns = data.records.u32[w + U32_TS_RECV_NS];
      const found = seeker.first(s, ns);
      ms.push(found.ms);
      // Several ticks may have the time: the first of them is found.
      if (!(found.seq <= i + 1)) wrong++;
    }
    await reader.close();
    return { ms, wrong };
  },
};

/**
 * Writes a fresh log of all that `publish` puts into the ring, as fast as the log stage takes it.
 * @returns how long that took, until all of it was on the disk, and the bytes of its blocks
 */
export async function writeLog(
  { symbols }: Pick<TickSource, 'symbols'>,
  folder: string,
  publish: (memory: EngineMemory) => Promise<void>,
): Promise<{ seconds: number; bytes: number }> {
  const opened = await openLog(folder, { shards: 1, warn: () => {} });
  const memory = allocateMemory({
    shards: 1,
    feeds: [],
    log: true,
    maxSymbols: 1024,
    rawSlots: 64,
    ringSlots: BROADCAST_RING_SLOTS,
    criticalSlots: 64,
  });
  const registry = new Registry(memory.registry, 1024);
  registry.load(opened.registryBytes);
  memory.positions = opened.positions;
  for (const symbol of symbols) registry.defineSymbol(symbol);
  const control = new Control(memory.control, LOG_STAGE);
  const started = performance.now();
  const stage = runLogStage({
    memory,
    control,
    folder,
    epoch: opened.epoch,
    options: {
      commitDelayMs: LOG_COMMIT_DELAY_MS,
      commitBytes: LOG_COMMIT_BYTES,
      sync: 'every-commit',
      onStall: 'block',
      segmentMs: LOG_SEGMENT_MS,
      retention: {},
      compression: 'none',
      recompress: 'none',
      freeBytesFloor: 0,
    },
    report: () => {},
  });
  await publish(memory);
  control.command = Command.drain;
  await stage;
  const seconds = (performance.now() - started) / 1000;
  const cells = new CommitCells(memory.logCells, LOG_WORDS);
  const bytes = cells.read(LogWord.bytes);
  await opened.close();
  return { seconds, bytes };
}

/** Finds ticks in the first epoch of a log by their time of receipt. */
export class Seeker {
  readonly #epoch: number;
  readonly #into = Records.allocate(1);
  readonly #seqs = new Float64Array(1);

  constructor(readonly reader: LogReader) {
    this.#epoch = reader.epochs()[0].epoch;
  }

  /** The first tick of that time, decoded: its seq, NaN where there is none of just that time; and how long it took. */
  first(s: number, ns: number): { seq: number; ms: number } {
    const from = { epoch: this.#epoch, shard: 0 };
    const started = performance.now();
    const fromSeq = this.reader.seekTime(this.#epoch, 0, s, ns);
    const { count } = this.reader.read({ ...from, fromSeq, maxTicks: 1 }, this.#into, this.#seqs);
    const ms = performance.now() - started;
    const { u32 } = this.#into;
    const isIt = count === 1 && u32[U32_TS_RECV_S] === s && u32[U32_TS_RECV_NS] === ns;
    return { seq: isIt ? this.#seqs[0] : Number.NaN, ms };
  }
}
