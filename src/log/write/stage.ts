/**
 * The log stage: the gating reader of all shards' broadcast rings.
 *
 * ```
 * ring ──copy, encode──▶ filling batch ──committer──▶ LMDB ──visible──▶ gate, counters ──flushed──▶ durable
 * ```
 *
 * At most one commit is under way, and the next batch is filled meanwhile. So no successful commit can follow a failed one,
 * which would leave a gap. All state is in LMDB and in the stage's commit cell. A stage that died is restarted and
 * continues from there, as the gate has kept the rest in the ring.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Clock, SharedClock } from '../../core/clock.js';
import { LOG_SYNC_INTERVAL_MS } from '../../core/limits.js';
import { CommitCells } from '../../pipeline/memory/commit-cells.js';
import { LOG_WORDS, LogWord } from '../../pipeline/memory/counters.js';
import { Doorbell, turn, YieldThenPark } from '../../pipeline/memory/doorbell.js';
import { Command, type Control, type EngineMemory, LOG_STAGE } from '../../pipeline/memory/engine-memory.js';
import { failpoint } from '../../pipeline/memory/failpoint.js';
import { Registry } from '../../pipeline/memory/registry.js';
import { BlockCodec } from '../format/block-codec.js';
import { isCommitFailure, unlessCommitFailed } from '../lmdb/free-space.js';
import { registryPuts } from '../storage/catalog.js';
import { CommitBatch } from '../storage/commit-batch.js';
import { blockBefore, type LogStore, lastSeqAt, openStore, removedOf } from '../storage/log-store.js';
import { BlockMaker } from './block-maker.js';
import { Checkpoints } from './checkpoints.js';
import { Committer } from './committer.js';
import { Housekeeping, type LogSizes } from './housekeeping.js';
import { LogState } from './log-state.js';
import type { LogStageOptions } from './options.js';
import { SegmentRoll } from './segment-roll.js';
import { ShardTail, SourceCounts } from './shard-tail.js';
import { finishShed, leaveBehind, Stall } from './stall.js';

export interface LogStageInput {
  memory: EngineMemory;
  control: Control;
  /** The data folder. */
  folder: string;
  epoch: number;
  options: LogStageOptions;
  /** The clock that cuts the segments; absent: the engine's. */
  clock?: Clock;
  /** Gets a sentence when the log stalls, when it writes again, and for each damage. */
  report: (level: 'info' | 'warn' | 'error', message: string) => void;
}

/** A batch with this part of a ring's ticks is committed at once. */
const COMMIT_SHARE = 8;
const CLOSE_MS = 1_000;
// Milliseconds between two checks of the rings when no shard rings the doorbell: a small part of the commit delay, and
// less than a fast market needs to fill a small part of the ring.
const LOOK_MS_MIN = 1;
const LOOK_MS_MAX = 4;
const LOOKS_PER_DELAY = 8;
const RING_PARTS = 8;
const TICKS_PER_MS = 10_000;

/**
 * Runs until the control word says `stop`, or `drain` and everything up to the shards' heads is durable.
 * Rejects only with faults that a restart may cure. A problem of the disk is reported, and the stage waits for its end.
 */
export async function runLogStage(input: LogStageInput): Promise<void> {
  const { folder, epoch, options } = input;
  const clock = input.clock ?? new SharedClock(input.memory.clock);
  const store = openStore(folder, { sync: options.sync });
  let roll: SegmentRoll | undefined;
  try {
    roll = await SegmentRoll.open(store, epoch, nowMs(clock), options);
    await new LogStage(input, clock, store, roll).run();
  } finally {
    // After a failed commit lmdb may wait for ever for a flush. The end of the thread closes lmdb too.
    await Promise.race([Promise.all([roll?.close(), store.close()]), delay(CLOSE_MS)]);
  }
}

/** UNIX milliseconds. */
function nowMs(clock: Clock): number {
  clock.stamp();
  return clock.seconds * 1_000 + Math.floor(clock.nanos / 1e6);
}

