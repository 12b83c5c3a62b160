/**
 * The whole log: its catalog, and the blocks of all segments as one sequence. Reads are short transactions; nothing here
 * writes.
 */
import path from 'node:path';
import { codeOf, messageOf, TickwireError } from '../../core/errors.js';
import { LOG_OPEN_SEGMENTS } from '../../core/limits.js';
import { lastSeqOf } from '../format/block.js';
import { blockKey, parseKey } from '../format/keys.js';
import {
  type Catalog,
  type CatalogOptions,
  openCatalog,
  readCheckpoint,
  readEpoch,
  readGeneration,
  readSegments,
} from './catalog.js';
import { type SegmentRange, type SegmentRecord, segmentName } from './segment-record.js';
import { keyBeforeIn, openSegment, type Segment, segmentPath } from './segments.js';

/** Blocks read in one short transaction. */
const READ_BATCH = 16;

export class LogStore {
  #generation: string | undefined;
  #records: SegmentRecord[] = [];
  /** By shard of an epoch: the segments that may have blocks of that shard. */
  readonly #ofShard = new Map<string, SegmentRecord[]>();
  /** By `segmentName`, oldest use first. */
  readonly #opened = new Map<string, Segment>();

  /** By `segmentName`: the segments that a read has found damaged, and the damage. Their ticks read as gaps. */
  readonly damaged = new Map<string, string>();

  constructor(
    readonly dataFolder: string,
    readonly catalog: Catalog,
  ) {
    this.refresh();
  }

