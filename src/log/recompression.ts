/** Recompresses closed segments in the background, one at a time, newest first: the log stage's part. */
import { rm } from 'node:fs/promises';
import { Piscina } from 'piscina';
import { messageOf } from '../errors.js';
import { LOG_RECOMPRESS_SHARE } from '../limits.js';
import { probe } from '../pipeline/fault.js';
import { segmentPuts } from './catalog.js';
import { commitPuts } from './commit.js';
import type { Compression } from './compress.js';
import { type Recompressed, type RecompressJob, swapPuts } from './recompress.js';
import { nextFolder, type SegmentRecord, segmentPath } from './segments.js';
import type { LogStore } from './store.js';

export class Recompression {
  #pool: Piscina<RecompressJob, Recompressed> | undefined;
  /** Segments that could not be rewritten: not tried again before the next start. */
  readonly #failed = new Set<number>();
  #isClosing = false;

  constructor(
    readonly store: LogStore,
    readonly compression: Compression,
    readonly report: (level: 'info' | 'warn', message: string) => void,
  ) {}

  /** Rewrites the next segment that it is due for, if there is one. */
  async step(): Promise<void> {
    const { store, compression } = this;
    if (compression === 'none') return;
    store.refresh();
    const record = store
      .segments()
      .findLast(
        (r) => r.ranges !== undefined && r.compression !== compression && !this.#failed.has(r.number),
      );
    if (record === undefined) return;
    try {
      await this.#rewrite(record);
    } catch (error) {
      if (this.#isClosing) return;
      this.#failed.add(record.number);
      this.report('warn', `Segment ${record.folder} stays as it is: ${messageOf(error)}`);
    }
  }

  async #rewrite({ number, folder: old }: SegmentRecord): Promise<void> {
    const { store, compression } = this;
    const { catalog, dataFolder } = store;
    const folder = nextFolder(dataFolder, old);
    await commitPuts(catalog.root, segmentPuts(catalog, [], [], [folder]));
    probe();
    let done: Recompressed;
    try {
      done = await this.#run({ dataFolder, number, folder, compression, share: LOG_RECOMPRESS_SHARE });
    } catch (error) {
      await rm(segmentPath(dataFolder, folder), { recursive: true, force: true });
      throw error;
    }
    probe();
    store.refresh();
    const record = store.segments().find((r) => r.number === number);
    // Retention may have been faster.
    const isThere = record !== undefined;
    if (isThere) await commitPuts(catalog.root, swapPuts(catalog, record, done));
    probe();
    store.refresh();
    await rm(segmentPath(dataFolder, isThere ? old : folder), { recursive: true, force: true });
    if (isThere) this.report('info', `Segment ${folder} has ${done.bytes} bytes now, of ${record.bytes}.`);
  }

  #run(job: RecompressJob): Promise<Recompressed> {
    this.#pool ??= new Piscina({
      filename: new URL('./recompress.js', import.meta.url).href,
      minThreads: 0,
      maxThreads: 1,
    });
    return this.#pool.run(job);
  }

  /** Leaves what is under way as it is. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#pool?.destroy();
  }
}
