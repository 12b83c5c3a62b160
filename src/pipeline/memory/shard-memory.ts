/**
 * The memory of one shard, in one piece: what sequences ticks is a WebAssembly module, which sees one memory only, and is
 * to read them in the raw rings and leave them in the broadcast ring without a copy on the way.
 *
 * ```
 * 0 the module's own part, private to the shard's thread (pipeline/shard/wasm/layout.ts)
 * … the broadcast ring (broadcast-ring.ts)
 * … the raw ring of each feed (spsc-ring.ts)
 * ```
 *
 * Each begins at a multiple of 128. Whoever else reads or writes a ring sees no more than that ring.
 */

import { broadcastBytes } from './broadcast-ring.js';
import { slotsBytes } from './spsc-ring.js';
import { STATE_BYTES, STATES_AT } from './state-layout.js';

const PAGE_BYTES = 65_536;
const PAGES_MAX = 65_536;
/** Bytes that a symbol takes beside its state: a mid price, and an entry in the list of changed symbols. */
const LIST_BYTES = 12;

export interface ShardMemory {
  memory: WebAssembly.Memory;
  broadcast: Uint8Array;
  /** By feed. */
  raw: Uint8Array[];
}

/** @throws RangeError when it is more than a WebAssembly memory can be, or than there is */
export function allocateShard(
  maxSymbols: number,
  ringSlots: number,
  rawSlots: number,
  feeds: number,
): ShardMemory {
  const own = moduleBytes(maxSymbols);
  const ring = broadcastBytes(ringSlots);
  const raw = slotsBytes(rawSlots);
  const memory = allocateBytes(own + ring + feeds * raw);
  const { buffer } = memory;
  return {
    memory,
    broadcast: new Uint8Array(buffer, own, ring),
    raw: Array.from({ length: feeds }, (_, feed) => new Uint8Array(buffer, own + ring + feed * raw, raw)),
  };
}

/** Memory for a module alone: of who sequences ticks outside of an engine. */
export function allocateModule(maxSymbols: number): WebAssembly.Memory {
  return allocateBytes(moduleBytes(maxSymbols));
}

/** Bytes of the module's part of a shard's memory. */
function moduleBytes(maxSymbols: number): number {
  return STATES_AT + Math.ceil((maxSymbols * (STATE_BYTES + LIST_BYTES)) / 128) * 128;
}

function allocateBytes(bytes: number): WebAssembly.Memory {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  if (pages > PAGES_MAX) {
    throw new RangeError(`a shard's rings and symbols would take ${bytes} bytes, of at most 4 GiB`);
  }
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}
