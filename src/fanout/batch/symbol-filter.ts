/** The names and patterns of a subscription, resolved to symbols. Equal lists share one `SymbolFilter`. */
import { createHash } from 'node:crypto';
import { isPattern, matchesPattern, parsePattern } from '../../core/pattern.js';
import { ENGINE_SYMBOL } from '../../core/tick.js';
import { turn } from '../../pipeline/memory/doorbell.js';
import type { Registry } from '../../pipeline/memory/registry.js';
import { Quotas } from '../access/quota.js';

/** Symbols that the tables of a filter have room for at least. */
const CAPACITY_MIN = 1_024;
/** A list with more symbols than this has an index; a shorter list is scanned. */
const LONG_LIST = 32;
/** Symbols matched against patterns between two reads of the clock. */
const CLOCK_EVERY = 128;
/** Comparisons with patterns that are made at once, in some milliseconds. More are made in slices. */
const COMPARISONS_AT_ONCE = 65_536;
const SLICE_MS = 2;
/** Bytes of one list entry. */
const LIST_ENTRY_BYTES = 8;

/** The names and patterns of a subscribe request, looked up in the registry. */
export interface Wanted {
  /** All names and patterns, each once. */
  symbols: string[];
  /** Ids of the names that are defined. */
  ids: number[];
  /** Names that no source has defined so far. */
  unknown: string[];
  patterns: string[];
}

export class SymbolFilter {
  /** By symbolId: 1 = selected. Ids beyond the end are not. The engine's own symbol is always selected. */
  bits = new Uint8Array(0);
  /** By shard: ids of the selected symbols. Lists only grow. */
  readonly lists: number[][];
  /** Symbols that were added or redefined since the filter was made. Subscribers must be informed of them. */
  readonly news: number[] = [];
  users = 0;
  /** Bytes counted against the quota for this filter. */
  counted = 0;
  /** Whether the filter selects every symbol, present and future. */
  readonly isAll: boolean;
  readonly #unknown: Set<string>;
  readonly #patterns: string[][];
  #listIndex: Uint32Array | null = null;
  /** While patterns are being matched: the ids of the plain names, and the next symbol to match. */
  #ids: Set<number> | null;
  #next = 1;

