/**
 * The engine composes the stages. Feeds write ticks into raw rings, shards sequence the ticks, the log stores them, and
 * the fan-out serves them. This file allocates the memory of the stages, and starts and stops the stages in order.
 */

import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { SharedClock } from '../core/clock.js';
import { messageOf, TickwireError } from '../core/errors.js';
import { STOP_GRACE_MS, STOP_LOG_GRACE_MS } from '../core/limits.js';
import { checkNode } from '../core/node-version.js';
import type { Fanout, FanoutStats, FeedInfo, Readiness } from '../fanout/contract/ports.js';
import { loadServer } from '../fanout/contract/uws.js';
import { createFanout } from '../fanout/server.js';
import type { CaptureTarget } from '../feeds/capture/writer.js';
import { newLogId } from '../log/storage/catalog.js';
import { type OpenedLog, openLog } from '../log/write/open-log.js';
import { BroadcastReader } from '../pipeline/memory/broadcast-ring.js';
import { CommitCells } from '../pipeline/memory/commit-cells.js';
import { CounterReader, type Totals } from '../pipeline/memory/counter-reader.js';
import { LogWord, SHARD_WORDS, ShardWord } from '../pipeline/memory/counters.js';
import {
  allocateMemory,
  Command,
  type EngineMemory,
  HOST_STAGE,
  LOG_STAGE,
  type MemoryPlan,
} from '../pipeline/memory/engine-memory.js';
import { LastValueTable } from '../pipeline/memory/last-value-table.js';
import { Registry } from '../pipeline/memory/registry.js';
import { RegistryWatch } from '../pipeline/memory/registry-watch.js';
import { type Watermark, WatermarkReader } from '../pipeline/memory/watermarks.js';
import { beginCapture } from './capture-run.js';
import type { Engine, EngineEvents, EngineState } from './engine-api.js';
import { EngineFeeds } from './feeds.js';
import {
  type Following,
  type FollowOptions,
  follow,
  type LastValue,
  lastValue,
  type OnTick,
} from './follow.js';
import { EngineLog } from './log.js';
import {
  checkOptions,
  type EngineOptions,
  type EngineSettings,
  type FeedSlot,
  feedSlot,
  type Logger,
} from './options.js';
import type { CaptureSettings } from './settings/pipeline.js';
import { Supervisor } from './supervisor.js';

const DISCIPLINE_MS = 1000;
const SILENT: Logger = { info() {}, warn() {}, error() {} };

/** The engine with the parts that commands, benchmarks and tests look into; hosts see `Engine`. */
export class EngineRuntime extends EventEmitter<EngineEvents> implements Engine {
  readonly memory: EngineMemory;
  readonly registry: Registry;
  readonly table: LastValueTable;
  readonly counters: CounterReader;
  /** What names this engine's ticks. Without a log each run has a name of its own, since all begin at epoch 1. */
  identity = { logId: newLogId(), epoch: 1 };
  /** Port of the fan-out once it listens. */
  port: number | undefined;
  readonly supervisor: Supervisor;
  readonly fanout: Fanout | undefined;
  readonly #feeds: EngineFeeds;
  readonly #log: EngineLog | undefined;
  readonly #logger: Logger;
  readonly #watermarks: WatermarkReader;
  readonly #registryWatch = new RegistryWatch();
  #timer: NodeJS.Timeout | undefined;
  #failure: TickwireError | undefined;
  #state: EngineState = 'created';
  #stopping: Promise<void> | undefined;

