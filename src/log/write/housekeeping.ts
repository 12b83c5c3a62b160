/** Background work on closed segments: retention, recompression, and the sizes of the log. */
import { LOG_RETENTION_MS } from '../../core/limits.js';
import { unlessCommitFailed } from '../lmdb/free-space.js';
import { Recompression } from '../maintain/recompression-queue.js';
import { bytesOfLog, Retention } from '../maintain/retention.js';
import type { LogStore } from '../storage/log-store.js';
import type { LogStageOptions } from './options.js';

type HousekeepingOptions = Pick<LogStageOptions, 'retention' | 'recompress' | 'freeBytesFloor'>;

/** The log on the disk. */
export interface LogSizes {
  segments: number;
  bytes: number;
  /** What recompression has taken off the closed segments. */
  savedBytes: number;
}

export class Housekeeping {
  /** A fault that a restart of the stage may cure. */
  fault: unknown;
  readonly #retention: Retention;
  readonly #recompression: Recompression;
  /** Changes of closed segments, one after the other. */
  #changing: Promise<unknown> = Promise.resolve();
  #lookedAt = Number.NEGATIVE_INFINITY;
  #isRetaining = false;
  #recompressing: Promise<void> | undefined;

  constructor(
    readonly store: LogStore,
    options: HousekeepingOptions,
    report: (level: 'info' | 'warn', message: string) => void,
    readonly onSizes: (sizes: LogSizes) => void,
  ) {
    this.#retention = new Retention(store, options.retention, report);
    this.#recompression = new Recompression(store, options, report, (change) => this.#inTurn(change));
  }

  /** Whether segments are being removed just now. */
  get isBusy(): boolean {
    return this.#isRetaining;
  }

  /**
   * Works about once a second, also while the log is stalled: retention may free the space.
   * @param now monotonic milliseconds
   * @param wallMs asked for only when it is time, UNIX milliseconds
   */
  look(now: number, wallMs: () => number): void {
    if (this.#isRetaining || now - this.#lookedAt < LOG_RETENTION_MS) return;
    this.#lookedAt = now;
    this.#tellSizes();
    this.#recompressing ??= this.#recompression.step().finally(() => {
      this.#recompressing = undefined;
    });
    this.#isRetaining = true;
    this.#inTurn(() => this.#retention.look(wallMs()))
      .catch(unlessCommitFailed)
      .then(
        () => {
          this.#isRetaining = false;
        },
        (error: unknown) => {
          this.fault = error;
        },
      );
  }

  /** Runs changes one after the other: two changes of one segment at once would overwrite each other's record. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#changing.then(change);
    this.#changing = done.catch(() => {});
    return done;
  }

  #tellSizes(): void {
    const segments = this.store.segments();
    const savedBytes = segments.reduce((sum, r) => sum + (r.bytesBefore ?? r.bytes ?? 0) - (r.bytes ?? 0), 0);
    this.onSizes({ segments: segments.length, bytes: bytesOfLog(this.store), savedBytes });
  }

  /** Stops a recompression that is under way, and waits for a change that has begun. */
  async close(): Promise<void> {
    await this.#recompression.close();
    await this.#recompressing;
    await this.#changing;
  }
}
