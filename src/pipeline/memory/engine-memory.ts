/**
 * All shared memory of one engine, allocated in one place and handed to every stage as it is. What each
 * piece looks like inside is in the file that owns it.
 */
import { SharedClock } from '../../core/clock.js';
import { BUCKETS, FEED_SOURCES_KEPT, FEEDS_MAX, JOURNAL_NOTES, SHARDS_MAX } from '../../core/limits.js';
import { RECORD_BYTES } from '../../core/tick.js';
import { allocateBroadcast } from './broadcast-ring.js';
import { CommitCells } from './commit-cells.js';
import { FEED_WORDS, LOG_WORDS, REJECT_REASONS, SHARD_WORDS } from './counters.js';
import { allocateDoorbells } from './doorbell.js';
import { LastValueTable } from './last-value-table.js';
import { Registry, registryBytes } from './registry.js';
import { allocateShard } from './shard-memory.js';
import { StageJournal } from './stage-journal.js';

export interface MemoryPlan {
  shards: number;
  feeds: FeedPlan[];
  /** Whether a log stage gates the broadcast rings. */
  log: boolean;
  maxSymbols: number;
  rawSlots: number;
  ringSlots: number;
  criticalSlots: number;
  /** Whether shards and fan-out keep journals of their batches. */
  journals?: boolean;
}

export interface FeedPlan {
  name: string;
  policy: 'block' | 'conflate';
  /** float64 words that the connector's own checkpoint takes; they are committed with its ticks. */
  stateWords: number;
}

/** As `WebAssembly.Memory`, a name that a host's compiler knows only with the library DOM. */
export interface ModuleMemory {
  readonly buffer: ArrayBuffer;
  grow(delta: number): number;
}

export interface EngineMemory {
  plan: MemoryPlan;
  clock: SharedArrayBuffer;
  registry: SharedArrayBuffer;
  table: SharedArrayBuffer;
  control: SharedArrayBuffer;
  doorbells: SharedArrayBuffer;
  /** By feed. */
  feedCells: SharedArrayBuffer[];
  /** By shard. */
  shardCells: SharedArrayBuffer[];
  logCells: SharedArrayBuffer;
  /** By feed: positions of sources that gave up their place among those that are open; see `src/feeds/connector/departed-sources.ts`. */
  departed: SharedArrayBuffer[];
  /** By feed, then shard. */
  raw: Uint8Array[][];
  /** By shard. */
  broadcast: Uint8Array[];
  critical: Uint8Array[];
  /** By shard: its rings and its module's part, as one (`shard-memory.ts`). */
  shards: ModuleMemory[];
  /** By shard: the last rejected raw record of each reason. */
  rejectSamples: SharedArrayBuffer[];
  /** By shard: `StageJournal`s of what it sequenced and of what the fan-out took in; undefined: none are kept. */
  journals?: { shard: SharedArrayBuffer; fanout: SharedArrayBuffer }[];
  /** What the log knew at start of each source's position, by bucket. */
  positions: SourcePosition[];
}

export interface SourcePosition {
  sourceId: number;
  /** By bucket. */
  buckets: number[];
}

// Stages are numbered shards, log, feeds; doorbells and control blocks go by these numbers.
export const LOG_STAGE = SHARDS_MAX;
export const FANOUT_DOORBELL = SHARDS_MAX + 1 + FEEDS_MAX;
/** float64 words of a source that has departed: its id, what it has reached, its position in each bucket. */
export const DEPARTED_WORDS: number = 2 + BUCKETS;
/** The embedding thread, as an owner of the registry's lock. */
export const HOST_STAGE = FANOUT_DOORBELL;
export const STAGES_MAX = FANOUT_DOORBELL + 1;

export function feedStage(feed: number): number {
  return SHARDS_MAX + 1 + feed;
}

export function allocateMemory(plan: MemoryPlan): EngineMemory {
  const perShard = <T>(make: () => T): T[] => Array.from({ length: plan.shards }, make);
  const { maxSymbols, ringSlots, rawSlots, feeds } = plan;
  const shards = perShard(() => allocateShard(maxSymbols, ringSlots, rawSlots, feeds.length));
  return {
    plan,
    clock: SharedClock.allocate(),
    registry: Registry.allocate(registryBytes(plan.maxSymbols)),
    table: LastValueTable.allocate(plan.maxSymbols),
    control: new SharedArrayBuffer(STAGES_MAX * CONTROL_BYTES),
    doorbells: allocateDoorbells(STAGES_MAX),
    feedCells: plan.feeds.map((feed) => CommitCells.allocate(FEED_WORDS + feed.stateWords)),
    shardCells: perShard(() => CommitCells.allocate(SHARD_WORDS)),
    logCells: CommitCells.allocate(LOG_WORDS),
    departed: feeds.map(() => new SharedArrayBuffer(FEED_SOURCES_KEPT * DEPARTED_WORDS * 8)),
    raw: feeds.map((_, feed) => shards.map(({ raw }) => raw[feed])),
    broadcast: shards.map(({ broadcast }) => broadcast),
    shards: shards.map(({ memory }) => memory),
    critical: perShard(() => allocateBroadcast(plan.criticalSlots)),
    rejectSamples: perShard(() => new SharedArrayBuffer(REJECT_REASONS.length * RECORD_BYTES)),
    ...(plan.journals === true ? { journals: perShard(allocateJournals) } : {}),
    positions: [],
  };
}

function allocateJournals() {
  return { shard: StageJournal.allocate(JOURNAL_NOTES), fanout: StageJournal.allocate(JOURNAL_NOTES) };
}

/**
 * Control block of a stage, 64 bytes:
 *
 * ```
 *  0 i32 command │ 4 i32 state │ 8 i32 thread id │ 12 i32 deaths │ 16 i32 failpoints until an injected death
 * 20 i32 failpoints passed since the start (while one is armed) │ 24 i32 turns of the duty cycle │ 28..63 zero
 * ```
 */
export const CONTROL_BYTES = 64;
export const Command = { run: 0, drain: 1, stop: 2, pause: 3 } as const;
export const StageState = { idle: 0, running: 1, stopped: 2, dead: 3, failed: 4 } as const;

export class Control {
  readonly #words: Int32Array;

  constructor(memory: SharedArrayBuffer, stage: number) {
    this.#words = new Int32Array(memory, stage * CONTROL_BYTES, CONTROL_BYTES / 4);
  }

  get command(): number {
    return Atomics.load(this.#words, 0);
  }
  set command(value: number) {
    Atomics.store(this.#words, 0, value);
  }
  get state(): number {
    return Atomics.load(this.#words, 1);
  }
  set state(value: number) {
    Atomics.store(this.#words, 1, value);
  }
  get threadId(): number {
    return Atomics.load(this.#words, 2);
  }
  set threadId(value: number) {
    Atomics.store(this.#words, 2, value);
  }
  get deaths(): number {
    return Atomics.load(this.#words, 3);
  }
  set deaths(value: number) {
    Atomics.store(this.#words, 3, value);
  }
  get failpointAt(): number {
    return Atomics.load(this.#words, 4);
  }
  set failpointAt(value: number) {
    Atomics.store(this.#words, 4, value);
  }
  /** Counts one turn of the stage's loop, so that a watcher can tell a stage that hangs. */
  turn(): void {
    this.#words[6]++;
  }
  get turns(): number {
    return Atomics.load(this.#words, 6);
  }
}
