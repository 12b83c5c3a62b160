/** Ticks for the tests of the log: seeded, so that a failure comes back. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Clock } from '../../src/core/clock.js';
import { LOG_SEGMENT_MS } from '../../src/core/limits.js';
import {
  copyRecord,
  Flag,
  Kind,
  NO_TIME_S,
  RECORD_BYTES,
  RECORD_U32,
  Records,
  U32_SEQ_LOW,
  writeHeader,
  writeQuote,
  writeTimes,
  writeTrade,
} from '../../src/core/tick.js';
import type { Compression } from '../../src/log/format/compress.js';
import type { LogGap, LogReader } from '../../src/log/read/log-reader.js';
import type { SyncMode } from '../../src/log/storage/catalog.js';
import { type OpenedLog, openLog } from '../../src/log/write/open-log.js';
import type { LogStageOptions } from '../../src/log/write/options.js';
import { runLogStage } from '../../src/log/write/stage.js';
import { BroadcastWriter } from '../../src/pipeline/memory/broadcast-ring.js';
import { CommitCells } from '../../src/pipeline/memory/commit-cells.js';
import { CounterReader } from '../../src/pipeline/memory/counter-reader.js';
import { LOG_WORDS, LogWord, SHARD_WORDS, ShardWord } from '../../src/pipeline/memory/counters.js';
import { Doorbell, turn } from '../../src/pipeline/memory/doorbell.js';
import {
  allocateMemory,
  Command,
  Control,
  type EngineMemory,
  LOG_STAGE,
} from '../../src/pipeline/memory/engine-memory.js';
import { Registry } from '../../src/pipeline/memory/registry.js';

/** A small seeded generator of u32 (mulberry32). */
export function seeded(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** A market of `symbols` symbols with walking prices; symbol ids start at 1. */
export class Market {
  readonly #next: () => number;
  readonly #mid: Float64Array;
  readonly #seq: Uint32Array;
  readonly digits: Uint8Array;
  #ns = 0;
  #s = 1_700_000_000;
  #trades = 0;

  constructor(
    readonly symbols: number,
    seed: number,
    readonly sourceId = 1,
  ) {
    this.#next = seeded(seed);
    this.#mid = new Float64Array(symbols + 1);
    this.#seq = new Uint32Array(symbols + 1);
    this.digits = new Uint8Array(symbols + 1);
    for (let id = 1; id <= symbols; id++) {
      this.digits[id] = 2 + (id % 4);
      this.#mid[id] = 100_000 + (this.#next() % 100_000);
    }
  }

  /** Writes one tick, with its symbolSeq but without a seqLow; returns its symbol. */
  write(r: Records, i: number): number {
    const random = this.#next();
    const id = 1 + (random % this.symbols);
    const scale = 10 ** this.digits[id];
    this.#mid[id] += (this.#next() % 21) - 10;
    this.#ns += this.#next() % 700;
    if (this.#ns >= 1e9) {
      this.#ns -= 1e9;
      this.#s++;
    }
    const recv = this.#ns - (this.#ns % 65_536);
    const isTrade = (random >>> 20) % 16 === 0;
    const late = (random >>> 16) % 64 === 0;
    const seq = ++this.#seq[id];
    const kind = isTrade ? Kind.trade | Flag.buy : late ? Kind.quote | Flag.late : Kind.quote;
    writeHeader(r, i, id, kind, this.sourceId, 0, seq);
    if (late && isTrade) writeTimes(r, i, NO_TIME_S, 0, this.#s, recv);
    else writeTimes(r, i, this.#s - (late ? 2 : 1), this.#ns, this.#s, recv);
    const bid = Math.round(this.#mid[id]);
    if (isTrade) writeTrade(r, i, bid / scale, ((random >>> 8) % 1000) / 100, ++this.#trades);
    else
      writeQuote(
        r,
        i,
        bid / scale,
        (bid + 1 + ((random >>> 12) % 3)) / scale,
        1 + ((random >>> 4) % 100),
        1 + ((random >>> 6) % 100),
      );
    return id;
  }
}

const MIB = 1024 * 1024;

/** What a shard is to the log: numbered ticks in a ring, a head in a cell, a gate that it obeys. */
export class FakeShard {
  readonly ring: BroadcastWriter;
  readonly #cells: CommitCells;
  readonly #log: CommitCells;
  readonly #bell: Doorbell;
  /** A copy of everything published: seq s at index s − 1. */
  readonly sent: Records;
  head: number;
  /** Of the source, with each tick; raised by `publish` when positions are on. */
  position = 0;

  constructor(
    readonly memory: EngineMemory,
    readonly shard: number,
    readonly market: Market,
    capacity: number,
    readonly withPositions = false,
  ) {
    this.ring = new BroadcastWriter(memory.broadcast[shard], memory.plan.ringSlots);
    this.#cells = new CommitCells(memory.shardCells[shard], SHARD_WORDS);
    this.#log = new CommitCells(memory.logCells, LOG_WORDS);
    this.#bell = new Doorbell(memory.doorbells, LOG_STAGE);
    this.sent = Records.allocate(capacity);
    this.head = this.#cells.read(ShardWord.head);
  }

  get visible(): number {
    return this.#log.read(LogWord.visible + this.shard);
  }

  /** Numbers up to `count` ticks, as many as the gate lets through; returns how many. */
  publish(count: number): number {
    const n = Math.min(count, this.ring.capacity - (this.head - this.visible));
    this.ring.intend(this.head + n);
    for (let i = 0; i < n; i++) {
      const seq = ++this.head;
      const slot = this.ring.slot(seq);
      this.market.write(this.ring.records, slot);
      this.ring.records.u32[slot * RECORD_U32 + U32_SEQ_LOW] = seq;
      this.ring.positions[slot] = this.withPositions ? ++this.position : 0;
      copyRecord(this.ring.records, slot, this.sent, seq - 1);
    }
    this.#cells.prime()[ShardWord.head] = this.head;
    this.#cells.commit();
    this.#bell.ring();
    return n;
  }

  /** Publishes `count` ticks in all, letting the event loop turn whenever the gate is shut. */
  async publishAll(count: number, batch = 512): Promise<void> {
    for (let left = count; left > 0; ) {
      left -= this.publish(Math.min(left, batch));
      await turn();
    }
  }
}

export interface Rig {
  memory: EngineMemory;
  opened: OpenedLog;
  control: Control;
  registry: Registry;
  counters: CounterReader;
  reports: string[];
  /** Starts a log stage on this thread. */
  stage(options?: Partial<LogStageOptions>, clock?: Clock): Promise<void>;
}

export const STAGE_OPTIONS: LogStageOptions = {
  commitDelayMs: 5,
  commitBytes: 8 * MIB,
  sync: 'every-commit',
  onStall: 'block',
  segmentMs: LOG_SEGMENT_MS,
  retention: {},
  compression: 'none',
  recompress: 'none',
  freeBytesFloor: MIB,
};

/** An engine's memory on a data folder, with `symbols` symbols defined and no other stage. */
export async function openRig(
  folder: string,
  symbols: number,
  {
    shards = 1,
    ringSlots = 16_384,
    warn = (_: string) => {},
    segmentMs = LOG_SEGMENT_MS,
    nowMs = Date.now(),
    sync = 'every-commit' as SyncMode,
    compression = 'none' as Compression,
  } = {},
): Promise<Rig> {
  const opened = await openLog(folder, { shards, warn, segmentMs, nowMs, sync, compression });
  const memory = allocateMemory({
    shards,
    feeds: [],
    log: true,
    maxSymbols: 1024,
    rawSlots: 64,
    ringSlots,
    criticalSlots: 64,
  });
  const registry = new Registry(memory.registry, 1024);
  registry.load(opened.registryBytes);
  memory.positions = opened.positions;
  for (let id = 1; id <= symbols; id++) registry.defineSymbol({ name: `S${id}`, digits: 2 + (id % 4) });
  const control = new Control(memory.control, LOG_STAGE);
  const reports: string[] = [];
  return {
    memory,
    opened,
    control,
    registry,
    counters: new CounterReader(memory),
    reports,
    stage: (options = {}, clock) =>
      runLogStage({
        memory,
        control,
        folder,
        epoch: opened.epoch,
        options: { ...STAGE_OPTIONS, ...options },
        ...(clock === undefined ? {} : { clock }),
        report: (_, message) => reports.push(message),
      }),
  };
}

/** Drains a running stage and puts its control word back. */
export async function drain(rig: Rig, stage: Promise<void>): Promise<void> {
  rig.control.command = Command.drain;
  await stage;
  rig.control.command = Command.run;
}

/** Reads everything of a shard from `fromSeq` on. */
export function readAll(
  reader: LogReader,
  epoch: number,
  shard: number,
  fromSeq = 1,
): { records: Records; seqs: number[]; gaps: LogGap[] } {
  const { newest } = reader.bounds(epoch, shard);
  const records = Records.allocate(Math.max(0, newest - fromSeq + 1));
  const all: number[] = [];
  const gaps: LogGap[] = [];
  const into = Records.allocate(10_000);
  const seqs = new Float64Array(10_000);
  for (let next = fromSeq; next <= newest; ) {
    const result = reader.read({ epoch, shard, fromSeq: next, maxTicks: 10_000 }, into, seqs);
    for (let i = 0; i < result.count; i++) {
      copyRecord(into, i, records, all.length);
      all.push(seqs[i]);
    }
    gaps.push(...result.gaps);
    next = result.nextSeq;
  }
  return { records, seqs: all, gaps };
}

export function bytesOf(records: Records, from: number, count: number): Buffer {
  return Buffer.from(records.u8.buffer, records.u8.byteOffset + from * RECORD_BYTES, count * RECORD_BYTES);
}

export function makeFolder(): string {
  return mkdtempSync(path.join(tmpdir(), 'tickwire-log-'));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Locks that this process has on a file. */
export function locksOf(file: string): number {
  const { ino } = statSync(file);
  const lines = readFileSync('/proc/locks', 'utf8').split('\n');
  return lines.filter((line) => line.includes(` ${process.pid} `) && line.includes(`:${ino} `)).length;
}
