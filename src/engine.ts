/**
 * The engine: the one place that composes the stages. Feeds write raw rings, shards number, the log keeps,
 * the fan-out serves; this file allocates their memory, starts them in order and stops them in order.
 */

import type { TemplatedApp } from 'uWebSockets.js';
import { EventEmitter } from 'node:events';
import { Piscina } from 'piscina';
import { z } from 'zod';
import { SharedClock } from './clock.js';
import { codeOf, messageOf, TickwireError } from './errors.js';
import type { CatchUp, EpochInfo, Fanout, FeedInfo } from './fanout/deps.js';
import { createFanout } from './fanout/fanout.js';
import type { FanoutOptions } from './fanout/options.js';
import type { Feed, FeedStatus, FeedType } from './feeds/feed.js';
import { FEED_TYPES, type FeedTypeName, feedModuleUrl } from './feeds/index.js';
import { runFeed } from './feeds/stage.js';
import {
  type Following,
  type FollowOptions,
  follow,
  type LastValue,
  lastValue,
  type NamedTick,
} from './host.js';
import {
  BROADCAST_RING_SLOTS,
  CATCHUP_JOBS,
  CRITICAL_RING_SLOTS,
  FEEDS_MAX,
  isPowerOfTwo,
  LOG_COMMIT_DELAY_MS,
  LOG_FREE_BYTES_FLOOR,
  RAW_RING_SLOTS,
  SHARD_BATCH,
  SHARDS_MAX,
  SLOTS_PER_RAW,
  STOP_GRACE_MS,
  SYMBOLS_DEFAULT,
} from './limits.js';
import type { ReadRangeAnswer, ReadRangeJob } from './log/jobs.js';
import { LogReader } from './log/reader.js';
import { type OpenedLog, openLog } from './log/recover.js';
import type { LogStageOptions } from './log/writer.js';
import { BroadcastReader } from './pipeline/broadcast.js';
import { CommitCells } from './pipeline/cells.js';
import { CounterReader, SHARD_WORDS, ShardWord, type Totals } from './pipeline/counters.js';
import {
  allocateMemory,
  Command,
  Control,
  type EngineMemory,
  feedStage,
  HOST_STAGE,
  LOG_STAGE,
} from './pipeline/memory.js';
import { Registry } from './pipeline/registry.js';
import { LastValueTable } from './pipeline/table.js';
import type { StageMessage } from './stage.js';
import { type StageSpec, Supervisor, type SupervisorOptions } from './supervisor.js';