  /** Makes new commits visible, and reloads the list of segments if it has changed. */
  refresh(): void {
    this.release();
    const generation = readGeneration(this.catalog);
    if (generation === this.#generation) return;
    this.#generation = generation;
    this.#records = readSegments(this.catalog);
    this.#ofShard.clear();
    const names = new Set(this.#records.map(segmentName));
    for (const name of this.#opened.keys()) if (!names.has(name)) this.#close(name);
  }

  /**
   * Ends the open read transactions: so a reader that stalls does not keep lmdb from reusing pages.
   */
  release(): void {
    this.catalog.root.resetReadTxn();
    for (const segment of this.#opened.values()) segment.blocks.resetReadTxn();
  }

  /** All segments, by number. */
  segments(): readonly SegmentRecord[] {
    return this.#records;
  }

  /** The segments that may have blocks of a shard, in the order of its seqs: closed ones with blocks, and all open ones. */
  segmentsOf(epoch: number, shard: number): readonly SegmentRecord[] {
    const name = `${epoch}/${shard}`;
    let records = this.#ofShard.get(name);
    if (records === undefined) {
      records = this.#records.filter((r) => r.ranges === undefined || rangeOf(r, epoch, shard) !== undefined);
      this.#ofShard.set(name, records);
    }
    return records;
  }

  /** Opens a segment for reading, or finds it open; undefined when it was removed meanwhile, or is damaged. */
  open(record: SegmentRecord): Segment | undefined {
    const name = segmentName(record);
    if (this.damaged.has(name)) return undefined;
    let segment = this.#opened.get(name);
    this.#opened.delete(name);
    if (segment === undefined) {
      try {
        segment = openSegment(this.dataFolder, record.folder, { readOnly: true });
      } catch (error) {
        return this.#openAgain(record, error);
      }
    }
    this.#opened.set(name, segment);
    for (const oldest of this.#opened.keys()) {
      if (this.#opened.size <= LOG_OPEN_SEGMENTS) break;
      this.#close(oldest);
    }
    return segment;
  }

  /** The segment may have been removed, or replaced by one with the same blocks. */
  #openAgain(record: SegmentRecord, error: unknown): Segment | undefined {
    this.refresh();
    const now = this.#records.find((r) => r.number === record.number);
    if (now !== undefined && now.folder !== record.folder) return this.open(now);
    if (now === undefined) return undefined;
    if (codeOf(error) === 'log_corrupt') {
      this.damaged.set(segmentName(record), messageOf(error));
      return undefined;
    }
    if (codeOf(error) === 'ENOENT') {
      this.damaged.set(segmentName(record), goneText(this.dataFolder, record));
      return undefined;
    }
    throw new TickwireError(
      'log_corrupt',
      `Segment ${record.folder} of the tick log in ${this.dataFolder} cannot be opened: ${messageOf(error)}.`,
      { cause: error },
    );
  }

  #close(name: string): void {
    const segment = this.#opened.get(name);
    this.#opened.delete(name);
    void segment?.blocks.close();
  }

  async close(): Promise<void> {
    const segments = [...this.#opened.values()];
    this.#opened.clear();
    await Promise.all(segments.map((segment) => segment.blocks.close()));
    await this.catalog.root.close();
  }
}

function goneText(dataFolder: string, { folder }: SegmentRecord): string {
  return (
    `The file ${path.join(segmentPath(dataFolder, folder), 'data.mdb')} of the tick log is gone. ` +
    'Restore it from a copy.'
  );
}

/** @throws TickwireError log_missing when it is opened for reading and there is none, data_folder_unusable, unsupported */
export function openStore(dataFolder: string, options: CatalogOptions = {}): LogStore {
  return new LogStore(dataFolder, openCatalog(dataFolder, options));
}

/** What a closed segment holds of a shard. */
export function rangeOf(record: SegmentRecord, epoch: number, shard: number): SegmentRange | undefined {
  return record.ranges?.find((r) => r.epoch === epoch && r.shard === shard);
}

/** The segment and key of a block. */
export interface BlockLocation {
  segment: Segment;
  key: Uint8Array;
}

/** The shard's last block at or before `seq`; undefined when it has none. */
export function blockBefore(
  store: LogStore,
  epoch: number,
  shard: number,
  seq: number,
): BlockLocation | undefined {
  const records = store.segmentsOf(epoch, shard);
  for (let i = records.length - 1; i >= 0; i--) {
    const range = rangeOf(records[i], epoch, shard);
    if (range !== undefined && range.first > seq) continue;
    const segment = store.open(records[i]);
    const upTo = Math.min(seq, range?.last ?? seq);
    const key = segment === undefined ? undefined : keyBeforeIn(segment, epoch, shard, upTo);
    if (key !== undefined) return { segment: segment!, key };
  }
  return undefined;
}

/** The block's bytes. */
export function bytesAt(place: BlockLocation): Buffer {
  return place.segment.blocks.get(place.key)!;
}

/** As `bytesAt`, without a copy: the next read overwrites the bytes. */
export function passingBytesAt(place: BlockLocation): Buffer {
  const bytes = place.segment.blocks.getBinaryFast(place.key)!;
  // Lmdb's buffer is larger than the `length` that it shows, and from Node 24 on `subarray` goes by its true size.
  return bytes.subarray(0, bytes.length);
}

/** Last seq of a block. For a damaged block: that of its header, if it is plausible. */
export function lastSeqAt(place: BlockLocation): number {
  return lastSeqOf(parseKey(place.key).firstSeq, bytesAt(place));
}

/** Last seq of a damaged block: that of its header, if it is plausible, and never a seq of the next block. */
export function lastSeqOfDamaged(store: LogStore, key: Uint8Array, bytes: Uint8Array): number {
  const { epoch, shard, firstSeq } = parseKey(key);
  // The next read may overwrite the bytes.
  const said = lastSeqOf(firstSeq, bytes);
  const from = blockKey(epoch, shard, firstSeq + 1);
  const next = blocksFrom(store, from, blockKey(epoch, shard + 1, 0)).next();
  return next.done === true ? said : Math.min(said, parseKey(next.value[0]).firstSeq - 1);
}

/** The next block of a shard whose first seq is `seq` or later. */
export function blockFrom(
  store: LogStore,
  epoch: number,
  shard: number,
  seq: number,
): [Uint8Array, Buffer] | undefined {
  const range = { start: blockKey(epoch, shard, seq), end: blockKey(epoch, shard + 1, 0), limit: 1 };
  for (const record of store.segmentsOf(epoch, shard)) {
    if ((rangeOf(record, epoch, shard)?.last ?? seq) < seq) continue;
    for (const { key, value } of store.open(record)?.blocks.getRange({ ...range, snapshot: false }) ?? []) {
      return [key, value];
    }
  }
  return undefined;
}

/** Last seq of a shard that retention has removed; 0 when none. */
export function removedOf(store: LogStore, epoch: number, shard: number): number {
  return readEpoch(store.catalog, epoch)?.removed?.[shard] ?? 0;
}

/**
 * Last seq that the catalog knows of a shard: from its epoch, from the closed segments, from the checkpoint. Blocks
 * are committed before any of them, so a reader that misses blocks below it has lost them.
 */
export function lastKnown(store: LogStore, epoch: number, shard: number): number {
  const record = readEpoch(store.catalog, epoch);
  let last = Math.max(record?.removed?.[shard] ?? 0, record?.last?.[shard] ?? 0);
  for (const segment of store.segmentsOf(epoch, shard)) {
    last = Math.max(last, rangeOf(segment, epoch, shard)?.last ?? 0);
  }
  if (record?.last !== undefined) return last;
  const checkpoint = readCheckpoint(store.catalog);
  return checkpoint?.epoch === epoch ? Math.max(last, checkpoint.covered[shard] ?? 0) : last;
}

/**
 * The seqs of a shard from the oldest that retention has left to the newest that is known, damaged ones among them;
 * when there are none, newest is oldest − 1.
 */
export function boundsOf(store: LogStore, epoch: number, shard: number): { oldest: number; newest: number } {
  const known = lastKnown(store, epoch, shard);
  const last = blockBefore(store, epoch, shard, Number.MAX_SAFE_INTEGER);
  const newest = last === undefined ? known : Math.max(known, lastSeqAt(last));
  return { oldest: removedOf(store, epoch, shard) + 1, newest };
}

/**
 * Blocks of one shard from the key `start` on and below `end`, in order over all segments, in short
 * transactions: a long one would stop page reuse.
 */
export function* blocksFrom(
  store: LogStore,
  start: Uint8Array,
  end: Uint8Array,
): Generator<[Uint8Array, Buffer]> {
  // Most readers need the ticks of one block, and each fetched block is copied.
  let limit = 1;
  const { epoch, shard, firstSeq } = parseKey(start);
  let from = start;
  for (const record of store.segmentsOf(epoch, shard)) {
    const range = rangeOf(record, epoch, shard);
    if (range !== undefined && range.last < firstSeq) continue;
    const below = range === undefined ? end : lower(end, blockKey(epoch, shard, range.last + 1));
    for (;;) {
      const segment = store.open(record);
      if (segment === undefined) break;
      const batch = Array.from(
        segment.blocks.getRange({ start: from, end: below, limit, snapshot: false }),
        (entry): [Uint8Array, Buffer] => [entry.key, entry.value],
      );
      yield* batch;
      if (batch.length > 0) from = Buffer.concat([batch[batch.length - 1][0], Buffer.of(0)]);
      if (batch.length < limit) break;
      limit = Math.min(2 * limit, READ_BATCH);
    }
  }
}

function lower(a: Uint8Array, b: Uint8Array): Uint8Array {
  return Buffer.compare(a, b) < 0 ? a : b;
}