  constructor(
    readonly key: string,
    wanted: Wanted,
    /** Address whose quota the filter counts against: that of the first subscriber. */
    readonly address: string,
    readonly registry: Registry,
    shards: number,
  ) {
    this.lists = Array.from({ length: shards }, () => []);
    this.#unknown = new Set(wanted.unknown);
    this.#patterns = wanted.patterns.map(parsePattern);
    this.isAll = wanted.patterns.some((pattern) => /^\*+$/.test(pattern));
    this.grow();
    this.#ids = this.#patterns.length === 0 ? null : new Set(wanted.ids);
    if (this.#ids !== null) return;
    for (const id of wanted.ids) this.#add(id);
    this.#next = registry.symbolCount;
  }

  /** Matches further symbols until a monotonic time in milliseconds. True once every symbol has been matched. */
  matchSymbols(untilMs = Number.POSITIVE_INFINITY): boolean {
    this.grow();
    const { symbolCount } = this.registry;
    while (this.#next < symbolCount) {
      const end = Math.min(symbolCount, this.#next + CLOCK_EVERY);
      for (; this.#next < end; this.#next++) this.#consider(this.#next);
      if (this.#next < symbolCount && performance.now() >= untilMs) return false;
    }
    this.#ids = null;
    return true;
  }

  /** Makes room for every symbol that is defined. */
  grow(): void {
    const { symbolCount, maxSymbols } = this.registry;
    if (this.bits.length >= symbolCount && this.bits.length > 0) return;
    let capacity = CAPACITY_MIN;
    while (capacity < symbolCount) capacity *= 2;
    capacity = Math.min(capacity, maxSymbols);
    const { bits } = this;
    this.bits = new Uint8Array(capacity);
    this.bits.set(bits);
    this.bits[ENGINE_SYMBOL] = 1;
    this.#listIndex = null;
  }

  /** By symbolId: 1 + its index in the list of its shard; 0 = not selected. */
  get listIndex(): Uint32Array {
    if (this.#listIndex === null) {
      this.#listIndex = new Uint32Array(this.bits.length);
      for (const list of this.lists) for (let i = 0; i < list.length; i++) this.#listIndex[list[i]] = i + 1;
    }
    return this.#listIndex;
  }

  /** Whether the list of a shard is so long that `listIndex` finds a symbol sooner than a scan. */
  isLong(shard: number): boolean {
    return this.lists[shard].length > LONG_LIST;
  }

  /** Bytes of its tables. */
  get bytes(): number {
    let listed = 0;
    let isLong = false;
    for (const list of this.lists) {
      listed += list.length;
      isLong ||= list.length > LONG_LIST;
    }
    const indexBytes = isLong ? this.bits.length * Uint32Array.BYTES_PER_ELEMENT : 0;
    return this.bits.length + indexBytes + listed * LIST_ENTRY_BYTES;
  }

  /** Names without a pattern that no source has defined so far. */
  unknown(): string[] {
    return [...this.#unknown];
  }

  get unknownCount(): number {
    return this.#unknown.size;
  }

  get patternCount(): number {
    return this.#patterns.length;
  }

  /** Takes in a symbol that was defined or redefined after the filter was made. */
  learn(id: number): void {
    if (this.bits[id] === 1 || this.#consider(id)) this.news.push(id);
  }

  #consider(id: number): boolean {
    const name = this.registry.symbols[id]?.name;
    if (name === undefined) return false;
    const isNamed = this.#unknown.delete(name) || this.#ids?.has(id) === true;
    if (!isNamed && !this.isAll && !this.#patterns.some((p) => matchesPattern(p, name))) return false;
    this.#add(id);
    return true;
  }

  #add(id: number): void {
    if (this.bits[id] === 1) return;
    this.bits[id] = 1;
    const list = this.lists[this.registry.bucket[id] % this.lists.length];
    list.push(id);
    if (this.#listIndex !== null) this.#listIndex[id] = list.length;
  }
}

export class SymbolFilters {
  readonly #byKey = new Map<string, SymbolFilter>();
  #versions: number[] = [];
  #seen = 0;
  /** Resolves when the last filter that is made in slices is complete. */
  #making: Promise<unknown> = Promise.resolve();

  constructor(
    readonly registry: Registry,
    readonly shards: number,
    readonly quotas = new Quotas(),
  ) {
    this.#noteVersions();
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** Looks up the names and patterns of a subscribe request. */
  want(named: readonly string[]): Wanted {
    this.refresh();
    const wanted: Wanted = { symbols: [...new Set(named)], ids: [], unknown: [], patterns: [] };
    for (const symbol of wanted.symbols) {
      if (isPattern(symbol)) {
        wanted.patterns.push(symbol);
        continue;
      }
      const [name] = parsePattern(symbol);
      const id = this.registry.symbolId(name);
      if (id !== undefined) wanted.ids.push(id);
      else wanted.unknown.push(name);
    }
    return wanted;
  }

  /** The limit that a filter would exceed for an address, as the end of a sentence; null where it fits. */
  refusal(wanted: Wanted, address: string): string | null {
    const { unknownNames, patterns } = this.quotas;
    const { unknown } = wanted;
    const ofNames = unknown.length > 0 ? unknownNames.exceededBy(address, unknown.length) : null;
    const ofPatterns =
      wanted.patterns.length > 0 ? patterns.exceededBy(address, wanted.patterns.length) : null;
    if (ofNames !== null) return `names that no source has defined, ${ofNames}`;
    return ofPatterns === null ? null : `patterns, ${ofPatterns}`;
  }

  /** Whether some subscription has the same list. */
  has(wanted: Wanted): boolean {
    return this.#byKey.has(keyOf(wanted));
  }

  /** Finds or makes the filter of a list at once. `release` must be called once per user. */
  acquire(symbols: readonly string[], address = ''): SymbolFilter {
    const filter = this.#find(this.want(symbols), address);
    filter.matchSymbols();
    return this.#use(filter);
  }

  /**
   * Finds or makes a filter: at once, or, where there is much to match, in slices between which the event loop runs.
   * `release` must be called once per user.
   */
  take(wanted: Wanted, address: string): SymbolFilter | Promise<SymbolFilter> {
    const filter = this.#find(wanted, address);
    const comparisons = wanted.patterns.length * this.registry.symbolCount;
    if (filter.users > 0 || filter.isAll || comparisons <= COMPARISONS_AT_ONCE) {
      filter.matchSymbols();
      return this.#use(filter);
    }
    // Filters are made one after the other, so that one turn of the event loop has at most one slice.
    const making = this.#making.then(async () => {
      while (!filter.matchSymbols(performance.now() + SLICE_MS)) await turn();
      this.refresh();
      filter.matchSymbols();
      // Another subscription may have made the same filter meanwhile.
      return this.#use(this.#byKey.get(filter.key) ?? filter);
    });
    this.#making = making.catch(() => {});
    return making;
  }

  #find(wanted: Wanted, address: string): SymbolFilter {
    const key = keyOf(wanted);
    return this.#byKey.get(key) ?? new SymbolFilter(key, wanted, address, this.registry, this.shards);
  }

  #use(filter: SymbolFilter): SymbolFilter {
    if (filter.users++ > 0) return filter;
    this.#byKey.set(filter.key, filter);
    this.quotas.unknownNames.add(filter.address, filter.unknownCount);
    this.quotas.patterns.add(filter.address, filter.patternCount);
    this.#count(filter, filter.bytes);
    return filter;
  }

  #count(filter: SymbolFilter, bytes: number): void {
    this.quotas.filterBytes.add(filter.address, bytes - filter.counted);
    filter.counted = bytes;
  }

  release(filter: SymbolFilter): void {
    if (--filter.users > 0) return;
    this.#byKey.delete(filter.key);
    this.quotas.unknownNames.add(filter.address, -filter.unknownCount);
    this.quotas.patterns.add(filter.address, -filter.patternCount);
    this.#count(filter, 0);
  }

  /** Whether other code on this thread has refreshed the registry since. Encoders use the digits of the registry. */
  get isBehind(): boolean {
    return this.registry.seen !== this.#seen;
  }

  /** Takes in the symbols that other threads defined. Cheap when there are none. */
  refresh(): void {
    this.registry.refresh();
    if (!this.isBehind) return;
    const changed: number[] = [];
    for (let id = 1; id < this.registry.symbolCount; id++) {
      if (this.registry.version[id] !== this.#versions[id]) changed.push(id);
    }
    for (const filter of this.#byKey.values()) this.#update(filter, changed);
    this.#noteVersions();
  }

  #update(filter: SymbolFilter, symbols: readonly number[]): void {
    const before = filter.unknownCount;
    filter.grow();
    for (const id of symbols) filter.learn(id);
    this.quotas.unknownNames.add(filter.address, filter.unknownCount - before);
    this.#count(filter, filter.bytes);
  }

  #noteVersions(): void {
    this.#seen = this.registry.seen;
    this.#versions = Array.from(this.registry.version.subarray(0, this.registry.symbolCount));
  }
}

/** A digest, equal for equal lists only: a list may be long, and a client may choose its names to cause collisions. */
function keyOf(wanted: Wanted): string {
  return createHash('sha256')
    .update(JSON.stringify([...wanted.symbols].sort()))
    .digest('base64');
}
