/** What a subscription filters: names and patterns, resolved to symbols. Equal lists share one `Watch`. */
import { createHash } from 'node:crypto';
import { isPattern, matchesPattern, parsePattern } from '../../core/pattern.js';
import { ENGINE_SYMBOL } from '../../core/tick.js';
import { turn } from '../../pipeline/memory/doorbell.js';
import type { Registry } from '../../pipeline/memory/registry.js';
import { Quotas } from '../access/quota.js';

/** Symbols that the tables of a filter have room for, at least. */
const CAPACITY_MIN = 1_024;
/** Symbols of a list from which on their places in it are kept: a short one is sooner looked through. */
const LONG_LIST = 32;
/** Symbols held against patterns between two looks at the time. */
const LOOK_EVERY = 128;
/** Comparisons with patterns that are made at once: some milliseconds. More are made in slices. */
const COMPARISONS_AT_ONCE = 65_536;
const SLICE_MS = 2;
/** Bytes of a place in a list. */
const LISTED_BYTES = 8;

/** What a subscribe names, looked up. */
export interface Wanted {
  /** All of it, each once. */
  symbols: string[];
  /** Ids of the names that are defined. */
  ids: number[];
  /** Names that no source has defined so far. */
  unknown: string[];
  patterns: string[];
}

export class SymbolFilter {
  /** By symbolId: 1 = watched; ids beyond its end are not. The engine's own symbol always is. */
  bits = new Uint8Array(0);
  /** By shard: the watched symbols. They only grow. */
  readonly lists: number[][];
  /** Symbols that joined or were redefined since the filter was made: what its subscribers have to be told. */
  readonly news: number[] = [];
  users = 0;
  /** Bytes that are counted for it. */
  counted = 0;
  /** Whether it filters every symbol there is and will be. */
  readonly isAll: boolean;
  readonly #unknown: Set<string>;
  readonly #patterns: string[][];
  #place: Uint32Array | null = null;
  /** While it is made beside patterns: the ids of its names, and the symbol to look at next. */
  #ids: Set<number> | null;
  #next = 1;

  constructor(
    readonly key: string,
    wanted: Wanted,
    /** Whose bounds it counts against: that of whoever asked for it first. */
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

  /** Goes on making it, until some monotonic time; true once it has looked at every symbol. */
  look(untilMs = Number.POSITIVE_INFINITY): boolean {
    this.grow();
    const { symbolCount } = this.registry;
    while (this.#next < symbolCount) {
      const end = Math.min(symbolCount, this.#next + LOOK_EVERY);
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
    this.#place = null;
  }

  /** By symbolId: 1 + its index in the list of its shard; 0 = not watched. */
  get place(): Uint32Array {
    if (this.#place === null) {
      this.#place = new Uint32Array(this.bits.length);
      for (const list of this.lists) for (let i = 0; i < list.length; i++) this.#place[list[i]] = i + 1;
    }
    return this.#place;
  }

  /** Whether finding a symbol of a shard by its place is quicker than by looking through the list. */
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
    const places = isLong ? this.bits.length * Uint32Array.BYTES_PER_ELEMENT : 0;
    return this.bits.length + places + listed * LISTED_BYTES;
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

  /** Looks at a symbol that was defined or redefined after the filter was made. */
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
    if (this.#place !== null) this.#place[id] = list.length;
  }
}

export class SymbolFilters {
  readonly #byKey = new Map<string, SymbolFilter>();
  #versions: number[] = [];
  #seen = 0;
  /** Ends when the filter that is being made in slices is there. */
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

  /** Looks up what a subscribe names. */
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

  /** The bound that is in the way of keeping it for an address, as it ends a sentence; null where none is. */
  refusal(wanted: Wanted, address: string): string | null {
    const { unknownNames, patterns } = this.quotas;
    const { unknown } = wanted;
    const ofNames = unknown.length > 0 ? unknownNames.inTheWay(address, unknown.length) : null;
    const ofPatterns = wanted.patterns.length > 0 ? patterns.inTheWay(address, wanted.patterns.length) : null;
    if (ofNames !== null) return `names that no source has defined, ${ofNames}`;
    return ofPatterns === null ? null : `patterns, ${ofPatterns}`;
  }

  /** Whether some subscription has the same list. */
  has(wanted: Wanted): boolean {
    return this.#byKey.has(keyOf(wanted));
  }

  /** Finds or makes the filter of a list at once; `release` gives it back. */
  acquire(symbols: readonly string[], address = ''): SymbolFilter {
    const filter = this.#find(this.want(symbols), address);
    filter.look();
    return this.#use(filter);
  }

  /**
   * Finds or makes the filter of what is wanted: at once, or with turns of the event loop in between where that is much
   * work; `release` gives it back.
   */
  take(wanted: Wanted, address: string): SymbolFilter | Promise<SymbolFilter> {
    const filter = this.#find(wanted, address);
    const comparisons = wanted.patterns.length * this.registry.symbolCount;
    if (filter.users > 0 || filter.isAll || comparisons <= COMPARISONS_AT_ONCE) {
      filter.look();
      return this.#use(filter);
    }
    // One after the other: all of them together take no more of a turn than one does.
    const making = this.#making.then(async () => {
      while (!filter.look(performance.now() + SLICE_MS)) await turn();
      this.refresh();
      filter.look();
      // Another one may have asked for the same meanwhile.
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

  /** Whether others on this thread have refreshed the registry, whose digits the encoders take, meanwhile. */
  get isBehind(): boolean {
    return this.registry.seen !== this.#seen;
  }

  /** Learns what other threads defined. Cheap when there is nothing. */
  refresh(): void {
    this.registry.refresh();
    if (!this.isBehind) return;
    const changed: number[] = [];
    for (let id = 1; id < this.registry.symbolCount; id++) {
      if (this.registry.version[id] !== this.#versions[id]) changed.push(id);
    }
    for (const filter of this.#byKey.values()) this.#teach(filter, changed);
    this.#noteVersions();
  }

  #teach(filter: SymbolFilter, symbols: readonly number[]): void {
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

/** Equal lists have the same, different ones never: a digest, as a list may be long and made to mislead. */
function keyOf(wanted: Wanted): string {
  return createHash('sha256')
    .update(JSON.stringify([...wanted.symbols].sort()))
    .digest('base64');
}