  /** Use `createEngine`. */
  constructor(
    readonly options: EngineSettings,
    feeds: FeedSlot[],
    memory: EngineMemory,
    log: OpenedLog | undefined,
  ) {
    super();
    this.memory = memory;
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
    if (log !== undefined) this.#log = new EngineLog(log, this.registry, this.counters, this.#logger);
    this.#feeds = new EngineFeeds(feeds, memory, this.counters, this.#logger, (feed, status) =>
      this.emit('feedStatus', feed, status),
    );
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
          ...(this.#log === undefined ? {} : { catchUp: this.#log.catchUp() }),
          ...(options.app === undefined ? {} : { app: options.app }),
          authorise: options.authorise,
        },
        options.http,
      );
    }
    // Threads are started and files are opened last, when nothing can be refused any more.
    const stages = memory.plan.shards + (log === undefined ? 0 : 1) + this.#feeds.stages;
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
        message: (spec, message) => this.#feeds.onMessage(spec.stage, message),
      },
      options.supervision,
    );
    this.#log?.open();
  }

  /**
   * Starts every stage, then listens.
   * @throws TickwireError port_taken; bad_config where nothing can be captured
   */
  async start(): Promise<void> {
    if (this.#state !== 'created')
      throw new TickwireError('unsupported', 'An engine starts once; create another.');
    const { capture: captures } = this.options;
    const capture = captures === undefined ? undefined : this.#beginCapture(captures);
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
          folder: this.#log.opened.folder,
          epoch: this.#log.opened.epoch,
          options: this.options.log,
        },
      });
    }
    for (let shard = 0; shard < this.memory.plan.shards; shard++) {
      this.supervisor.start({ name: `shard ${shard}`, stage: shard, work: { kind: 'shard', shard } });
    }
    this.#feeds.start((spec) => this.supervisor.start(spec), capture);
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

  get state(): EngineState {
    return this.#state;
  }

  /** Whether the engine does its work, and if not, why. */
  readiness(): Readiness {
    const reasons: string[] = [];
    if (this.#failure !== undefined) reasons.push(this.#failure.message);
    if (this.#state !== 'running') reasons.push(`The engine is ${this.#state}.`);
    if (this.#log !== undefined && this.counters.log(LogWord.stalled) !== 0) {
      reasons.push('The log cannot write; its error says why.');
    }
    reasons.push(...this.#feeds.troubles());
    return { ready: reasons.length === 0, reasons };
  }

  feeds(): FeedInfo[] {
    return this.#feeds.info();
  }

  /** By shard: how far the log is behind, in ticks and time; empty without a log. */
  watermarks(): Watermark[] {
    const marks = this.memory.broadcast.map((_, shard) => this.#watermarks.read(shard));
    return marks.filter((mark) => mark !== undefined);
  }

  /** Every counter of the engine: see `pipeline/memory/counters.ts` for the sums that they satisfy. */
  totals(): Totals {
    return this.counters.totals();
  }

  /** Pauses or resumes a feed. */
  setPaused(feed: string, paused: boolean): void {
    this.supervisor.control(this.#feeds.stageOf(feed)).command = paused ? Command.pause : Command.run;
  }

  /** The newest state of a symbol, read from the table; undefined when it never ticked. */
  last(symbol: string): LastValue | undefined {
    return lastValue(this, symbol);
  }

  /**
   * Calls `onTick` with every tick from now on, on this thread. A slow follower delays nobody: the ring overtakes it,
   * `onOvertaken` reports that, and it continues with the oldest tick that the ring holds.
   */
  follow(options: FollowOptions, onTick: OnTick): Following {
    return follow(this, options, onTick);
  }

  served(): FanoutStats | undefined {
    return this.fanout?.stats();
  }

  /** A free reader of a shard's broadcast ring, on this thread: reads committed ticks without delaying anyone. */
  ringReader(shard = 0): BroadcastReader {
    const cells = new CommitCells(this.memory.shardCells[shard], SHARD_WORDS);
    return new BroadcastReader(this.memory.broadcast[shard], this.memory.plan.ringSlots, {
      cells,
      word: ShardWord.head,
    });
  }

  #beginCapture(options: CaptureSettings): CaptureTarget {
    const feeds = this.#feeds.slots.map(({ config, policy, stateWords }) => ({
      name: config.name,
      policy,
      stateWords,
      aliases: config.aliases ?? {},
      ...('type' in config ? { type: config.type, options: config.options } : { type: null, options: null }),
    }));
    const capture = beginCapture(options, { ...this.identity, feeds }, this.memory, this.registry);
    this.#logger.info({ folder: capture.folder }, 'What the feeds take in is captured.');
    return capture;
  }

  #everySecond(clock: SharedClock): void {
    clock.discipline();
    this.#log?.lookForImports();
    this.registry.refresh();
    for (const message of this.#registryWatch.look(this.registry.usage)) this.#logger.warn({}, message);
    this.#feeds.look();
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

  /** Sequenced ticks that did not reach the log; after `stop`, they are lost unless their source sends them again. */
  unlogged(): number {
    if (this.#log === undefined) return 0;
    const { sequenced, logged, shed, inFlight } = this.totals();
    return sequenced - logged - shed + inFlight;
  }

  async #stop(): Promise<void> {
    const started = this.#state === 'running';
    this.#state = 'stopping';
    clearInterval(this.#timer);
    if (started) {
      const feeds = this.#feeds.numbers;
      for (const stage of feeds) this.supervisor.control(stage).command = Command.drain;
      await Promise.race([this.#feeds.ended(), sleep(STOP_GRACE_MS, undefined, { ref: false })]);
      await this.#drain(feeds, STOP_GRACE_MS, 'A feed');
      const shards = Array.from({ length: this.memory.plan.shards }, (_, s) => s);
      await this.#drain(shards, STOP_GRACE_MS, 'A shard');
      if (this.#log !== undefined) await this.#drain([LOG_STAGE], STOP_LOG_GRACE_MS, 'The log');
    }
    await this.fanout?.close();
    await this.supervisor.close();
    await this.#log?.close();
    this.#state = 'stopped';
    this.emit('stopped');
  }
}

/**
 * Makes an engine: checks the options, opens the log (raising its epoch) and allocates the shared memory.
 * Nothing runs until `start`.
 * @throws TickwireError bad_config, unsupported, data_folder_locked, data_folder_unusable, log_corrupt
 */
export async function createEngine(options: EngineOptions): Promise<EngineRuntime> {
  checkNode();
  const settings = checkOptions(options);
  const { shards, maxSymbols, rings, dataFolder, journals } = settings;
  // Checked before the log is opened, because opening raises the epoch.
  if (settings.http !== false && settings.app === undefined) loadServer();
  const feeds = await Promise.all(settings.feeds.map(feedSlot));
  const logger = settings.logger ?? SILENT;
  const plan = {
    shards,
    feeds: feeds.map((f) => ({ name: f.config.name, policy: f.policy, stateWords: f.stateWords })),
    log: dataFolder !== false,
    maxSymbols,
    rawSlots: rings.raw,
    ringSlots: rings.broadcast,
    criticalSlots: rings.critical,
    journals,
  };
  const memory = allocate(plan);
  if (dataFolder === false) return new EngineRuntime(settings, feeds, memory, undefined);
  const { sync, segmentMs, compression } = settings.log;
  const log = await openLog(dataFolder, {
    shards,
    sync,
    segmentMs,
    compression,
    warn: (message) => logger.warn({}, message),
  });
  try {
    return new EngineRuntime(settings, feeds, memory, log);
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
