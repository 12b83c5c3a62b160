/** The engine's feeds: starts each on a stage or on the host's thread, and keeps its status. */

import { codeOf, messageOf, TickwireError } from '../core/errors.js';
import type { FeedInfo } from '../fanout/contract/ports.js';
import type { CaptureTarget } from '../feeds/capture/writer.js';
import type { FeedStatus } from '../feeds/connector/feed.js';
import { FEED_TYPES, feedModuleUrl } from '../feeds/index.js';
import { runFeed } from '../feeds/stage.js';
import type { CounterReader } from '../pipeline/memory/counter-reader.js';
import {
  Command,
  Control,
  type EngineMemory,
  feedStage,
  HOST_STAGE,
} from '../pipeline/memory/engine-memory.js';
import { type EngineFeed, type FeedSlot, type HostFeed, isHostFeed, type Logger } from './options.js';
import type { FeedModule, StageMessage } from './stage-entry.js';
import type { StageSpec } from './supervisor.js';

export class EngineFeeds {
  /** Promises that resolve when the feeds on the host's thread have ended. */
  readonly #hostRuns: Promise<void>[] = [];

  /** @param onStatus is called when the status of a feed changes */
  constructor(
    readonly slots: readonly FeedSlot[],
    readonly memory: EngineMemory,
    readonly counters: CounterReader,
    readonly logger: Logger,
    readonly onStatus: (feed: string, status: FeedStatus) => void,
  ) {}

  /** Number of stages that the feeds need: one for each feed that is not on the host's thread. */
  get stages(): number {
    return this.slots.filter(({ config }) => !isHostFeed(config)).length;
  }

  /** Stage numbers of all feeds, including feeds on the host's thread. */
  get numbers(): number[] {
    return this.slots.map((_, index) => feedStage(index));
  }

  /** @param startStage starts a stage of the supervisor's */
  start(startStage: (spec: StageSpec) => void, capture: CaptureTarget | undefined): void {
    for (const [index, { config }] of this.slots.entries()) {
      const aliases = config.aliases ?? {};
      if (isHostFeed(config)) {
        this.#hostRuns.push(this.#runOnHost(config, index, aliases, capture));
        continue;
      }
      startStage({
        name: `feed ${config.name}`,
        stage: feedStage(index),
        work: { kind: 'feed', feed: index, resumed: false, source: moduleOf(config), aliases, capture },
      });
    }
  }

  async #runOnHost(
    config: HostFeed,
    index: number,
    aliases: Record<string, string>,
    capture: CaptureTarget | undefined,
  ): Promise<void> {
    const control = new Control(this.memory.control, feedStage(index));
    control.command = Command.run;
    try {
      await runFeed(config.feed, {
        memory: this.memory,
        stage: HOST_STAGE,
        control,
        feed: index,
        resumed: false,
        aliases,
        capture,
        post: (message) => this.onMessage(feedStage(index), message),
      });
    } catch (error) {
      this.slots[index].status = { state: 'failed', detail: messageOf(error), sources: 0 };
      this.logger.error(
        { feed: config.name, code: codeOf(error) },
        `Feed ${config.name} failed: ${messageOf(error)}`,
      );
    }
  }

  /** Handles a message of a stage: a log line, or the status of a feed. */
  onMessage(stage: number, message: StageMessage): void {
    if (message.type === 'log') {
      this.logger[message.level](message.details, message.message);
      return;
    }
    const feed = this.slots.find((_, index) => feedStage(index) === stage);
    if (feed === undefined) return;
    feed.status = message.status as FeedStatus;
    this.onStatus(feed.config.name, feed.status);
  }

  /** Resolves when the feeds on the host's thread have ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#hostRuns);
  }

  info(): FeedInfo[] {
    this.look();
    return this.slots.map(({ config, status, movedAtMs }) => ({
      name: config.name,
      state: status.state,
      detail: status.detail,
      ageMs: movedAtMs === null ? null : Date.now() - movedAtMs,
    }));
  }

  /** Notes which feeds have received ticks since the last call. */
  look(): void {
    for (const [index, feed] of this.slots.entries()) {
      const { received } = this.counters.feed(index);
      if (received === feed.received) continue;
      feed.received = received;
      feed.movedAtMs = Date.now();
    }
  }

  /** Why the engine is not ready, as far as feeds go. */
  troubles(): string[] {
    return this.slots.flatMap(({ config, status }) => {
      if (status.state === 'failed') return [`Feed ${config.name}: ${status.detail}`];
      return status.state === 'starting' ? [`Feed ${config.name} is starting.`] : [];
    });
  }

  /** @throws TickwireError bad_input */
  stageOf(name: string): number {
    const index = this.slots.findIndex(({ config }) => config.name === name);
    if (index < 0) throw new TickwireError('bad_input', `There is no feed "${name}".`);
    return feedStage(index);
  }
}

function moduleOf(config: Exclude<EngineFeed, HostFeed>): FeedModule {
  return 'type' in config
    ? { module: feedModuleUrl(config.type), type: FEED_TYPES[config.type].export, options: config.options }
    : { module: String(config.module), type: config.export, options: config.options };
}
