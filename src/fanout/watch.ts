/** What a subscription watches: names and patterns, resolved to symbols. Equal lists share one `Watch`. */
import type { Registry } from '../pipeline/registry.js';
import { ENGINE_SYMBOL } from '../tick.js';

/** A pattern in which `*` stands for any run of characters: what stands between the stars. */
export function parsePattern(pattern: string): string[] {
  return pattern.split('*');
}

/** Whether `name` matches a pattern that was parsed. Linear in both. */
export function matchesPattern(parts: readonly string[], name: string): boolean {
  const first = parts[0];
  const last = parts[parts.length - 1];
  if (parts.length === 1) return name === first;
  if (name.length < first.length + last.length) return false;
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  const end = name.length - last.length;
  for (let i = 1; i < parts.length - 1; i++) {
    const found = name.indexOf(parts[i], at);
    if (found < 0 || found + parts[i].length > end) return false;
    at = found + parts[i].length;
  }
  return true;
}

export class Watch {
  /** By symbolId: 1 = watched. The engine's own symbol always is. */
  readonly bits: Uint8Array;
  /** By symbolId: 1 + its index in the list of its shard; 0 = not watched. */
  readonly place: Uint32Array;
  /** By shard: the watched symbols. They only grow. */
  readonly lists: number[][];
  /** Symbols that joined or were redefined since the watch was made: what its subscribers have to be told. */
  readonly news: number[] = [];
  users = 0;
  /** Whether it watches every symbol there is and will be. */
  readonly isAll: boolean;
  readonly #names: Set<string>;
  readonly #patterns: string[][];

  constructor(
    readonly key: string,
    wanted: readonly string[],
    readonly registry: Registry,
    shards: number,
  ) {
    this.bits = new Uint8Array(registry.maxSymbols);
    this.place = new Uint32Array(registry.maxSymbols);
    this.lists = Array.from({ length: shards }, () => []);
    this.#names = new Set(wanted.filter((name) => !name.includes('*')));
    this.#patterns = wanted.filter((name) => name.includes('*')).map(parsePattern);
    this.isAll = wanted.some((name) => /^\*+$/.test(name));
    this.bits[ENGINE_SYMBOL] = 1;
    if (this.#patterns.length === 0) {
      for (const name of this.#names) {
        const id = registry.symbolId(name);
        if (id !== undefined) this.#add(id);
      }
    } else {
      for (let id = 1; id < registry.symbolCount; id++) this.#consider(id);
    }
  }

  /** Names without a pattern that no source has defined so far. */
  unknown(): string[] {
    return [...this.#names].filter((name) => this.registry.symbolId(name) === undefined);
  }

  /** Looks at a symbol that was defined or redefined after the watch was made. */
  learn(id: number): void {
    if (this.bits[id] === 1 || this.#consider(id)) this.news.push(id);
  }

  #consider(id: number): boolean {
    const name = this.registry.symbols[id]?.name;
    if (name === undefined) return false;
    if (!this.#names.has(name) && !this.#patterns.some((p) => matchesPattern(p, name))) return false;
    this.#add(id);
    return true;
  }

  #add(id: number): void {
    if (this.bits[id] === 1) return;
    this.bits[id] = 1;
    const list = this.lists[this.registry.bucket[id] % this.lists.length];
    list.push(id);
    this.place[id] = list.length;
  }
}

export class Watches {
  readonly #byKey = new Map<string, Watch>();
  #versions: number[] = [];
  #seen = 0;

  constructor(
    readonly registry: Registry,
    readonly shards: number,
  ) {
    this.#noteVersions();
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** Finds or makes the watch of a list; `release` gives it back. */
  acquire(symbols: readonly string[]): Watch {
    this.refresh();
    const wanted = [...new Set(symbols)].sort();
    const key = JSON.stringify(wanted);
    let watch = this.#byKey.get(key);
    if (watch === undefined) {
      watch = new Watch(key, wanted, this.registry, this.shards);
      this.#byKey.set(key, watch);
    }
    watch.users++;
    return watch;
  }

  release(watch: Watch): void {
    if (--watch.users === 0) this.#byKey.delete(watch.key);
  }

  /** Whether others on this thread have refreshed the registry, whose digits the encoders take, meanwhile. */
  get isBehind(): boolean {
    return this.registry.seen !== this.#seen;
  }

  /** Learns what other threads defined. Cheap when there is nothing. */
  refresh(): void {
    this.registry.refresh();
    if (!this.isBehind) return;
    for (let id = 1; id < this.registry.symbolCount; id++) {
      if (this.registry.version[id] === this.#versions[id]) continue;
      for (const watch of this.#byKey.values()) watch.learn(id);
    }
    this.#noteVersions();
  }

  #noteVersions(): void {
    this.#seen = this.registry.seen;
    this.#versions = Array.from(this.registry.version.subarray(0, this.registry.symbolCount));
  }
}
