/** Visits the pages of an LMDB file with plain reads: each must have the right kind, be in one tree only, and not be free. */
import { readSync } from 'node:fs';
import {
  METAS,
  type Meta,
  NUMBERS,
  PAGE_HEADER_BYTES,
  PageFlag,
  readTree,
  TREE_BYTES,
  type Tree,
} from './lmdb-file.js';

const NODE_BYTES = 8;
const NodeFlag = { large: 1, tree: 2 } as const;
/** The reference to a large value: u64 page │ u64 txn │ u64 pages. */
const LARGE_BYTES = 24;
const DEPTH_MAX = 32;
/** Bytes of a txn, the key of a list of free pages. */
const TXN_BYTES = 8;

/** A key and its value. */
interface Value {
  key: Buffer;
  bytes: Buffer;
}

/** The damage of a file, as half a sentence. */
export class Damage extends Error {}

/** Visits all trees of a txn, and its lists of free pages. */
export class Walk {
  readonly #page: Buffer;
  /** By page: 1 = a tree has it. */
  readonly #seen: Uint8Array;
  #left: number;

  constructor(
    readonly fd: number,
    readonly meta: Meta,
    pagesMax: number,
  ) {
    this.#page = Buffer.alloc(meta.pageBytes);
    this.#seen = new Uint8Array(meta.lastPage + 1);
    this.#left = pagesMax;
  }

  all(): void {
    const trees: Tree[] = [];
    // The other values of the tree may be a whole log, so they are not read.
    this.#tree(this.meta.main, ({ bytes }) => trees.push(readTree(bytes, 0)), true);
    for (const tree of trees) {
      if ((tree.flags & ~NUMBERS) !== 0) throw new Damage(`a tree is of an unknown kind, ${tree.flags}`);
      this.#tree(tree);
    }
    const lists: Value[] = [];
    this.#tree(this.meta.free, (value) => lists.push(value));
    // Only a writer uses free pages, and a page is known to be free only after all trees were visited.
    if (this.#left !== Number.POSITIVE_INFINITY) return;
    let txn = 0n;
    for (const list of lists) txn = this.#free(list, txn);
  }

  /**
   * Checks a list of free pages, which lmdb overwrites without any check: i64 count │ i64 × count: a page; or minus a
   * number of pages, then the first of these pages; or 0 for nothing.
   * @param after the txn of the list before
   * @returns the txn of this list
   */
  #free({ key, bytes }: Value, after: bigint): bigint {
    const txn = key.length === TXN_BYTES ? key.readBigUInt64LE() : 0n;
    const count = bytes.length < 8 ? Number.NaN : Number(bytes.readBigInt64LE(0));
    const isOne =
      txn > after && txn <= BigInt(this.meta.txn) && count >= 0 && (count + 1) * 8 <= bytes.length;
    if (!isOne) throw new Damage('a list of its free pages is not valid');
    for (let i = 1; i <= count; i++) {
      let page = Number(bytes.readBigInt64LE(i * 8));
      if (page === 0) continue;
      const pages = page < 0 ? -page : 1;
      if (page < 0) page = i < count ? Number(bytes.readBigInt64LE(++i * 8)) : 0;
      if (!(page >= METAS && page + pages - 1 <= this.meta.lastPage)) {
        throw new Damage(`page ${page} is listed as free and is beyond the last page, ${this.meta.lastPage}`);
      }
      for (let n = page; n < page + pages; n++) {
        if (this.#seen[n] === 1) throw new Damage(`page ${n} is listed as free and is in a tree`);
      }
    }
    return txn;
  }

  /** @param isOnlyTrees whether `onValue` gets only the values that are trees */
  #tree(tree: Tree, onValue?: (value: Value) => void, isOnlyTrees = false): void {
    if (tree.root < 0) return;
    if (tree.depth < 1 || tree.depth > DEPTH_MAX) throw new Damage(`a tree has depth ${tree.depth}`);
    const open: { number: number; depth: number }[] = [{ number: tree.root, depth: 1 }];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (this.#left-- <= 0) return;
      const isLeaf = next.depth === tree.depth;
      this.#read(next.number, isLeaf);
      const { number, depth } = next;
      const children: typeof open = [];
      this.#nodes(number, (node) => {
        if (isLeaf) return this.#leaf(number, node, isOnlyTrees, onValue);
        children.push({ number: this.#child(node), depth: depth + 1 });
        return 0;
      });
      // The last pushed child is visited first: so values are visited in the order of their keys.
      open.push(...children.reverse());
    }
  }

