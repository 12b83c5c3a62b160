/** Decoded blocks, some of them cached for the next read. */
import { RECORD_BYTES, Records } from '../../core/tick.js';
import { checkBlockAt, readHeader } from '../format/block.js';
import type { BlockCodec } from '../format/block-codec.js';
import { readTicks } from '../format/block-ticks.js';
import { parseKey } from '../format/keys.js';
import { type LogStore, lastSeqOfDamaged } from '../storage/log-store.js';

/** A block, decoded: either its ticks or why there are none. */
export interface Decoded {
  first: number;
  last: number;
  records: Records | undefined;
  gap: 'shed' | 'corrupt';
}

export class DecodedBlocks {
  /** How many were decoded so far. */
  count = 0;
  readonly #store: LogStore;
  readonly #codec: BlockCodec;
  /** By key, oldest use first. */
  readonly #cache = new Map<string, Decoded>();
  /** Memory of a block that left the cache, for the next one to be decoded. */
  #spare: Records | undefined;

  /** @param cacheBlocks how many to keep */
  constructor(
    store: LogStore,
    codec: BlockCodec,
    readonly cacheBlocks: number,
  ) {
    this.#store = store;
    this.#codec = codec;
  }

  /** Decodes a block, or finds it among those decoded before. */
  get(key: Uint8Array, bytes: Uint8Array): Decoded {
    const name = nameOf(key);
    const cached = this.#cache.get(name);
    if (cached !== undefined) {
      this.#cache.delete(name);
      this.#cache.set(name, cached);
      return cached;
    }
    const at = parseKey(key);
    const first = at.firstSeq;
    const header = checkBlockAt(at, bytes);
    if (header === undefined) {
      return { first, last: lastSeqOfDamaged(this.#store, key, bytes), records: undefined, gap: 'corrupt' };
    }
    if (header.shed) return { first, last: header.lastSeq, records: undefined, gap: 'shed' };
    const records = this.#room(header.lastSeq - first + 1);
    this.count++;
    const isWhole = readTicks(this.#codec, bytes, header, records) >= 0;
    const block: Decoded = {
      first,
      last: header.lastSeq,
      records: isWhole ? records : undefined,
      gap: 'corrupt',
    };
    this.#cache.set(name, block);
    for (const [oldest, { records: left }] of this.#cache) {
      if (this.#cache.size <= this.cacheBlocks) break;
      this.#cache.delete(oldest);
      if (left !== undefined) this.#spare = left;
    }
    return block;
  }

  /** Memory for a decoded block: that of one that left the cache, where it suffices. */
  #room(count: number): Records {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare !== undefined && spare.capacity >= count ? spare : Records.allocate(count);
  }

  /**
   * Decodes a whole block straight to record `at` of `into`, if it has no more ticks than `room` and is not kept.
   * @returns how many ticks; 0 where `get` is to be asked
   */
  decodeInto(key: Uint8Array, bytes: Uint8Array, into: Records, at: number, room: number): number {
    if (this.#cache.has(nameOf(key))) return 0;
    const said = readHeader(bytes);
    if (said === undefined || said.shed || said.lastSeq - said.firstSeq >= room) return 0;
    const header = checkBlockAt(parseKey(key), bytes);
    if (header === undefined) return 0;
    const count = header.lastSeq - header.firstSeq + 1;
    const place = new Records(into.u8.buffer, into.u8.byteOffset + at * RECORD_BYTES, count);
    if (readTicks(this.#codec, bytes, header, place) < 0) return 0;
    this.count++;
    return count;
  }

  clear(): void {
    this.#cache.clear();
  }
}

/** A block's name in the cache. */
function nameOf(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1');
}
