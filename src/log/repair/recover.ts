/**
 * Recovers a damaged log into a new folder: the undamaged blocks, the registry, the epochs. The damaged log is only read.
 * Ticks that cannot be recovered are a gap in the new log, which readers get as a gap.
 */
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { messageOf, TickwireError } from '../../core/errors.js';
import { BLOCK_TICKS, REGISTRY_BYTES, SYMBOLS_DEFAULT } from '../../core/limits.js';
import { RECORD_U32, Records, U32_SYMBOL } from '../../core/tick.js';
import { Registry } from '../../pipeline/memory/registry.js';
import { checkBlock } from '../format/block.js';
import { BlockCodec } from '../format/block-codec.js';
import { BlockSummaryReader } from '../format/block-summary-reader.js';
import { readTicks } from '../format/block-ticks.js';
import { blockKey } from '../format/keys.js';
import { rangesWithTimes } from '../index/segment-ranges.js';
import { ShardIndexWriter } from '../index/shard-index-writer.js';
import { commitPuts, flush, type Put } from '../lmdb/transaction.js';
import {
  type Catalog,
  checkpointPut,
  epochPut,
  identityPuts,
  logFolder,
  openCatalog,
  readCheckpoint,
  readEpochs,
  readLogId,
  sealed,
  segmentPuts,
  unsealed,
} from '../storage/catalog.js';
import { FolderLock } from '../storage/folder-lock.js';
import { importPut, readImports } from '../storage/imports.js';
import type { LogStore } from '../storage/log-store.js';
import { blocksOfLog } from '../storage/salvage.js';
import { blocksOfSegment, type SegmentBlock } from '../storage/segment-blocks.js';
import type { SegmentRecord } from '../storage/segment-record.js';
import { bytesOfSegment, openSegment, rangesOf, type Segment, segmentPath } from '../storage/segments.js';

/** Blocks of a transaction. */
const COMMIT_BLOCKS = 64;
/** Prefix of the name of a symbol whose definition is lost; its id follows. */
const LOST_NAME = 'LOST.';

export interface RecoveryResult {
  segments: number;
  blocks: number;
  ticks: number;
  /** Blocks that could not be saved. */
  lostBlocks: number;
  /** Symbols whose names are lost; their ticks are saved under `LOST.<id>`. */
  lostSymbols: number;
  /** What else went wrong, in sentences. */
  troubles: string[];
}

/**
 * @param target a folder without a log; created if it is missing
 * @param turn awaited from time to time; true stops, and nothing is left in the target
 * @throws TickwireError bad_input when the target has a log already, data_folder_unusable
 */
export async function recoverLog(
  from: LogStore,
  target: string,
  turn: (blocks: number) => Promise<boolean>,
): Promise<RecoveryResult> {
  if (
    path.resolve(target) === path.resolve(from.dataFolder) ||
    existsSync(path.join(logFolder(target), 'data.mdb'))
  ) {
    throw new TickwireError('bad_input', `There is a log in ${target} already: name a folder without one.`);
  }
  const isNew = !existsSync(target);
  let isWhole = false;
  const lock = FolderLock.take(target);
  try {
    const to = openCatalog(target, { sync: 'every-commit' });
    try {
      lock.coverLog();
      const recovered = await new Recovery(from, to, target).run(turn);
      isWhole = true;
      return recovered;
    } finally {
      await to.root.close();
    }
  } finally {
    lock.release();
    if (!isWhole) rmSync(isNew ? target : logFolder(target), { recursive: true, force: true });
  }
}

class Recovery {
  readonly result: RecoveryResult = {
    segments: 0,
    blocks: 0,
    ticks: 0,
    lostBlocks: 0,
    lostSymbols: 0,
    troubles: [],
  };
  readonly #codec = new BlockCodec();
  readonly #records = Records.allocate(BLOCK_TICKS);
  #highestId = 0;

  constructor(
    readonly from: LogStore,
    readonly to: Catalog,
    readonly target: string,
  ) {}

  async run(turn: (blocks: number) => Promise<boolean>): Promise<RecoveryResult> {
    const { from, to } = this;
    const written: SegmentRecord[] = [];
    for (const record of from.segments()) {
      const segment = await this.#segment(record, turn);
      if (segment === undefined || (await turn(this.result.blocks)))
        throw new TickwireError('unsupported', 'The recovery was stopped: nothing was written.');
      if (segment.ranges!.length > 0) written.push(segment);
    }
    const puts: Put[] = [
      ...identityPuts(to, readLogId(from.catalog)),
      ...segmentPuts(to, written),
      ...readEpochs(from.catalog).map((epoch) => epochPut(to, epoch)),
      ...readImports(from.catalog).map((record) => importPut(to, record)),
      ...this.#registry(),
      ...this.#state(),
    ];
    // One transaction: before this commit the folder has no log.
    await commitPuts(to.root, puts);
    await flush(to.root);
    return this.result;
  }

