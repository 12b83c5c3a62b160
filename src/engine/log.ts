/** The engine's side of its log: reads the past for subscribers that catch up, and takes in imports. */
import { Piscina } from 'piscina';
import { messageOf } from '../core/errors.js';
import { CATCHUP_IDLE_MS, CATCHUP_JOBS } from '../core/limits.js';
import type { EpochInfo, LogPort } from '../core/log-port.js';
import { ImportCoordinator } from '../import/coordinator.js';
import { LogReader } from '../log/read/log-reader.js';
import type { OpenedLog } from '../log/write/open-log.js';
import type { CounterReader } from '../pipeline/memory/counter-reader.js';
import type { Registry } from '../pipeline/memory/registry.js';
import type { Logger } from './options.js';

/** What the reading threads do, by name: each takes a request with the data folder. */
type Jobs = typeof import('../log/read/worker.js');

export class EngineLog {
  #reader: LogReader | undefined;
  #jobs: Piscina | undefined;
  #imports: ImportCoordinator | undefined;

  /** Starts nothing before `open`. */
  constructor(
    readonly opened: OpenedLog,
    readonly registry: Registry,
    readonly counters: CounterReader,
    readonly logger: Logger,
  ) {}

  /** Opens the log for reading the past, and starts the reading threads. */
  open(): void {
    const { folder, store } = this.opened;
    this.#imports = new ImportCoordinator(store, this.registry, (message) => this.logger.info({}, message));
    this.#reader = LogReader.open(folder);
    this.#jobs = new Piscina({
      filename: new URL('../log/read/worker.js', import.meta.url).href,
      minThreads: 1,
      maxThreads: CATCHUP_JOBS,
      // Starting a thread takes longer than reading a hundred pages.
      idleTimeout: CATCHUP_IDLE_MS,
    });
  }

  /** The log for the fan-out. Its functions must be called after `open`. */
  catchUp(): LogPort {
    const ask = <Name extends keyof Jobs>(name: Name, request: Omit<Parameters<Jobs[Name]>[0], 'folder'>) =>
      this.#jobs!.run({ folder: this.opened.folder, ...request }, { name }) as ReturnType<Jobs[Name]>;
    return {
      readRange: (request) => ask('readRange', request),
      readPages: (request) => ask('readPages', request),
      findSymbol: (request) => ask('findSymbol', request),
      readImports: (request) => ask('readImports', request),
      seekTime: (seconds, nanos) => ask('seekTime', { seconds, nanos }),
      epochs: () => this.#epochs(),
      visible: (shard) => this.counters.visible(shard),
      durable: (shard) => this.counters.durable(shard),
    };
  }

  #epochs(): EpochInfo[] {
    const reader = this.#reader!;
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

  /** Carries out the requests of an import that runs beside the engine. */
  lookForImports(): void {
    this.#imports
      ?.look()
      .catch((error: unknown) => this.logger.error({}, `Imports cannot be looked for: ${messageOf(error)}`));
  }

  async close(): Promise<void> {
    await this.#jobs?.destroy();
    await this.#reader?.close();
    await this.opened.close();
  }
}
