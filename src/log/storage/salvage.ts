/**
 * Finds the readable blocks in a segment's file with damaged trees: searches page by page, and accepts a block when its
 * checksum is right. Old copies in pages that lmdb has freed are found too; they are the same blocks.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { BLOCK_HEADER_BYTES, type BlockHeader, checkBlock, checksumSeed } from '../format/block.js';
import { blockKey } from '../format/keys.js';
import { PAGE_HEADER_BYTES, PageFlag } from '../lmdb/lmdb-file.js';
import { commitPuts, flush, type Put } from '../lmdb/transaction.js';
import { type Catalog, readEpoch } from './catalog.js';
import type { Segment } from './segments.js';

const PAGE_BYTES = 4096;
const NODE_BYTES = 8;
/** The most pages of a value: far more than a block has. */
const PAGES_MAX = 4_096;
const CRC_AT = 4;
const CRC_FROM = 8;

export interface FoundBlock {
  header: BlockHeader;
  /** Valid until the next one is asked for. */
  bytes: Buffer;
}

/** @param folder of the segment */
export function* blocksFound(folder: string): Generator<FoundBlock> {
  const fd = openSync(path.join(folder, 'data.mdb'), 'r');
  try {
    const { size } = fstatSync(fd);
    const page = Buffer.alloc(PAGE_BYTES);
    for (let at = 0; at + PAGE_BYTES <= size; at += PAGE_BYTES) {
      readSync(fd, page, 0, PAGE_BYTES, at);
      const flags = page.readUInt16LE(18);
      if ((flags & PageFlag.overflow) !== 0) {
        const found = largeBlock(fd, at, page.readUInt32LE(20));
        if (found !== undefined) yield found;
      } else if ((flags & PageFlag.leaf) !== 0) {
        yield* smallBlocks(page);
      }
    }
  } finally {
    closeSync(fd);
  }
}

/** The value that begins in a page. Only its number of pages is known, so the checksum decides its end. */
function largeBlock(fd: number, at: number, pages: number): FoundBlock | undefined {
  if (pages < 1 || pages > PAGES_MAX) return undefined;
  const value = Buffer.alloc(pages * PAGE_BYTES - PAGE_HEADER_BYTES);
  const got = readSync(fd, value, 0, value.length, at + PAGE_HEADER_BYTES);
  const due = value.readUInt32LE(CRC_AT);
  const first = Math.max(BLOCK_HEADER_BYTES, value.length - PAGE_BYTES + 1);
  if (got < first) return undefined;
  let crc = crc32(value.subarray(CRC_FROM, first), checksumSeed(value));
  for (let end = first; end <= got; end++) {
    if (crc === due) {
      const bytes = value.subarray(0, end);
      const header = checkBlock(bytes);
      if (header !== undefined) return { header, bytes };
    }
    if (end < got) crc = crc32(value.subarray(end, end + 1), crc);
  }
  return undefined;
}

/** The values that are stored in a leaf itself. */
function* smallBlocks(page: Buffer): Generator<FoundBlock> {
  const lower = Math.min(page.readUInt16LE(20), PAGE_BYTES - PAGE_HEADER_BYTES);
  for (let i = 0; i + 1 < lower; i += 2) {
    const node = PAGE_HEADER_BYTES + page.readUInt16LE(PAGE_HEADER_BYTES + i);
    if (node + NODE_BYTES > PAGE_BYTES) continue;
    const at = node + NODE_BYTES + page.readUInt16LE(node + 6);
    const bytes = page.subarray(Math.min(at, PAGE_BYTES), Math.min(at + page.readUInt32LE(node), PAGE_BYTES));
    const header = checkBlock(bytes);
    if (header !== undefined) yield { header, bytes };
  }
}

/** Bytes of one transaction. */
const COMMIT_BYTES = 16 * 1024 * 1024;

/**
 * The found blocks that were in the log, each once. Of blocks with the same first seq the longest counts: a failed commit
 * may leave a shorter one. Blocks beyond the end of a closed epoch were never in the log.
 */
export function* blocksOfLog(catalog: Catalog, folder: string): Generator<FoundBlock> {
  const longest = new Map<string, number>();
  for (const { header } of blocksFound(folder)) {
    const { epoch, shard, firstSeq, lastSeq } = header;
    if (firstSeq > (readEpoch(catalog, epoch)?.last?.[shard] ?? Number.POSITIVE_INFINITY)) continue;
    const name = nameOf(header);
    longest.set(name, Math.max(longest.get(name) ?? 0, lastSeq));
  }
  for (const found of blocksFound(folder)) {
    const name = nameOf(found.header);
    if (longest.get(name) !== found.header.lastSeq) continue;
    longest.delete(name);
    yield found;
  }
}

function nameOf({ epoch, shard, firstSeq }: BlockHeader): string {
  return `${epoch}/${shard}/${firstSeq}`;
}

/**
 * Copies all blocks that are found in a damaged file into a new segment.
 * @returns the number of blocks, and the missing seqs between them as text
 */
export async function salvage(
  catalog: Catalog,
  from: string,
  into: Segment,
): Promise<{ blocks: number; lost: string[] }> {
  const found: BlockHeader[] = [];
  let puts: Put[] = [];
  let bytes = 0;
  for (const { header, bytes: block } of blocksOfLog(catalog, from)) {
    const { epoch, shard, firstSeq } = header;
    found.push(header);
    puts.push({ key: blockKey(epoch, shard, firstSeq), value: Buffer.from(block), isNew: true });
    bytes += block.length;
    if (bytes < COMMIT_BYTES) continue;
    await commitPuts(into.blocks, puts);
    puts = [];
    bytes = 0;
  }
  if (puts.length > 0) await commitPuts(into.blocks, puts);
  await flush(into.blocks);
  return { blocks: found.length, lost: lostBetween(found) };
}

function lostBetween(headers: BlockHeader[]): string[] {
  headers.sort((a, b) => a.epoch - b.epoch || a.shard - b.shard || a.firstSeq - b.firstSeq);
  return headers.flatMap((header, i) => {
    const before = headers[i - 1];
    const follows =
      before === undefined ||
      before.epoch !== header.epoch ||
      before.shard !== header.shard ||
      before.lastSeq + 1 === header.firstSeq;
    if (follows) return [];
    return [
      `epoch ${header.epoch}, shard ${header.shard}, seqs ${before.lastSeq + 1}-${header.firstSeq - 1}`,
    ];
  });
}
