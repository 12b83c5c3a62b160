/**
 * Keys of a segment: 14 bytes, big-endian, so that their order is that of the log.
 *
 * ```
 * 0 u32 epoch │ 4 u16 shard; top bit set: a page of the index, its level in bits 12-13 │ 6 u64 first seq (as two u32; below 2^53)
 * ```
 */
const KEY_BYTES = 14;
const WORD = 2 ** 32;
const PAGE_BIT = 0x8000;
const LEVEL_SHIFT = 12;

export interface BlockKey {
  epoch: number;
  shard: number;
  firstSeq: number;
}

export function blockKey(epoch: number, shard: number, firstSeq: number): Buffer {
  const key = Buffer.allocUnsafe(KEY_BYTES);
  key.writeUInt32BE(epoch, 0);
  key.writeUInt16BE(shard, 4);
  key.writeUInt32BE(Math.floor(firstSeq / WORD), 6);
  key.writeUInt32BE(firstSeq % WORD, 10);
  return key;
}

export function parseKey(key: Uint8Array): BlockKey {
  const k = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return {
    epoch: k.readUInt32BE(0),
    shard: k.readUInt16BE(4),
    firstSeq: k.readUInt32BE(6) * WORD + k.readUInt32BE(10),
  };
}

/** The key of an index page, by the first seq that it covers: pages are sorted apart from all blocks of their epoch. */
export function pageKey(level: number, epoch: number, shard: number, firstSeq: number): Buffer {
  return blockKey(epoch, shard | PAGE_BIT | (level << LEVEL_SHIFT), firstSeq);
}

export function isPageKey(key: Uint8Array): boolean {
  return (parseKey(key).shard & PAGE_BIT) !== 0;
}
