/**
 * Rewrites a closed segment with a stronger compressor, into a folder of its own, and compares every block with the original.
 * Nothing refers to the new folder before `swapPuts` are committed, and nothing to the old one afterwards. Whenever the
 * process dies, one of the two folders is the segment and the other one is removed.
 */
import { setTimeout as delay, setImmediate as immediate } from 'node:timers/promises';
import { BLOCK_TICKS } from '../../core/limits.js';
import { RECORD_BYTES, Records } from '../../core/tick.js';
import { type BlockHeader, checkBlock } from '../format/block.js';
import { BlockCodec } from '../format/block-codec.js';
import { readTicks } from '../format/block-ticks.js';
import { type Compression, recompressBlock } from '../format/compress.js';
import { isPageKey } from '../format/keys.js';
import { syncPath } from '../lmdb/sync-path.js';
import { commitPuts, flush, type Put } from '../lmdb/transaction.js';
import { type Catalog, segmentPuts } from '../storage/catalog.js';
import { type LogStore, openStore } from '../storage/log-store.js';
import type { SegmentRecord } from '../storage/segment-record.js';
import { bytesOfSegment, openSegment, type Segment, segmentPath } from '../storage/segments.js';

/** Blocks between two pauses. */
const BATCH_BLOCKS = 32;
/** Milliseconds of work between two looks at whether to stop. */
const LOOK_MS = 50;

export interface RecompressJob {
  dataFolder: string;
  /** Of a closed segment. */
  number: number;
  /** Of the new one; doomed in the catalog. */
  folder: string;
  compression: Compression;
  /** Part of the time that is worked, 0 to 1: the rest is slept, so that live traffic has the disk and the cores. */
  share: number;
}

/** The segment as it is then. */
export interface Recompressed {
  number: number;
  folder: string;
  compression: Compression;
  bytes: number;
}

/** Thrown when a recompression must stop. */
export class Stopped extends Error {}

/**
 * Piscina runs it.
 * @param isStopped asked now and then
 * @throws Stopped when it was told to stop; the new folder is to go then
 * @throws Error when a block does not read back as it was, or the disk fails; the new folder is to go then
 */
export default async function recompressSegment(
  job: RecompressJob,
  isStopped: () => boolean = () => false,
): Promise<Recompressed> {
  const { dataFolder, number, folder, compression, share } = job;
  const store = openStore(dataFolder, { readOnly: true });
  let made: Segment | undefined;
  try {
    const from = openOld(store, number);
    made = openSegment(dataFolder, folder, { readOnly: false, sync: 'os' });
    const pace = new Pace(share, isStopped);
    await copyBlocks(from, made, compression, pace);
    await flush(made.blocks);
    await compareBlocks(from, made, pace);
    syncPath(segmentPath(dataFolder, folder));
    syncPath(segmentPath(dataFolder, '.'));
    return { number, folder, compression, bytes: bytesOfSegment(dataFolder, folder) };
  } finally {
    await made?.blocks.close();
    await store.close();
  }
}

function openOld(store: LogStore, number: number): Segment {
  const record = store.segments().find((r) => r.number === number && r.ranges !== undefined);
  const segment = record && store.open(record);
  if (segment === undefined) throw new Error(`There is no closed segment ${number}.`);
  return segment;
}

/** Whether a segment is closed, and was not yet written again under this compressor. */
export function isDue(record: SegmentRecord, compression: Compression): boolean {
  const wasRewritten = record.bytesBefore !== undefined;
  return record.ranges !== undefined && !(wasRewritten && record.compression === compression);
}

/** The puts that replace the old segment by the new one, and mark the old folder as doomed. */
export function swapPuts(catalog: Catalog, record: SegmentRecord, done: Recompressed): Put[] {
  const { folder, bytes, compression } = done;
  const bytesBefore = record.bytesBefore ?? record.bytes ?? 0;
  return segmentPuts(catalog, [{ ...record, folder, bytes, bytesBefore, compression }], [], [record.folder]);
}

/** Sleeps in proportion to what was worked. */
class Pace {
  #at = performance.now();
  #lookedAt = this.#at;

  constructor(
    readonly share: number,
    readonly isStopped: () => boolean,
  ) {}

  /** Lets signals in, and ends the work where one has come. To be called after each block. */
  async look(): Promise<void> {
    if (performance.now() - this.#lookedAt < LOOK_MS) return;
    await immediate();
    this.#lookedAt = performance.now();
    if (this.isStopped()) throw new Stopped('stopped on request');
  }

  async turn(): Promise<void> {
    const worked = performance.now() - this.#at;
    await delay(worked * (1 / this.share - 1));
    this.#at = performance.now();
  }
}

type Entry = { key: Uint8Array; value: Buffer };

/** All entries of a segment, in batches that are short transactions each. */
function* batchesOf(segment: Segment): Generator<Entry[]> {
  let start: Uint8Array = Buffer.of(0);
  for (;;) {
    const batch = Array.from(
      segment.blocks.getRange({ start, limit: BATCH_BLOCKS, snapshot: false }),
    ) as Entry[];
    if (batch.length > 0) yield batch;
    if (batch.length < BATCH_BLOCKS) return;
    start = Buffer.concat([batch[batch.length - 1].key, Buffer.of(0)]);
  }
}

async function copyBlocks(from: Segment, to: Segment, compression: Compression, pace: Pace): Promise<void> {
  for (const batch of batchesOf(from)) {
    const puts: Put[] = [];
    for (const { key, value } of batch) {
      // A damaged block is copied unchanged, and reported when it is read.
      const isWhole = !isPageKey(key) && checkBlock(value) !== undefined;
      puts.push({ key, value: isWhole ? recompressBlock(value, compression) : value, isNew: true });
      await pace.look();
    }
    await commitPuts(to.blocks, puts);
    await pace.turn();
  }
}

async function compareBlocks(from: Segment, to: Segment, pace: Pace): Promise<void> {
  const blocks = new Comparison();
  let count = 0;
  for (const batch of batchesOf(from)) {
    to.blocks.resetReadTxn();
    for (const { key, value } of batch) {
      count++;
      const now = to.blocks.get(key);
      if (now === undefined || !(value.equals(now) || blocks.areSame(value, now))) {
        throw new Error(`Block ${Buffer.from(key).toString('hex')} did not read back as it was written.`);
      }
    }
    await pace.look();
    await pace.turn();
  }
  const entries = to.blocks.getStats().entryCount;
  if (entries !== count) throw new Error(`${entries} of ${count} blocks were written.`);
}

class Comparison {
  readonly #codec = new BlockCodec();
  readonly #before = Records.allocate(BLOCK_TICKS);
  readonly #after = Records.allocate(BLOCK_TICKS);

  /** Whether two blocks hold the same ticks, bit for bit, and say the same of them. */
  areSame(before: Uint8Array, after: Uint8Array): boolean {
    const a = checkBlock(before);
    const b = checkBlock(after);
    if (a === undefined || b === undefined || describe(a) !== describe(b)) return false;
    const count = readTicks(this.#codec, before, a, this.#before);
    if (count < 0 || readTicks(this.#codec, after, b, this.#after) !== count) return false;
    const bytes = count * RECORD_BYTES;
    return Buffer.compare(this.#before.u8.subarray(0, bytes), this.#after.u8.subarray(0, bytes)) === 0;
  }
}

/** What a header says, but for how its block is packed. */
function describe(header: BlockHeader): string {
  return JSON.stringify({ ...header, version: 0, compressor: 0 });
}
