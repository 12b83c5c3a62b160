/**
 * The engine: the one place that composes the stages. Feeds write raw rings, shards number, the log keeps,
 * the fan-out serves; this file allocates their memory, starts them in order and stops them in order.
 */

import { EventEmitter } from 'node:events';
import { Piscina } from 'piscina';
import { beginCapture, type CaptureOptions } from './capture.js';
import { SharedClock } from './clock.js';
import {
  checkOptions,
  type EngineFeed,
  type EngineOptions,
  type FeedSlot,
  feedSlot,
  type HostFeed,
  isHostFeed,
  type Logger,
  logOptions,
} from './engine-options.js';
import { codeOf, messageOf, TickwireError } from './errors.js';
import type { CatchUp, EpochInfo, Fanout, FeedInfo } from './fanout/deps.js';
import { createFanout } from './fanout/fanout.js';
import type { CaptureTarget } from './feeds/capture/writer.js';
import type { FeedStatus } from './feeds/feed.js';
import { FEED_TYPES, feedModuleUrl } from './feeds/index.js';
import { runFeed } from './feeds/stage.js';
import {
  type Following,
  type FollowOptions,
  follow,
  type LastValue,
  lastValue,
  type NamedTick,
} from './host.js';
import { ImportDesk } from './import/desk.js';
import {
  CATCHUP_IDLE_MS,
  CATCHUP_JOBS,
  STOP_GRACE_MS,
  STOP_LOG_GRACE_MS,
  SYMBOLS_DEFAULT,
} from './limits.js';
import type { FindSymbolJob, ReadImportsJob, ReadPageJob, ReadRangeJob, SeekTimeJob } from './log/jobs.js';
import { LogReader } from './log/reader.js';
import { type OpenedLog, openLog } from './log/recover.js';
import { BroadcastReader } from './pipeline/broadcast.js';
import { CommitCells } from './pipeline/cells.js';
import { CounterReader, LogWord, SHARD_WORDS, ShardWord, type Totals } from './pipeline/counters.js';
import {
  allocateMemory,
  Command,
  Control,
  type EngineMemory,
  feedStage,
  HOST_STAGE,
  LOG_STAGE,
  type MemoryPlan,
} from './pipeline/memory.js';
import { Registry } from './pipeline/registry.js';
import { LastValueTable } from './pipeline/table.js';
import { type Watermark, WatermarkReader } from './pipeline/watermarks.js';
import type { StageMessage } from './stage.js';
import { type StageSpec, Supervisor } from './supervisor.js';

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
  readonly #jobs: Piscina | undefined;
  readonly #imports: ImportDesk | undefined;
  readonly #logger: Logger;
  readonly #watermarks: WatermarkReader;
  readonly #hostRuns: Promise<void>[] = [];
  #capture: CaptureTarget | undefined;
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
    }
    this.counters = new CounterReader(memory);
    this.#watermarks = new WatermarkReader(memory, this.identity.epoch);
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
          authorise: options.authorise,
        },
        options.http ?? {},
      );
    }
    // What starts threads or opens files comes last, when nothing can be refused any more.
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
    if (log !== undefined) {
      this.#imports = new ImportDesk(log.store, this.registry, (message) => this.#logger.info({}, message));
      this.#logReader = LogReader.open(log.folder);
      this.#jobs = new Piscina({
        filename: new URL('./log/jobs.js', import.meta.url).href,
        minThreads: 1,
        maxThreads: CATCHUP_JOBS,
        // To start a thread takes longer than to read a hundred pages.
        idleTimeout: CATCHUP_IDLE_MS,
      });
    }
  }

  /**
   * Starts every stage, then listens.
   * @throws TickwireError port_taken; bad_config where nothing can be captured
   */
  async start(): Promise<void> {
    if (this.#state !== 'created')
      throw new TickwireError('unsupported', 'An engine starts once; create another.');
    if (this.options.capture !== undefined) this.#beginCapture(this.options.capture);
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

  get state(): 'created' | 'running' | 'stopping' | 'stopped' {
    return this.#state;
  }

  /** Whether the engine does its work, and if not, why. */
  readiness(): { ready: boolean; reasons: string[] } {
    const reasons: string[] = [];
    if (this.#failure !== undefined) reasons.push(this.#failure.message);
    if (this.#state !== 'running') reasons.push(`The engine is ${this.#state}.`);
    if (this.#log !== undefined && this.counters.log(LogWord.stalled) !== 0) {
      reasons.push('The log cannot write; its error says why.');
    }
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

  /** By shard: how far the log is behind, in ticks and time; empty without a log. */
  watermarks(): Watermark[] {
    const marks = this.memory.broadcast.map((_, shard) => this.#watermarks.read(shard));
    return marks.filter((mark) => mark !== undefined);
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

  #beginCapture(options: CaptureOptions): void {
    const feeds = this.#feeds.map(({ config, policy, stateWords }) => ({
      name: config.name,
      policy,
      stateWords,
      aliases: config.aliases ?? {},
      ...('type' in config ? { type: config.type, options: config.options } : { type: null, options: null }),
    }));
    this.#capture = beginCapture(options, { ...this.identity, feeds }, this.memory, this.registry);
    this.#logger.info({ folder: this.#capture.folder }, 'What the feeds take in is captured.');
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
      work: { kind: 'feed', feed: index, resumed: false, source, aliases, capture: this.#capture },
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
        capture: this.#capture,
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
      readRange: (request) =>
        this.#jobs!.run({ folder, ...request } satisfies ReadRangeJob, { name: 'readRange' }),
      readPage: (request) =>
        this.#jobs!.run({ folder, ...request } satisfies ReadPageJob, { name: 'readPage' }),
      findSymbol: (request) =>
        this.#jobs!.run({ folder, ...request } satisfies FindSymbolJob, { name: 'findSymbol' }),
      readImports: (request) =>
        this.#jobs!.run({ folder, ...request } satisfies ReadImportsJob, { name: 'readImports' }),
      seekTime: (seconds, nanos) =>
        this.#jobs!.run({ folder, seconds, nanos } satisfies SeekTimeJob, { name: 'seekTime' }),
      epochs: () => this.#epochs(),
      visible: (shard) => this.counters.visible(shard),
      durable: (shard) => this.counters.durable(shard),
    };
  }

  #epochs(): EpochInfo[] {
    const reader = this.#logReader!;
    const live = reader.epochs().filter((record) => record.import === undefined);
    return live.map(({ epoch, shards, last }) => {
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
    this.#lookForImports();
    this.#feeds.forEach((feed, index) => {
      this.#look(feed, index);
    });
  }

  /** Does what an import beside the engine asks for. */
  #lookForImports(): void {
    this.#imports
      ?.look()
      .catch((error: unknown) => this.#logger.error({}, `Imports cannot be looked for: ${messageOf(error)}`));
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

  async #drain(stages: number[], graceMs: number, what: string): Promise<void> {
    if (await this.supervisor.drain(stages, graceMs)) return;
    this.#logger.warn({}, `${what} took longer than ${graceMs} ms to drain and was cut off.`);
  }

  /** Numbered ticks that did not reach the log; after `stop`, they are lost unless their source sends them again. */
  unlogged(): number {
    if (this.#log === undefined) return 0;
    const { numbered, logged, shed, inFlight } = this.totals();
    return numbered - logged - shed + inFlight;
  }

  async #stop(): Promise<void> {
    const started = this.#state === 'running';
    this.#state = 'stopping';
    clearInterval(this.#timer);
    if (started) {
      const feeds = this.#feeds.map((_, index) => feedStage(index));
      for (const stage of feeds) this.supervisor.control(stage).command = Command.drain;
      await Promise.race([Promise.all(this.#hostRuns), pause(STOP_GRACE_MS)]);
      await this.#drain(feeds, STOP_GRACE_MS, 'A feed');
      const shards = Array.from({ length: this.memory.plan.shards }, (_, s) => s);
      await this.#drain(shards, STOP_GRACE_MS, 'A shard');
      if (this.#log !== undefined) await this.#drain([LOG_STAGE], STOP_LOG_GRACE_MS, 'The log');
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
  const { shards, rings } = checkOptions(options);
  const feeds = await Promise.all(options.feeds.map(feedSlot));
  const logger = options.logger ?? SILENT;
  const plan = {
    shards,
    feeds: feeds.map((f) => ({ name: f.config.name, policy: f.policy, stateWords: f.stateWords })),
    log: options.dataFolder !== false,
    maxSymbols: options.maxSymbols ?? SYMBOLS_DEFAULT,
    rawSlots: rings.raw,
    ringSlots: rings.broadcast,
    criticalSlots: rings.critical,
    journals: options.journals === true,
  };
  const memory = allocate(plan);
  if (options.dataFolder === false) return new Engine(options, feeds, memory, undefined);
  const log = await openLog(options.dataFolder, {
    shards,
    sync: logOptions(options).sync,
    segmentMs: logOptions(options).segmentMs,
    compression: logOptions(options).compression,
    warn: (message) => logger.warn({}, message),
  });
  try {
    return new Engine(options, feeds, memory, log);
  } catch (error) {
    await log.close();
    throw error;
  }
}

function allocate(plan: MemoryPlan): EngineMemory {
  try {
    return allocateMemory(plan);
  } catch (error) {
    throw new TickwireError(
      'bad_config',
      `There is no room for rings and tables of this size (${messageOf(error)}): lower rings, shards or maxSymbols.`,
    );
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