/** A logger in pino's manner. */
export interface Logger {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

interface FeedCommon {
  /** Unique among the engine's feeds; sources and stream positions are kept under it. */
  name: string;
  /** Raw symbol name → canonical name. */
  aliases?: Record<string, string>;
  /** Overrides the connector's own choice. */
  policy?: 'block' | 'conflate';
}
/** A built-in connector. */
export type BuiltInFeed = FeedCommon & { type: FeedTypeName; options?: object };
/** A connector that a worker loads from a module: the export named `export` is a `FeedType`. */
export type ModuleFeed = FeedCommon & { module: URL | string; export: string; options?: unknown };
/** A connector object that runs on the host's own thread. */
export type HostFeed = FeedCommon & { feed: Feed; stateWords?: number };
export type EngineFeed = BuiltInFeed | ModuleFeed | HostFeed;

export interface EngineOptions {
  feeds: EngineFeed[];
  /** Where the tick log lives; false: no log, and nothing survives the process. */
  dataFolder: string | false;
  shards?: number;
  maxSymbols?: number;
  log?: Partial<LogStageOptions>;
  /** What the fan-out serves and where; false: no fan-out. */
  http?: Partial<FanoutOptions> | false;
  /** The host's own uWebSockets app; the host then listens itself. */
  app?: TemplatedApp;
  logger?: Logger;
  supervision?: SupervisorOptions;
  /** Slots of the rings, each a power of two: see limits.ts. */
  rings?: { raw?: number; broadcast?: number; critical?: number };
}

export interface EngineEvents {
  ready: [];
  /** A stage's thread died and was started afresh. */
  stageDeath: [death: { stage: string; reason: string; deaths: number }];
  /** The engine gave up; it is stopping. */
  failed: [error: TickwireError];
  feedStatus: [feed: string, status: FeedStatus];
  stopped: [];
}

const DISCIPLINE_MS = 1000;
const SILENT: Logger = { info() {}, warn() {}, error() {} };

interface FeedSlot {
  config: EngineFeed;
  policy: 'block' | 'conflate';
  stateWords: number;
  status: FeedStatus;
  /** Monotonic receipt count and when it last moved, for the feed's age. */
  received: number;
  movedAtMs: number | null;
}

export class Engine extends EventEmitter<EngineEvents> {
  readonly memory: EngineMemory;
  readonly registry: Registry;
  readonly table: LastValueTable;
  readonly counters: CounterReader;
  /** What names this engine's ticks; without a log the id is zero. */
  identity = { logId: '0'.repeat(16), epoch: 1 };
  /** Port of the fan-out once it listens. */
  port: number | undefined;
  readonly supervisor: Supervisor;
  readonly fanout: Fanout | undefined;
  readonly #feeds: FeedSlot[];
  readonly #log: OpenedLog | undefined;
  readonly #logReader: LogReader | undefined;
  readonly #jobs: Piscina<ReadRangeJob, ReadRangeAnswer> | undefined;
  readonly #logger: Logger;
  readonly #hostRuns: Promise<void>[] = [];
  #timer: NodeJS.Timeout | undefined;
  #failure: TickwireError | undefined;
  #state: 'created' | 'running' | 'stopping' | 'stopped' = 'created';
  #stopping: Promise<void> | undefined;

