/**
 * Keys of blocks: 14 bytes, big-endian, so that their order is that of the log.
 *
 * ```
 * 0 u32 epoch │ 4 u16 shard │ 6 u64 first seq (as two u32; seqs stay below 2^53)
 * ```
 */
export const KEY_BYTES = 14;
const WORD = 2 ** 32;

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
