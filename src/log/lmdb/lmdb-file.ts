/**
 * The parts of LMDB's file format that the log reads with plain reads: before lmdb maps the file, and for its used size.
 *
 * ```
 * page     0 u64 page number │ 8 u64 txn │ 16 u16 │ 18 u16 flags │ 20 u16 lower │ 22 u16 upper │ 24 …
 *          of an overflow page: 20 u32 number of pages
 * meta    24 u32 magic │ 28 u32 version │ 32 u64 │ 40 u64 map size │ 48 tree of free pages │ 96 main tree
 *        144 u64 last page │ 152 u64 txn │ 160 i64 boot
 * tree     0 u32 page size (of free pages) │ 4 u16 flags │ 6 u16 depth
 *          8 u64 branch pages │ 16 u64 leaf pages │ 24 u64 overflow pages │ 32 u64 entries │ 40 u64 root
 * ```
 *
 * Little-endian, as on all machines that lmdb is built for here. Pages 0 and 1 are metas; the meta with the higher txn
 * counts. A third meta, half a page into page 0, is the last txn that was flushed.
 */
import { readFileSync, readSync, writeSync } from 'node:fs';

export const PAGE_HEADER_BYTES = 24;
export const TREE_BYTES = 48;
export const PageFlag = { branch: 1, leaf: 2, overflow: 4, meta: 8 } as const;
/** Pages 0 and 1. */
export const METAS = 2;
const MAGIC = 0xbeefc0de;
const VERSION = 2;
const PAGE_BYTES_MIN = 256;
const PAGE_BYTES_MAX = 65_536;
const FREE_TREE_AT = 48;
const MAIN_TREE_AT = 96;
const META_END = 168;
/** The part of a meta behind magic and version. */
const META_STATE_AT = 40;
const META_TXN_AT = 152;
const NO_ROOT = 2n ** 64n - 1n;

export interface Tree {
  flags: number;
  depth: number;
  entries: number;
  /** Page number; −1 = empty. */
  root: number;
}

export interface Meta {
  /** Offset in the file. */
  at: number;
  pageBytes: number;
  free: Tree;
  main: Tree;
  lastPage: number;
  txn: number;
  /** The boot of the machine in which the meta was written; 0 = unknown. */
  boot: bigint;
  /** Whether the meta may be on the disk before the pages that it refers to. */
  isAhead: boolean;
}

export function readTree(bytes: Buffer, at: number): Tree {
  const root = bytes.readBigUInt64LE(at + 40);
  return {
    flags: bytes.readUInt16LE(at + 4),
    depth: bytes.readUInt16LE(at + 6),
    entries: Number(bytes.readBigUInt64LE(at + 32)),
    root: root === NO_ROOT ? -1 : Number(root),
  };
}

/** Flags of trees: keys are numbers. */
export const NUMBERS = 8;
/** More flags of the tree of free pages: the txn was not yet flushed when written; the file is in no folder of its own. */
const AHEAD = 0x1000;
const NO_FOLDER = 0x4000;

function readMeta(fd: number, at: number, isFlushed = false): Meta | undefined {
  const bytes = Buffer.alloc(META_END);
  if (readSync(fd, bytes, 0, META_END, at) !== META_END) return undefined;
  const pageBytes = bytes.readUInt32LE(FREE_TREE_AT);
  const isOne =
    (isFlushed ||
      ((bytes.readUInt16LE(18) & PageFlag.meta) !== 0 &&
        bytes.readUInt32LE(24) === MAGIC &&
        bytes.readUInt32LE(28) === VERSION)) &&
    pageBytes >= PAGE_BYTES_MIN &&
    pageBytes <= PAGE_BYTES_MAX &&
    (pageBytes & (pageBytes - 1)) === 0;
  if (!isOne) return undefined;
  const free = readTree(bytes, FREE_TREE_AT);
  const main = readTree(bytes, MAIN_TREE_AT);
  // With other flags lmdb would take the file for an encrypted one, or a value for a page.
  if ((free.flags & ~(AHEAD | NO_FOLDER)) !== NUMBERS || main.flags !== 0) return undefined;
  return {
    at,
    pageBytes,
    boot: bytes.readBigInt64LE(160),
    isAhead: (free.flags & AHEAD) !== 0,
    free,
    main,
    lastPage: Number(bytes.readBigUInt64LE(144)),
    txn: Number(bytes.readBigUInt64LE(META_TXN_AT)),
  };
}

/** The two metas of a data file; undefined for a page that is no meta. */
export function readMetas(fd: number): [Meta | undefined, Meta | undefined] {
  const first = readMeta(fd, 0);
  return [first, readMeta(fd, first?.pageBytes ?? 4096)];
}

/** The newest txn; undefined when one of the first two pages is no meta. */
export function newestMeta(fd: number): Meta | undefined {
  const [first, second] = readMetas(fd);
  if (first === undefined || second === undefined) return undefined;
  return first.txn >= second.txn ? first : second;
}

/** The txn that was flushed last; undefined when the file does not say. */
export function readFlushed(fd: number, pageBytes: number): Meta | undefined {
  const meta = readMeta(fd, pageBytes / 2, true);
  return meta === undefined || meta.txn === 0 ? undefined : meta;
}

/** The bytes of a meta as lmdb writes them once its pages are on the disk. */
function stateOf(fd: number, { at }: Meta): Buffer {
  const bytes = Buffer.alloc(META_END);
  readSync(fd, bytes, 0, META_END, at);
  const flagsAt = FREE_TREE_AT + 4;
  bytes.writeUInt16LE(bytes.readUInt16LE(flagsAt) & ~AHEAD, flagsAt);
  return bytes;
}

function writeState(fd: number, state: Buffer, at: number): void {
  writeSync(fd, state, META_STATE_AT, META_END - META_STATE_AT, at + META_STATE_AT);
}

/** Notes that the file is flushed up to a txn. */
export function writeFlushed(fd: number, meta: Meta): void {
  writeState(fd, stateOf(fd, meta), meta.pageBytes / 2);
}

/** Goes back to a txn: both metas get its state, as lmdb itself does after a crash. */
export function writeMetas(fd: number, meta: Meta): void {
  const state = stateOf(fd, meta);
  for (const txn of [meta.txn, meta.txn - 1]) {
    state.writeBigUInt64LE(BigInt(txn), META_TXN_AT);
    writeState(fd, state, (txn % METAS) * meta.pageBytes);
  }
}

/** The id of the machine's boot, as lmdb stores it. */
export function bootId(): bigint {
  try {
    const [hex] = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').split('-');
    return BigInt(`0x${hex}`);
  } catch {
    return 0n;
  }
}