  /** Use `createEngine`. */
  constructor(
    readonly options: EngineOptions,
    feeds: FeedSlot[],
    memory: EngineMemory,
    log: OpenedLog | undefined,
  ) {
    super();
    this.memory = memory;
    this.#feeds = feeds;
    this.#log = log;
    this.#logger = options.logger ?? SILENT;
    this.registry = new Registry(memory.registry, memory.plan.maxSymbols, HOST_STAGE);
    this.table = new LastValueTable(memory.table, memory.plan.maxSymbols);
    if (log !== undefined) {
      this.identity = { logId: log.logId, epoch: log.epoch };
      this.registry.load(log.registryBytes);
      memory.positions = log.positions;
      log.restoreInto(this.table);
      this.#logReader = LogReader.open(log.folder);
      this.#jobs = new Piscina({
        filename: new URL('./log/jobs.js', import.meta.url).href,
        name: 'readRange',
        minThreads: 1,
        maxThreads: CATCHUP_JOBS,
      });
    }
    this.counters = new CounterReader(memory);
    const stages =
      memory.plan.shards + (log === undefined ? 0 : 1) + feeds.filter((f) => !isHostFeed(f.config)).length;
    this.supervisor = new Supervisor(
      memory,
      stages,
      {
        death: (spec, reason, deaths) => {
          this.#logger.warn(
            { stage: spec.name, deaths },
            `Stage ${spec.name} died (${reason}) and is started afresh.`,
          );
          this.emit('stageDeath', { stage: spec.name, reason, deaths });
        },
        failure: (_spec, error) => this.#fail(error),
        message: (spec, message) => this.#onMessage(spec, message),
      },
      options.supervision,
    );
    if (options.http !== false) {
      this.fanout = createFanout(
        {
          memory,
          registry: this.registry,
          identity: this.identity,
          logger: this.#logger,
          feeds: () => this.feeds(),
          readiness: () => this.readiness(),
          ...(log === undefined ? {} : { catchUp: this.#catchUp(log.folder) }),
          ...(options.app === undefined ? {} : { app: options.app }),
        },
        options.http ?? {},
      );
    }
  }

  /**
   * Starts every stage, then listens.
   * @throws TickwireError port_taken
   */
  async start(): Promise<void> {
    if (this.#state !== 'created')
      throw new TickwireError('unsupported', 'An engine starts once; create another.');
    this.#state = 'running';
    const clock = new SharedClock(this.memory.clock);
    this.#timer = setInterval(() => this.#everySecond(clock), DISCIPLINE_MS);
    this.#timer.unref();
    if (this.#log !== undefined) {
      this.supervisor.start({
        name: 'log',
        stage: LOG_STAGE,
        work: {
          kind: 'log',
          folder: this.#log.folder,
          epoch: this.#log.epoch,
          options: logOptions(this.options),
        },
      });
    }
    for (let shard = 0; shard < this.memory.plan.shards; shard++) {
      this.supervisor.start({ name: `shard ${shard}`, stage: shard, work: { kind: 'shard', shard } });
    }
    for (const [index, feed] of this.#feeds.entries()) this.#startFeed(feed.config, index);
    if (this.fanout !== undefined && this.options.app === undefined) {
      try {
        this.port = (await this.fanout.listen()).port;
      } catch (error) {
        await this.stop();
        throw error;
      }
    }
    this.emit('ready');
  }

  /** Stops feeds, then shards, then the log, then the fan-out; every tick taken is numbered, logged and durable. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Whether the engine does its work, and if not, why. */
  readiness(): { ready: boolean; reasons: string[] } {
    const reasons: string[] = [];
    if (this.#failure !== undefined) reasons.push(this.#failure.message);
    if (this.#state !== 'running') reasons.push(`The engine is ${this.#state}.`);
    for (const feed of this.#feeds) {
      if (feed.status.state === 'failed') reasons.push(`Feed ${feed.config.name}: ${feed.status.detail}`);
      if (feed.status.state === 'starting') reasons.push(`Feed ${feed.config.name} is starting.`);
    }
    return { ready: reasons.length === 0, reasons };
  }

  feeds(): FeedInfo[] {
    return this.#feeds.map((feed, index) => {
      this.#look(feed, index);
      return {
        name: feed.config.name,
        state: feed.status.state,
        detail: feed.status.detail,
        ageMs: feed.movedAtMs === null ? null : Date.now() - feed.movedAtMs,
      };
    });
  }

  /** Every counter of the engine: see `counters.ts` for the sums that they satisfy. */
  totals(): Totals {
    return this.counters.totals();
  }

  /** Holds a feed's delivery, or lets it go on. */
  setPaused(feed: string, paused: boolean): void {
    const index = this.#feeds.findIndex((f) => f.config.name === feed);
    if (index < 0) throw new TickwireError('bad_input', `There is no feed "${feed}".`);
    this.supervisor.control(feedStage(index)).command = paused ? Command.pause : Command.run;
  }

  /** The newest state of a symbol, read from the table; undefined when it never ticked. */
  last(symbol: string): LastValue | undefined {
    return lastValue(this, symbol);
  }

  /**
   * Hands every tick from now on to `onTick`, on this thread. It delays nobody: one that is too slow is
   * overtaken by the ring, told so, and goes on.
   */
  follow(options: FollowOptions, onTick: (tick: NamedTick) => void): Following {
    return follow(this, options, onTick);
  }

  /** A free reader of a shard's broadcast ring, on this thread: reads committed ticks without delaying anyone. */
  ringReader(shard = 0): BroadcastReader {
    const cells = new CommitCells(this.memory.shardCells[shard], SHARD_WORDS);
    return new BroadcastReader(this.memory.broadcast[shard], this.memory.plan.ringSlots, {
      cells,
      word: ShardWord.head,
    });
  }

  #startFeed(config: EngineFeed, index: number): void {
    const aliases = config.aliases ?? {};
    if (isHostFeed(config)) {
      this.#hostRuns.push(this.#runHostFeed(config, index, aliases));
      return;
    }
    const source =
      'type' in config
        ? {
            module: feedModuleUrl(config.type),
            type: FEED_TYPES[config.type].export,
            options: config.options,
          }
        : { module: String(config.module), type: config.export, options: config.options };
    this.supervisor.start({
      name: `feed ${config.name}`,
      stage: feedStage(index),
      work: { kind: 'feed', feed: index, resumed: false, source, aliases },
    });
  }

  async #runHostFeed(config: HostFeed, index: number, aliases: Record<string, string>): Promise<void> {
    const control = new Control(this.memory.control, feedStage(index));
    control.command = Command.run;
    const spec = { name: `feed ${config.name}`, stage: feedStage(index) } as StageSpec;
    try {
      await runFeed(config.feed, {
        memory: this.memory,
        stage: HOST_STAGE,
        control,
        feed: index,
        resumed: false,
        aliases,
        post: (message) => this.#onMessage(spec, message),
      });
    } catch (error) {
      this.#feeds[index].status = { state: 'failed', detail: messageOf(error), sources: 0 };
      this.#logger.error(
        { feed: config.name, code: codeOf(error) },
        `Feed ${config.name} failed: ${messageOf(error)}`,
      );
    }
  }

  #onMessage(spec: StageSpec, message: StageMessage): void {
    if (message.type === 'log') {
      this.#logger[message.level](message.details, message.message);
      return;
    }
    const feed = this.#feeds.find((_, index) => feedStage(index) === spec.stage);
    if (feed === undefined) return;
    feed.status = message.status as FeedStatus;
    this.emit('feedStatus', feed.config.name, feed.status);
  }

  #catchUp(folder: string): CatchUp {
    return {
      readRange: (request) => this.#jobs!.run({ folder, ...request }),
      epochs: () => this.#epochs(),
      visible: (shard) => this.counters.visible(shard),
      durable: (shard) => this.counters.durable(shard),
    };
  }

  #epochs(): EpochInfo[] {
    const reader = this.#logReader!;
    return reader.epochs().map(({ epoch, shards, last }) => {
      const bounds = Array.from({ length: shards }, (_, shard) => reader.bounds(epoch, shard));
      return {
        epoch,
        shards,
        firstSeq: bounds.map((b) => b.oldest),
        lastSeq: last ?? bounds.map((b) => b.newest),
      };
    });
  }

  #everySecond(clock: SharedClock): void {
    clock.discipline();
    this.#feeds.forEach((feed, index) => {
      this.#look(feed, index);
    });
  }

  #look(feed: FeedSlot, index: number): void {
    const { received } = this.counters.feed(index);
    if (received === feed.received) return;
    feed.received = received;
    feed.movedAtMs = Date.now();
  }

  #fail(error: TickwireError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#logger.error({ code: error.code }, `${error.message} The engine stops.`);
    this.emit('failed', error);
    void this.stop();
  }

  async #stop(): Promise<void> {
    const started = this.#state === 'running';
    this.#state = 'stopping';
    clearInterval(this.#timer);
    if (started) {
      const feeds = this.#feeds.map((_, index) => feedStage(index));
      for (const stage of feeds) this.supervisor.control(stage).command = Command.drain;
      await Promise.race([Promise.all(this.#hostRuns), pause(STOP_GRACE_MS)]);
      const hurry = (inTime: boolean, what: string) => {
        if (!inTime)
          this.#logger.warn({}, `${what} took longer than ${STOP_GRACE_MS} ms to drain and was cut off.`);
      };
      hurry(await this.supervisor.drain(feeds, STOP_GRACE_MS), 'A feed');
      const shards = Array.from({ length: this.memory.plan.shards }, (_, s) => s);
      hurry(await this.supervisor.drain(shards, STOP_GRACE_MS), 'A shard');
      if (this.#log !== undefined)
        hurry(await this.supervisor.drain([LOG_STAGE], 2 * STOP_GRACE_MS), 'The log');
    }
    await this.fanout?.close();
    await this.supervisor.close();
    await this.#jobs?.destroy();
    await this.#logReader?.close();
    await this.#log?.close();
    this.#state = 'stopped';
    this.emit('stopped');
  }
}

/**
 * Makes an engine: checks the options, opens the log (raising its epoch) and allocates the shared memory.
 * Nothing runs until `start`.
 * @throws TickwireError bad_config, data_folder_locked, data_folder_unusable, log_corrupt
 */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const shards = options.shards ?? 1;
  if (!Number.isInteger(shards) || shards < 1 || shards > SHARDS_MAX) {
    throw new TickwireError('bad_config', `shards must be 1 to ${SHARDS_MAX}, not ${shards}.`);
  }
  if (options.feeds.length > FEEDS_MAX) {
    throw new TickwireError(
      'bad_config',
      `An engine has at most ${FEEDS_MAX} feeds, not ${options.feeds.length}.`,
    );
  }
  const names = new Set(options.feeds.map((f) => f.name));
  if (names.size !== options.feeds.length) {
    throw new TickwireError('bad_config', 'Two feeds have the same name; give each its own.');
  }
  const rings = {
    raw: options.rings?.raw ?? RAW_RING_SLOTS,
    broadcast: options.rings?.broadcast ?? BROADCAST_RING_SLOTS,
    critical: options.rings?.critical ?? CRITICAL_RING_SLOTS,
  };
  for (const [name, slots] of Object.entries(rings)) {
    if (!isPowerOfTwo(slots)) throw new TickwireError('bad_config', `rings.${name} must be a power of two.`);
  }
  if (rings.broadcast < 2 * SHARD_BATCH * SLOTS_PER_RAW) {
    throw new TickwireError(
      'bad_config',
      `rings.broadcast must be at least ${2 * SHARD_BATCH * SLOTS_PER_RAW}.`,
    );
  }
  const feeds = await Promise.all(options.feeds.map(feedSlot));
  const logger = options.logger ?? SILENT;
  const log =
    options.dataFolder === false
      ? undefined
      : await openLog(options.dataFolder, {
          shards,
          ...(options.log?.sync === undefined ? {} : { sync: options.log.sync }),
          warn: (message) => logger.warn({}, message),
        });
  const memory = allocateMemory({
    shards,
    feeds: feeds.map((f) => ({ name: f.config.name, policy: f.policy, stateWords: f.stateWords })),
    log: log !== undefined,
    maxSymbols: options.maxSymbols ?? SYMBOLS_DEFAULT,
    rawSlots: rings.raw,
    ringSlots: rings.broadcast,
    criticalSlots: rings.critical,
  });
  return new Engine(options, feeds, memory, log);
}

function isHostFeed(config: EngineFeed): config is HostFeed {
  return 'feed' in config;
}

async function feedSlot(config: EngineFeed): Promise<FeedSlot> {
  const status: FeedStatus = { state: 'starting', detail: 'starting', sources: 0 };
  const slot = { status, received: 0, movedAtMs: null };
  if (isHostFeed(config)) {
    return { ...slot, config, policy: config.policy ?? 'block', stateWords: config.stateWords ?? 0 };
  }
  const options = 'type' in config ? checkFeedOptions(config) : config.options;
  const type =
    'type' in config
      ? (FEED_TYPES[config.type].type as FeedType<unknown>)
      : ((await import(String(config.module)))[config.export] as FeedType<unknown> | undefined);
  if (type === undefined) {
    throw new TickwireError(
      'bad_config',
      `Feed ${config.name}: the module has no export "${(config as ModuleFeed).export}".`,
    );
  }
  return {
    ...slot,
    config: { ...config, options } as EngineFeed,
    policy: config.policy ?? type.policy,
    stateWords: type.stateWords(options),
  };
}

/** The options of a built-in connector, with its defaults. */
function checkFeedOptions(config: BuiltInFeed): object {
  const known = FEED_TYPES[config.type];
  if (known === undefined) {
    throw new TickwireError(
      'bad_config',
      `Feed ${config.name}: there is no feed type "${config.type}"; there are ${Object.keys(FEED_TYPES).join(', ')}.`,
    );
  }
  const parsed = known.schema.safeParse(config.options ?? {});
  if (parsed.success) return parsed.data;
  throw new TickwireError('bad_config', `Feed ${config.name}: ${z.prettifyError(parsed.error)}`);
}

function logOptions(options: EngineOptions): LogStageOptions {
  return {
    commitDelayMs: options.log?.commitDelayMs ?? LOG_COMMIT_DELAY_MS,
    sync: options.log?.sync ?? 'every-commit',
    onStall: options.log?.onStall ?? 'block',
    freeBytesFloor: options.log?.freeBytesFloor ?? LOG_FREE_BYTES_FLOOR,
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