  /** Copies the undamaged blocks of a segment into a new, closed one; undefined when stopped. */
  async #segment(
    record: SegmentRecord,
    turn: (blocks: number) => Promise<boolean>,
  ): Promise<SegmentRecord | undefined> {
    const { result, target } = this;
    const fresh = openSegment(target, record.folder, { readOnly: false, sync: 'os' });
    try {
      if (!(await this.#copy(record, fresh, turn))) return undefined;
      await this.#index(fresh);
      await flush(fresh.blocks);
      const ranges = rangesWithTimes(fresh);
      const { number, folder, startsAt, compression } = record;
      const bytes = bytesOfSegment(target, folder);
      result.segments++;
      const saved = { number, folder, startsAt, closedAt: record.closedAt ?? Date.now(), ranges, bytes };
      return compression === undefined ? saved : { ...saved, compression };
    } finally {
      await fresh.blocks.close();
    }
  }

  /** Writes new index pages. */
  async #index(fresh: Segment): Promise<void> {
    for (const { epoch, shard } of rangesOf(fresh)) {
      const puts: Put[] = [];
      const writer = new ShardIndexWriter(epoch, shard, new BlockSummaryReader(this.#codec));
      const put = (key: Buffer, page: Uint8Array) => {
        puts.push({ key, value: Buffer.from(page), isNew: true });
      };
      writer.restore(fresh, put);
      writer.finish(put);
      await commitPuts(fresh.blocks, puts);
    }
  }

  #whyUnread({ folder }: SegmentRecord): string {
    const file = path.join(segmentPath(this.from.dataFolder, folder), 'data.mdb');
    return existsSync(file) ? 'its file is damaged' : 'its file is gone';
  }

  /** False when it was stopped. */
  async #copy(
    record: SegmentRecord,
    fresh: Segment,
    turn: (blocks: number) => Promise<boolean>,
  ): Promise<boolean> {
    const { from, result } = this;
    let puts: Put[] = [];
    try {
      const segment = from.open(record);
      if (segment === undefined) throw new Error(this.#whyUnread(record));
      for (const block of blocksOfSegment(segment)) {
        const put = this.#block(block);
        if (put !== undefined) puts.push(put);
        if (puts.length < COMMIT_BLOCKS) continue;
        await commitPuts(fresh.blocks, puts);
        puts = [];
        if (await turn(result.blocks)) return false;
      }
    } catch (error) {
      result.troubles.push(`Segment ${record.folder} cannot be read as it should: ${messageOf(error)}.`);
      if (puts.length > 0) await commitPuts(fresh.blocks, puts);
      puts = [];
      await this.#pages(record, fresh);
    }
    if (puts.length > 0) await commitPuts(fresh.blocks, puts);
    return true;
  }

  /** For a file with damaged trees: adds the blocks that a page-by-page search finds. */
  async #pages(record: SegmentRecord, fresh: Segment): Promise<void> {
    const folder = segmentPath(this.from.dataFolder, record.folder);
    if (!existsSync(path.join(folder, 'data.mdb'))) return;
    for (const { header, bytes } of blocksOfLog(this.from.catalog, folder)) {
      const { epoch, shard, firstSeq } = header;
      if (fresh.blocks.get(blockKey(epoch, shard, firstSeq)) !== undefined) continue;
      const put = this.#block({ key: { epoch, shard, firstSeq }, bytes });
      if (put !== undefined) await commitPuts(fresh.blocks, [{ ...put, value: Buffer.from(bytes) }]);
    }
  }

  /** The put of a block; undefined for a damaged block. */
  #block({ key, bytes }: SegmentBlock): Put | undefined {
    const { result } = this;
    const { epoch, shard, firstSeq } = key;
    const header = checkBlock(bytes);
    const isHere = header?.epoch === epoch && header.shard === shard && header.firstSeq === firstSeq;
    const count = header === undefined || !isHere ? -1 : readTicks(this.#codec, bytes, header, this.#records);
    if (count < 0) {
      result.lostBlocks++;
      return undefined;
    }
    result.blocks++;
    result.ticks += count;
    for (let i = 0; i < count; i++) {
      this.#highestId = Math.max(this.#highestId, this.#records.u32[i * RECORD_U32 + U32_SYMBOL]);
    }
    return { key: blockKey(epoch, shard, firstSeq), value: bytes, isNew: true };
  }

  /** The registry up to its first damaged byte, and new names for the ids behind it. */
  #registry(): Put[] {
    const { from, to, result } = this;
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (const { key, value } of from.catalog.registry.getRange({ start: 0 })) {
      const bytes = unsealed(value);
      if (bytes === undefined || key !== length) {
        result.troubles.push(`The registry of symbols is damaged from byte ${length} on.`);
        break;
      }
      chunks.push(bytes);
      length += bytes.length;
    }
    const symbolsMax = Math.max(SYMBOLS_DEFAULT, Math.ceil(length / 16), this.#highestId + 1);
    const registry = new Registry(Registry.allocate(REGISTRY_BYTES + length), symbolsMax);
    if (length > 0) registry.load(Buffer.concat(chunks));
    while (Math.max(1, registry.symbolCount) <= this.#highestId) {
      registry.defineSymbol({ name: `${LOST_NAME}${Math.max(1, registry.symbolCount)}`, digits: 0 });
      result.lostSymbols++;
    }
    const bytes = registry.bytesFrom(0);
    return bytes.length === 0 ? [] : [{ database: to.registry, key: 0, value: sealed(bytes), isNew: true }];
  }

  /** The undamaged entries of checkpoint and positions. */
  #state(): Put[] {
    const { from, to, result } = this;
    const puts: Put[] = [];
    for (const name of ['checkpoint', 'positions'] as const) {
      for (const { key, value } of from.catalog[name].getRange({ start: 0 })) {
        if (unsealed(value) === undefined) result.troubles.push(`Entry ${key} of the ${name} is damaged.`);
        else puts.push({ database: to[name], key, value, isNew: true });
      }
    }
    const record = readCheckpoint(from.catalog);
    if (record !== undefined) puts.push(checkpointPut(to, record));
    return puts;
  }
}