class LogStage {
  readonly #cells: CommitCells;
  readonly #registry: Registry;
  readonly #tails: ShardTail[];
  readonly #bells: Doorbell[];
  readonly #wait: YieldThenPark;
  readonly #lookMs: number;
  readonly #maker: BlockMaker;
  readonly #state = new LogState();
  readonly #stall: Stall;
  readonly #checkpoints: Checkpoints;
  readonly #committer: Committer;
  readonly #house: Housekeeping;
  #writing: CommitBatch;
  /** Whether `#writing` is being committed. */
  #isUnderWay = false;
  #fault: unknown;
  /** Successful commits. */
  #commits = 0;
  #syncedAt = performance.now();
  #isSyncing = false;

  constructor(
    readonly input: LogStageInput,
    readonly clock: Clock,
    readonly store: LogStore,
    readonly roll: SegmentRoll,
  ) {
    const { memory, epoch, folder, options } = input;
    const { shards, maxSymbols } = memory.plan;
    this.#cells = new CommitCells(memory.logCells, LOG_WORDS);
    this.#registry = new Registry(memory.registry, maxSymbols, LOG_STAGE);
    this.#committer = new Committer(store, this.#registry, roll, options.sync, (ranges) => {
      for (const r of ranges) if (r.epoch === epoch) this.#coverSegment(r.shard, r.last);
    });
    this.#checkpoints = new Checkpoints(this.#state, this.#committer, epoch, (error) => {
      this.#fault = error;
    });
    const codec = new BlockCodec();
    this.#state.restore(store, codec, (message) => input.report('warn', message));
    const known = new SourceCounts();
    known.load(this.#state.positions());
    this.#tails = Array.from({ length: shards }, (_, s) => new ShardTail(memory, s, epoch, known));
    this.#bells = this.#tails.map((_, s) => new Doorbell(memory.doorbells, s));
    const fillMs = memory.plan.ringSlots / RING_PARTS / TICKS_PER_MS;
    this.#lookMs = Math.max(
      LOOK_MS_MIN,
      Math.min(LOOK_MS_MAX, fillMs, options.commitDelayMs / LOOKS_PER_DELAY),
    );
    this.#wait = new YieldThenPark(new Doorbell(memory.doorbells, LOG_STAGE), this.#lookMs, this.#lookMs);
    this.#house = new Housekeeping(store, options, input.report, (sizes) => this.#setSizes(sizes));
    this.#stall = new Stall(folder, options, this.#cells, input.report);
    const { commitDelayMs, compression } = options;
    const parts = {
      tails: this.#tails,
      registry: this.#registry,
      state: this.#state,
      commitDelayMs,
      compression,
    };
    this.#maker = new BlockMaker({ epoch, roll, codec, ...parts }, new CommitBatch(shards));
    this.#writing = new CommitBatch(shards);
  }

  async run(): Promise<void> {
    try {
      await this.#run();
    } finally {
      await this.#house.close();
    }
  }

  async #run(): Promise<void> {
    const { control } = this.input;
    await this.#committer.flush();
    this.#resume();
    for (;;) {
      const fault = this.#fault ?? this.#house.fault;
      if (fault !== undefined) throw fault;
      const command = control.command;
      control.turn();
      if (command === Command.stop && !this.#isUnderWay && !this.#house.isBusy) return;
      this.#wait.before();
      const now = performance.now();
      const isDraining = command === Command.drain;
      this.#stall.look(now);
      this.#house.look(now, () => nowMs(this.clock));
      let work = 0;
      if (this.#stall.isOn) this.#leaveBehind();
      else if (command !== Command.pause && command !== Command.stop) {
        work = this.#maker.collect(now, nowMs(this.clock), this.#writing.rollsTo, isDraining);
      }
      this.#commitWhenDue(now, isDraining);
      this.#syncWhenDue(now);
      if (isDraining && this.#isDrained()) return await this.#finish();
      if (work > 0) await turn();
      else if (this.#isUnderWay || this.#isSyncing) await delay(isDraining ? LOOK_MS_MIN : this.#lookMs);
      else await this.#wait.after(0);
    }
  }

  /** Continues after the last block in LMDB. Seqs that the cell shows beyond that were shed. */
  #resume(): void {
    const next = this.#cells.prime();
    const { epoch } = this.input;
    if (next[LogWord.epoch] !== epoch) next.fill(0);
    for (const tail of this.#tails) {
      const place = blockBefore(this.store, epoch, tail.shard, Number.MAX_SAFE_INTEGER);
      const last = place === undefined ? removedOf(this.store, epoch, tail.shard) : lastSeqAt(place);
      const visible = next[LogWord.visible + tail.shard];
      tail.logged = last;
      if (visible > last) tail.gapFirst = last + 1;
      tail.next = Math.max(last, visible) + 1;
      next[LogWord.visible + tail.shard] = tail.next - 1;
      // Without a segment of its own, this stage has flushed nothing: earlier segments may not be on the disk.
      const durable = this.roll.segment === undefined ? next[LogWord.durable + tail.shard] : last;
      next[LogWord.durable + tail.shard] = Math.min(durable, last);
      next[LogWord.logged + tail.shard] = tail.next - 1 - next[LogWord.shed + tail.shard];
      finishShed(tail, next);
    }
    next[LogWord.epoch] = epoch;
    next[LogWord.stalled] = 0;
    this.#cells.commit();
    for (const bell of this.#bells) bell.ring();
  }

  /** A closed segment with a shard's seqs up to `seq` is on the disk. */
  #coverSegment(shard: number, seq: number): void {
    this.#state.foldThrough(shard, seq);
    const last = new Float64Array(this.#tails.length);
    last[shard] = seq;
    this.#durable(last);
  }

  #setSizes({ segments, bytes, savedBytes }: LogSizes): void {
    const next = this.#cells.prime();
    next[LogWord.segments] = segments;
    next[LogWord.fileBytes] = bytes;
    next[LogWord.savedBytes] = savedBytes;
    this.#cells.commit();
  }

  /** Under `shed`: opens the gate for all ticks that are not in the log. */
  #leaveBehind(): void {
    if (this.input.options.onStall === 'block' || this.#isUnderWay) return;
    this.#maker.giveUp();
    if (leaveBehind(this.#tails, this.#cells) === 0) return;
    for (const bell of this.#bells) bell.ring();
  }

  #commitWhenDue(now: number, isDraining: boolean): void {
    if (this.#isUnderWay || this.#stall.isOn) return;
    if (!this.#writing.isEmpty || this.#writing.rollsTo !== 0) {
      // The last attempt failed, and no batch may overtake it. A batch that only begins a segment has no blocks.
      this.#submit();
      return;
    }
    const { batch } = this.#maker;
    const { registryLogged } = this.#committer;
    const registryGrew = !this.#registry.isAt(registryLogged);
    // Ticks of the stage before become durable when its segments are closed, also without a new tick.
    const isWithoutSegment = this.roll.segment === undefined && batch.rollsTo !== 0;
    const isDue =
      isWithoutSegment ||
      batch.ticks >= this.input.memory.plan.ringSlots / COMMIT_SHARE ||
      batch.used >= this.input.options.commitBytes ||
      now - batch.since >= this.input.options.commitDelayMs ||
      (isDraining && !batch.isEmpty) ||
      this.#maker.isCut ||
      registryGrew;
    if (!isDue) return;
    if (registryGrew) {
      const { bytes, from, end } = this.#registry.after(registryLogged);
      batch.registry = registryPuts(this.store.catalog, bytes, from);
      batch.registryEnd = end;
    }
    batch.checkpoint = this.#checkpoints.make(now, batch.blocks);
    this.#writing = this.#maker.take(this.#writing);
    this.#submit();
  }

  #submit(): void {
    this.#isUnderWay = true;
    const batch = this.#writing;
    this.#stall.spend(batch.used);
    failpoint();
    this.#committer
      .commit(batch)
      .then(
        ({ flushed }) => this.#committed(batch, flushed),
        (error: unknown) => (isCommitFailure(error) ? this.#failed(error) : Promise.reject(error)),
      )
      .catch((error: unknown) => {
        this.#fault = error;
      });
  }

  #committed(batch: CommitBatch, flushed: Promise<void>): void {
    failpoint();
    const last = Float64Array.from(batch.last);
    const next = this.#cells.prime();
    for (const tail of this.#tails) {
      const s = tail.shard;
      if (last[s] === 0) continue;
      tail.logged = last[s];
      next[LogWord.visible + s] = last[s];
      next[LogWord.logged + s] = last[s] - next[LogWord.shed + s];
      if (this.input.options.sync === 'os') next[LogWord.durable + s] = last[s];
    }
    next[LogWord.commits]++;
    next[LogWord.blocks] += batch.blocks;
    next[LogWord.bytes] += batch.used;
    this.#cells.commit();
    last.forEach((seq, s) => {
      if (seq !== 0) this.#bells[s].ring();
    });
    const commit = ++this.#commits;
    this.#checkpoints.visible(batch.checkpoint, commit);
    batch.clear();
    this.#isUnderWay = false;
    this.#stall.end();
    const { sync } = this.input.options;
    if (sync === 'os') this.#checkpoints.durable(commit);
    if (sync !== 'every-commit') return;
    flushed.then(
      () => {
        this.#durable(last);
        this.#checkpoints.durable(commit);
      },
      (error: unknown) => {
        this.#fault = error;
      },
    );
  }

  /** Raises the durable seqs, which survive a power cut. */
  #durable(last: Float64Array): void {
    const next = this.#cells.prime();
    last.forEach((seq, s) => {
      if (seq > next[LogWord.durable + s]) next[LogWord.durable + s] = seq;
    });
    for (const tail of this.#tails) finishShed(tail, next);
    this.#cells.commit();
  }

  async #failed(error: unknown): Promise<void> {
    await this.#stall.begin(error);
    if (this.input.options.onStall === 'shed' || this.#writing.isEmpty) {
      this.#checkpoints.giveUp(this.#writing.checkpoint);
      this.#writing.clear();
    }
    this.#isUnderWay = false;
  }

  #visible(): Float64Array {
    return this.#cells.readInto(new Float64Array(this.#tails.length), LogWord.visible);
  }

  #syncWhenDue(now: number): void {
    if (this.input.options.sync !== 'interval' || this.#isSyncing) return;
    if (now - this.#syncedAt < LOG_SYNC_INTERVAL_MS) return;
    this.#isSyncing = true;
    this.#syncedAt = now;
    const visible = this.#visible();
    const commit = this.#commits;
    this.#committer.flush().then(
      () => {
        this.#durable(visible);
        this.#checkpoints.durable(commit);
        this.#isSyncing = false;
      },
      (error: unknown) => {
        this.#fault = error;
      },
    );
  }

  #isDrained(): boolean {
    if (
      this.#isUnderWay ||
      this.#isSyncing ||
      this.#checkpoints.isWriting ||
      !this.#writing.isEmpty ||
      !this.#maker.batch.isEmpty
    )
      return false;
    if (this.#tails.some((tail) => tail.head() >= tail.next)) return false;
    if (this.#stall.isOn) return true;
    return (
      this.#registry.isAt(this.#committer.registryLogged) && this.#tails.every((tail) => tail.gapFirst === 0)
    );
  }

  /** Writes the last index pages and the checkpoint, and flushes everything. */
  async #finish(): Promise<void> {
    if (this.roll.segment === undefined) return;
    // Index pages save readers work. Without them nothing is lost.
    if (!this.#stall.isOn)
      await this.#committer.commitPages(this.#maker.lastPages()).catch(unlessCommitFailed);
    await this.#committer.flush();
    this.#durable(this.#visible());
    if (!this.#stall.isOn) await this.#checkpoints.finish();
  }
}
