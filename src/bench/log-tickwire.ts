/** The engine's own log in `bench log`: its log stage on a ring that is filled as fast as it lets, and its reader. */
import { LOG_COMMIT_BYTES, LOG_COMMIT_DELAY_MS, LOG_SEGMENT_MS } from '../limits.js';
import { LogReader } from '../log/reader.js';
import { openLog } from '../log/recover.js';
import { runLogStage } from '../log/writer.js';
import { BroadcastWriter } from '../pipeline/broadcast.js';
import { CommitCells } from '../pipeline/cells.js';
import { LOG_WORDS, LogWord, SHARD_WORDS, ShardWord } from '../pipeline/counters.js';
import { allocateMemory, Command, Control, LOG_STAGE } from '../pipeline/memory.js';
import { Registry } from '../pipeline/registry.js';
import { Bell, turn } from '../pipeline/wait.js';
import { RECORD_BYTES, RECORD_U32, Records, U32_TS_RECV_NS, U32_TS_RECV_S } from '../tick.js';
import type { LogData } from './log-data.js';
import type { LogSystem } from './log-systems.js';

const RING_SLOTS = 1_048_576;
const PUBLISH_TICKS = 8_192;
const PAGE_TICKS = 8_192;

export const tickwire: LogSystem = {
  name: 'tickwire',
  async append(data, folder) {
    const opened = await openLog(folder, { shards: 1, warn: () => {} });
    const memory = allocateMemory({
      shards: 1,
      feeds: [],
      log: true,
      maxSymbols: 1024,
      rawSlots: 64,
      ringSlots: RING_SLOTS,
      criticalSlots: 64,
    });
    const registry = new Registry(memory.registry, 1024);
    registry.load(opened.registryBytes);
    memory.positions = opened.positions;
    for (const symbol of data.symbols) registry.defineSymbol(symbol);
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
    await publish(data, memory);
    control.command = Command.drain;
    await stage;
    const seconds = (performance.now() - started) / 1000;
    const cells = new CommitCells(memory.logCells, LOG_WORDS);
    const bytes = cells.read(LogWord.bytes);
    await opened.close();
    return { seconds, bytes };
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
    const { epoch } = reader.epochs()[0];
    const into = Records.allocate(1);
    const seqs = new Float64Array(1);
    const ms: number[] = [];
    let wrong = 0;
    for (const i of targets) {
      const w = i * RECORD_U32;
      const s = data.records.u32[w + U32_TS_RECV_S];
      const ns = data.records.u32[w + U32_TS_RECV_NS];
      const started = performance.now();
      const fromSeq = reader.seekTime(epoch, 0, s, ns);
      const { count } = reader.read({ epoch, shard: 0, fromSeq, maxTicks: 1 }, into, seqs);
      ms.push(performance.now() - started);
      // Several ticks may have the time: the first of them is found.
      if (count !== 1 || into.u32[U32_TS_RECV_S] !== s || into.u32[U32_TS_RECV_NS] !== ns || seqs[0] > i + 1)
        wrong++;
    }
    await reader.close();
    return { ms, wrong };
  },
};

async function publish(data: LogData, memory: ReturnType<typeof allocateMemory>): Promise<void> {
  const ring = new BroadcastWriter(memory.broadcast[0], RING_SLOTS);
  const cells = new CommitCells(memory.shardCells[0], SHARD_WORDS);
  const log = new CommitCells(memory.logCells, LOG_WORDS);
  const bell = new Bell(memory.bells, LOG_STAGE);
  for (let head = 0; head < data.ticks; ) {
    const room = RING_SLOTS - (head - log.read(LogWord.visible));
    const slot = ring.slot(head + 1);
    const count = Math.min(PUBLISH_TICKS, room, data.ticks - head, RING_SLOTS - slot);
    if (count > 0) {
      ring.intend(head + count);
      const bytes = data.records.u8.subarray(head * RECORD_BYTES, (head + count) * RECORD_BYTES);
      ring.records.u8.set(bytes, slot * RECORD_BYTES);
      head += count;
      cells.prime()[ShardWord.head] = head;
      cells.commit();
      bell.ring();
    }
    await turn();
  }
}