  /** Marks pages as used; only one tree may use a page. */
  #take(number: number, count: number): void {
    if (!(number >= METAS && number + count - 1 <= this.meta.lastPage)) {
      throw new Damage(`it refers to page ${number}, beyond its last one, ${this.meta.lastPage}`);
    }
    for (let n = number; n < number + count; n++) {
      if (this.#seen[n] === 1) throw new Damage(`page ${n} is referred to twice`);
      this.#seen[n] = 1;
    }
  }

  #read(number: number, isLeaf: boolean): void {
    this.#take(number, 1);
    const page = this.#page;
    const { pageBytes } = this.meta;
    const kind = isLeaf ? PageFlag.leaf : PageFlag.branch;
    const isOne =
      readSync(this.fd, page, 0, pageBytes, number * pageBytes) === pageBytes &&
      page.readBigUInt64LE(0) === BigInt(number) &&
      page.readUInt16LE(18) === kind;
    // lmdb would write to a page of an uncommitted transaction.
    const isCommitted = page.readBigUInt64LE(8) <= BigInt(this.meta.txn);
    if (!isOne || !isCommitted)
      throw new Damage(`page ${number} is not a ${isLeaf ? 'leaf' : 'branch'} of it`);
  }

  /** Calls `onNode` with the offset of each node of the page that was read; `onNode` returns the bytes of its value. */
  #nodes(number: number, onNode: (at: number) => number): void {
    const page = this.#page;
    const space = this.meta.pageBytes - PAGE_HEADER_BYTES;
    const lower = page.readUInt16LE(20);
    const upper = page.readUInt16LE(22);
    const isSane = lower >= 2 && lower % 2 === 0 && lower <= upper && upper <= space;
    if (!isSane) throw new Damage(`the bounds of page ${number} are not valid`);
    let filled = 0;
    for (let i = 0; i < lower; i += 2) {
      const at = page.readUInt16LE(PAGE_HEADER_BYTES + i);
      if (at < upper || at + NODE_BYTES > space)
        throw new Damage(`an entry of page ${number} lies beyond it`);
      const node = PAGE_HEADER_BYTES + at;
      const bytes = NODE_BYTES + page.readUInt16LE(node + 6);
      if (node + bytes > this.meta.pageBytes) throw new Damage(`a key of page ${number} reaches beyond it`);
      filled += Math.ceil((bytes + onNode(node)) / 2) * 2;
    }
    // lmdb moves entries by their sizes, without a check of the bytes behind them.
    if (filled !== space - upper)
      throw new Damage(`the entries of page ${number} do not fill their part of the page`);
  }

  #child(node: number): number {
    return this.#page.readUInt32LE(node) + this.#page.readUInt16LE(node + 4) * 2 ** 32;
  }

  /** Returns the bytes of the value that are in the page. */
  #leaf(number: number, node: number, isOnlyTrees: boolean, onValue?: (value: Value) => void): number {
    const page = this.#page;
    const { pageBytes } = this.meta;
    const bytes = page.readUInt32LE(node);
    const flags = page.readUInt16LE(node + 4);
    const at = node + NODE_BYTES + page.readUInt16LE(node + 6);
    const isLarge = flags === NodeFlag.large;
    const isTree = flags === NodeFlag.tree;
    if (flags !== 0 && !isLarge && !isTree) throw new Damage(`an entry of page ${number} has unknown flags`);
    const inPage = isLarge ? LARGE_BYTES : bytes;
    if (at + inPage > pageBytes || (isTree && bytes !== TREE_BYTES)) {
      throw new Damage(`a value of page ${number} reaches beyond it`);
    }
    let large = 0;
    if (isLarge) {
      const pages = Math.floor((PAGE_HEADER_BYTES - 1 + bytes) / pageBytes) + 1;
      if (Number(page.readBigUInt64LE(at + 16)) !== pages)
        throw new Damage(`a value of page ${number} has a wrong size`);
      large = Number(page.readBigUInt64LE(at));
      this.#take(large, pages);
    }
    if (onValue === undefined || (isOnlyTrees && !isTree)) return inPage;
    const key = Buffer.from(page.subarray(node + NODE_BYTES, at));
    const value = Buffer.alloc(bytes);
    if (isLarge) readSync(this.fd, value, 0, bytes, large * pageBytes + PAGE_HEADER_BYTES);
    else page.copy(value, 0, at, at + bytes);
    onValue({ key, bytes: value });
    return inPage;
  }
}
