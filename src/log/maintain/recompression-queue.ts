/** Recompresses closed segments in the background, one at a time, newest first: the log stage's part. */
import { statfsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Piscina } from 'piscina';
import { messageOf } from '../../core/errors.js';
import { LOG_RECOMPRESS_SHARE } from '../../core/limits.js';
import { failpoint } from '../../pipeline/memory/failpoint.js';
import type { Compression } from '../format/compress.js';
import { commitPuts, flush } from '../lmdb/transaction.js';
import { segmentPuts } from '../storage/catalog.js';
import { type LogStore, removedOf } from '../storage/log-store.js';
import type { SegmentRecord } from '../storage/segment-record.js';
import { nextFolder, segmentPath } from '../storage/segments.js';
import { isDue, type Recompressed, type RecompressJob, swapPuts } from './recompress.js';

export interface RecompressionOptions {
  recompress: Compression;
  /** Bytes of the disk that stay free. */
  freeBytesFloor: number;
}

export class Recompression {
  #pool: Piscina<RecompressJob, Recompressed> | undefined;
  /** Segments that could not be rewritten: not tried again before the next start. */
  readonly #failed = new Set<number>();
  #isClosing = false;

  /** @param inTurn runs what changes the list of segments while nobody else changes closed ones */
  constructor(
    readonly store: LogStore,
    readonly options: RecompressionOptions,
    readonly report: (level: 'info' | 'warn', message: string) => void,
    readonly inTurn: <T>(change: () => Promise<T>) => Promise<T>,
  ) {}

  /** Rewrites the next segment that it is due for, if there is one. */
  async step(): Promise<void> {
    const { store } = this;
    const compression = this.options.recompress;
    if (compression === 'none' || this.#isClosing) return;
    store.refresh();
    const record = store.segments().findLast((r) => isDue(r, compression) && !this.#failed.has(r.number));
    // Live ticks have priority: the next attempt comes when the disk has space for twice the segment.
    if (record === undefined || !this.#hasRoom(record)) return;
    try {
      await this.#rewrite(record);
    } catch (error) {
      if (this.#isClosing) return;
      this.#failed.add(record.number);
      this.report('warn', `Segment ${record.folder} stays as it is: ${messageOf(error)}`);
    }
  }

  #hasRoom(record: SegmentRecord): boolean {
    const { bavail, bsize } = statfsSync(this.store.dataFolder);
    return bavail * bsize - (record.bytes ?? 0) >= this.options.freeBytesFloor;
  }

  async #rewrite({ number, folder: old }: SegmentRecord): Promise<void> {
    const { store, options } = this;
    const { catalog, dataFolder } = store;
    const folder = nextFolder(dataFolder, old);
    await this.inTurn(() => commitPuts(catalog.root, segmentPuts(catalog, [], [], [folder])));
    failpoint();
    const job = { dataFolder, number, folder, compression: options.recompress, share: LOG_RECOMPRESS_SHARE };
    const done = await this.#run(job).catch((error: unknown) => this.#giveUp(folder, error));
    failpoint();
    await this.inTurn(() => this.#swap(done));
  }

  /** Nothing refers to the new folder. */
  async #giveUp(folder: string, error: unknown): Promise<never> {
    await rm(segmentPath(this.store.dataFolder, folder), { recursive: true, force: true });
    throw error;
  }

  async #swap(done: Recompressed): Promise<void> {
    const { store } = this;
    const { catalog, dataFolder } = store;
    store.refresh();
    const record = store.segments().find((r) => r.number === done.number);
    // Retention may have been faster.
    if (record === undefined) return rm(segmentPath(dataFolder, done.folder), { recursive: true });
    const swapped = commitPuts(catalog.root, swapPuts(catalog, record, done));
    await swapped.catch((error: unknown) => this.#giveUp(done.folder, error));
    failpoint();
    store.refresh();
    if (isRemoved(store, record)) return this.#unlist(done);
    // Until this is on the disk, a power cut brings the old one back.
    await flush(catalog.root);
    await rm(segmentPath(dataFolder, record.folder), { recursive: true, force: true });
    this.report('info', `Segment ${done.folder} has ${done.bytes} bytes now, of ${record.bytes}.`);
  }

  /** An import was removed just before its recompressed segment was listed. */
  async #unlist({ number, folder }: Recompressed): Promise<void> {
    const { store } = this;
    await commitPuts(store.catalog.root, segmentPuts(store.catalog, [], [number], [folder]));
    store.refresh();
    await rm(segmentPath(store.dataFolder, folder), { recursive: true, force: true });
  }

  #run(job: RecompressJob): Promise<Recompressed> {
    this.#pool ??= new Piscina({
      filename: new URL('./recompress.js', import.meta.url).href,
      minThreads: 0,
      maxThreads: 1,
    });
    return this.#pool.run(job);
  }

  /** Stops a recompression that is under way. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#pool?.destroy();
  }
}

/** Whether all that a segment holds was removed from the log. */
function isRemoved(store: LogStore, { ranges = [] }: SegmentRecord): boolean {
  return ranges.every(({ epoch, shard, last }) => removedOf(store, epoch, shard) >= last);
}
