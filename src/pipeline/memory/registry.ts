/**
 * The registry: symbols, sources and aliases, defined once and known to every thread.
 *
 * It is a list of JSON entries in shared memory (`registry-memory.ts`). An entry supersedes an earlier one of the same
 * symbol, source or alias; once there is more of what was superseded than of the rest, the list is compacted. The log
 * keeps a copy of the bytes, so ids of symbols mean the same for as long as the data folder lives.
 */

import { TickwireError } from '../../core/errors.js';
import {
  FEED_SOURCES_KEPT,
  REGISTRY_ALIAS_SHARE,
  REGISTRY_BYTES,
  REGISTRY_BYTES_PER_SYMBOL,
  REGISTRY_WASTE_BYTES,
  SOURCES_MAX,
  SYMBOLS_DEFAULT,
} from '../../core/limits.js';
import { checkRawName, checkSource, ENGINE_NAME } from './names.js';
import {
  type AliasEntry,
  aliasKey,
  bucketOfName,
  checkDefinition,
  type DigitsFrom,
  type RegistryEntry,
  redefined,
  type SourceEntry,
  type SymbolDefinition,
  type SymbolEntry,
  sourceKey,
} from './registry-entries.js';
import { entryBytes, RegistryMemory, type RegistryPosition } from './registry-memory.js';

/** Bytes that a registry of so many symbols has to have. */
export function registryBytes(maxSymbols: number): number {
  return REGISTRY_BYTES + Math.max(0, maxSymbols - SYMBOLS_DEFAULT) * REGISTRY_BYTES_PER_SYMBOL;
}

/** How full a registry is. */
export interface RegistryUsage {
  /** What was superseded is not counted. */
  bytes: number;
  bytesMax: number;
  symbols: number;
  symbolsMax: number;
  sources: number;
  sourcesMax: number;
}

/** An entry, and its position in the area in force. */
interface Located<Entry> {
  entry: Entry;
  at: number;
  bytes: number;
}

export class Registry {
  readonly #memory: RegistryMemory;
  #position: RegistryPosition = { generation: 0, length: 0 };
  /** Entries that this view has ever taken over. */
  #learnt = 0;

  /** By symbol id; index 0 is the engine's own. Replaced when a symbol is redefined. */
  readonly symbols: (SymbolEntry | undefined)[] = [];
  readonly sources: (SourceEntry | undefined)[] = [];
  /** By symbol id, for the hot path. */
  digits: Uint8Array;
  bucket: Uint8Array;
  version: Uint32Array;
  negative: Uint8Array;
  readonly #idByName = new Map<string, number>();
  readonly #sourceByName = new Map<string, number>();
  /** By symbol id, and by source id. */
  readonly #symbolsLocated: (Located<SymbolEntry> | undefined)[] = [];
  readonly #sourcesLocated: (Located<SourceEntry> | undefined)[] = [];
  /** By source and raw name, in the order in which they were defined. */
  readonly #aliases = new Map<string, Located<AliasEntry>>();
  /** Bytes of the entries in force, and of the aliases among them. */
  #live = 0;
  #aliasBytes = 0;

  /**
   * @param owner who takes the lock: the stage's index, so that the supervisor can free it after a crash
   */
  constructor(
    readonly memory: SharedArrayBuffer,
    readonly maxSymbols: number,
    owner = 0,
  ) {
    this.#memory = new RegistryMemory(memory, owner);
    this.digits = new Uint8Array(maxSymbols);
    this.bucket = new Uint8Array(maxSymbols);
    this.version = new Uint32Array(maxSymbols);
    this.negative = new Uint8Array(maxSymbols);
    this.refresh();
  }

  static allocate(bytes: number): SharedArrayBuffer {
    return RegistryMemory.allocate(bytes);
  }

  /** A registry of its own that holds what a log kept, with room for more. */
  static from(bytes: Uint8Array): Registry {
    // One entry takes more than 16 bytes, so this is room for every symbol that the bytes can define.
    const maxSymbols = Math.max(SYMBOLS_DEFAULT, Math.ceil(bytes.length / 16));
    const memory = Registry.allocate(REGISTRY_BYTES + bytes.length);
    const registry = new Registry(memory, maxSymbols);
    registry.load(bytes);
    return registry;
  }

  /** Bytes committed so far. */
  get length(): number {
    return this.#memory.length;
  }

  /** Another number whenever this view has taken something over: others may have appended more meanwhile. */
  get seen(): number {
    return this.#learnt;
  }

  /** How many symbol ids this view knows: they are 0 … count − 1. */
  get symbolCount(): number {
    return this.symbols.length;
  }

  get aliases(): AliasEntry[] {
    return Array.from(this.#aliases.values(), ({ entry }) => entry);
  }

  get usage(): RegistryUsage {
    return {
      bytes: this.#live,
      bytesMax: this.#memory.capacity,
      symbols: Math.max(0, this.symbols.length - 1),
      symbolsMax: this.maxSymbols - 1,
      sources: Math.max(0, this.sources.length - 1),
      sourcesMax: SOURCES_MAX,
    };
  }

  /** A copy of the committed bytes from `from` on. */
  bytesFrom(from: number): Uint8Array {
    return this.#memory.after({ generation: -1, length: 0 }).bytes.subarray(from);
  }

  /** Whether a reader at this position has seen all. */
  isAt(position: Readonly<RegistryPosition>): boolean {
    return this.#memory.isAt(position);
  }

  /** A copy of what was committed after a position, for the log; `from` is 0 where it replaces all that the log has. */
  after(position: Readonly<RegistryPosition>): { bytes: Uint8Array; from: number; end: RegistryPosition } {
    return this.#memory.after(position);
  }

  /** The position of a reader that has these bytes: the beginning, where they are not what the registry begins with. */
  positionOf(bytes: Uint8Array): RegistryPosition {
    const all = this.#memory.after({ generation: -1, length: 0 });
    const isPrefix = Buffer.compare(all.bytes.subarray(0, bytes.length), bytes) === 0;
    return { generation: isPrefix ? all.end.generation : -1, length: isPrefix ? bytes.length : 0 };
  }

  /** Takes over bytes that the log kept. Only on an empty registry, before any stage runs. */
  load(bytes: Uint8Array): void {
    if (this.length !== 0) throw new RangeError('the registry is not empty');
    if (bytes.length > this.#memory.capacity) {
      throw new TickwireError(
        'registry_full',
        'The data folder defines more symbols than the registry holds.',
      );
    }
    this.#memory.replace([bytes]);
    this.refresh();
    if (this.symbols.length > this.maxSymbols) {
      throw new TickwireError(
        'registry_full',
        `The data folder defines ${this.symbols.length - 1} symbols, more than maxSymbols (${this.maxSymbols}) holds. Raise maxSymbols.`,
      );
    }
  }

  /** Decodes what others have appended. Cheap when there is nothing; true when there was. */
  refresh(): boolean {
    if (this.#memory.isAt(this.#position)) return false;
    const { bytes, from, end } = this.#memory.after(this.#position);
    if (end.generation !== this.#position.generation) this.#forget();
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at < bytes.length; ) {
      const length = text.readUInt32LE(at);
      const entry = JSON.parse(text.toString('utf8', at + 4, at + 4 + length)) as RegistryEntry;
      this.#learn(entry, from + at, entryBytes(length));
      at += entryBytes(length);
    }
    this.#position = end;
    return true;
  }

  symbolId(name: string): number | undefined {
    return this.#idByName.get(name);
  }

  /**
   * Defines a symbol, or finds it. A changed definition is a new version under the same id.
   * @param from by whom: see `redefined`
   * @throws TickwireError bad_input for a bad name or digits, registry_full
   */
  defineSymbol(definition: SymbolDefinition, from: DigitsFrom = 'prices'): number {
    this.refresh();
    const known = this.#entryOf(definition.name);
    if (known !== undefined && redefined(known, definition, from, known.id) === known) return known.id;
    checkDefinition(definition);
    return this.#memory.locked(() => {
      this.refresh();
      const before = this.#entryOf(definition.name);
      const entry = redefined(before, definition, from, Math.max(1, this.symbols.length));
      if (entry === before) return before.id;
      if (entry.id >= this.maxSymbols) {
        throw new TickwireError(
          'registry_full',
          `No room for symbol ${definition.name}: ${this.maxSymbols} symbols are defined. Raise maxSymbols.`,
        );
      }
      this.#append(entry);
      return entry.id;
    });
  }

  #entryOf(name: string): SymbolEntry | undefined {
    const id = this.#idByName.get(name);
    return id === undefined ? undefined : this.symbols[id];
  }

  /** The source of a feed by its name. */
  source(feed: string, name: string): SourceEntry | undefined {
    const id = this.#sourceByName.get(sourceKey(feed, name));
    return id === undefined ? undefined : this.sources[id];
  }

  /**
   * The id that a new source of a feed has to take over: of the one that was opened longest ago, and is not open.
   * Undefined while there is room for more, or all are open.
   */
  idToReuse(feed: string, isOpen: (id: number) => boolean): number | undefined {
    let count = 0;
    let oldest: Located<SourceEntry> | undefined;
    for (const located of this.#sourcesLocated) {
      if (located === undefined || located.entry.feed !== feed) continue;
      count++;
      if ((oldest === undefined || located.at < oldest.at) && !isOpen(located.entry.id)) oldest = located;
    }
    return count >= FEED_SOURCES_KEPT || this.sources.length > SOURCES_MAX ? oldest?.entry.id : undefined;
  }

  /**
   * Defines a source of a feed, or finds it by name; changed details are kept as its newest entry.
   * @param reused the id that it takes over where it is new, see `idToReuse`
   * @throws TickwireError bad_input for a name or details that are too long, registry_full
   */
  defineSource(source: Omit<SourceEntry, 't' | 'id'>, reused?: number): SourceEntry {
    checkSource(source);
    return this.#memory.locked(() => {
      this.refresh();
      const before = this.source(source.feed, source.name);
      const id = before?.id ?? reused ?? Math.max(1, this.sources.length);
      const entry: SourceEntry = { t: 'source', id, ...source };
      if (id > SOURCES_MAX) {
        throw new TickwireError(
          'registry_full',
          `No room for source ${source.name} of feed ${source.feed}: ${SOURCES_MAX} sources are known. Start a new data folder.`,
        );
      }
      const isSame = before !== undefined && JSON.stringify(before) === JSON.stringify(entry);
      if (!isSame || this.#isOld(entry)) this.#append(entry);
      return entry;
    });
  }

  /** Whether a source stands so far back among those of its feed that it has to be noted again that it was opened. */
  #isOld({ feed, id }: SourceEntry): boolean {
    const { at } = this.#sourcesLocated[id]!;
    let newer = 0;
    for (const p of this.#sourcesLocated) if (p !== undefined && p.at > at && p.entry.feed === feed) newer++;
    return newer >= FEED_SOURCES_KEPT / 2;
  }

  /**
   * Keeps under which raw name a source knows a symbol.
   * @throws TickwireError bad_input for a name that is too long, registry_full
   */
  defineAlias(source: number, raw: string, symbol: number): void {
    checkRawName(raw);
    const known = () => this.#aliases.get(aliasKey(source, raw))?.entry.symbol === symbol;
    if (known()) return;
    this.#memory.locked(() => {
      this.refresh();
      if (!known()) this.#append({ t: 'alias', source, raw, symbol });
    });
  }

  /** For the supervisor: frees the lock of a stage that died. */
  releaseIfHeldBy(owner: number): void {
    this.#memory.releaseIfHeldBy(owner);
  }

  #append(entry: RegistryEntry): void {
    const json = new TextEncoder().encode(JSON.stringify(entry));
    const bytes = entryBytes(json.length);
    const { capacity } = this.#memory;
    const aliasesMax = capacity * REGISTRY_ALIAS_SHARE;
    const hasManyAliases = entry.t === 'alias' && this.#aliasBytes + bytes > aliasesMax;
    // Half of them go at once: what is compacted for one more would be compacted again for the next.
    if (hasManyAliases) this.#forgetAliases(aliasesMax / 2);
    const wasted = this.length - this.#live;
    const isWorthIt = wasted > Math.max(REGISTRY_WASTE_BYTES, this.#live);
    if (hasManyAliases || isWorthIt || (wasted > 0 && this.length + bytes > capacity)) this.#compact();
    if (this.length + bytes > capacity) {
      throw new TickwireError(
        'registry_full',
        'The registry of symbols and sources is full: raise maxSymbols, or start a new data folder.',
      );
    }
    this.#memory.append(json);
    this.refresh();
  }

  /** Forgets the aliases that were defined longest ago, until the rest takes no more than so many bytes. */
  #forgetAliases(bytesMax: number): void {
    for (const [key, { bytes }] of this.#aliases) {
      if (this.#aliasBytes <= bytesMax) return;
      this.#aliases.delete(key);
      this.#aliasBytes -= bytes;
      this.#live -= bytes;
    }
  }

  /** Writes the entries in force again, without what they superseded. This view has seen all of them. */
  #compact(): void {
    const sources = this.#sourcesLocated.filter((located) => located !== undefined);
    sources.sort((a, b) => a!.at - b!.at);
    const kept = [...this.#symbolsLocated, ...sources, ...this.#aliases.values()].filter(
      (p) => p !== undefined,
    );
    this.#position = this.#memory.replace(kept.map(({ at }) => this.#memory.entryAt(at)));
    let at = 0;
    for (const located of kept) {
      located.at = at;
      at += located.bytes;
    }
  }

  /** Before all is read again: what was forgotten elsewhere must not stay here. */
  #forget(): void {
    this.sources.length = 0;
    this.#sourcesLocated.length = 0;
    this.#symbolsLocated.length = 0;
    this.#sourceByName.clear();
    this.#aliases.clear();
    this.#live = 0;
    this.#aliasBytes = 0;
  }

  #learn(entry: RegistryEntry, at: number, bytes: number): void {
    this.#learnt++;
    this.#live += bytes;
    if (entry.t === 'symbol') {
      this.symbols[0] ??= { t: 'symbol', id: 0, name: ENGINE_NAME, digits: 0, version: 0 };
      this.#live -= this.#symbolsLocated[entry.id]?.bytes ?? 0;
      this.#symbolsLocated[entry.id] = { entry, at, bytes };
      this.symbols[entry.id] = entry;
      this.#idByName.set(entry.name, entry.id);
      this.digits[entry.id] = entry.digits;
      this.bucket[entry.id] = bucketOfName(entry.name);
      this.version[entry.id] = entry.version;
      this.negative[entry.id] = entry.negative === true ? 1 : 0;
    } else if (entry.t === 'source') {
      const before = this.#sourcesLocated[entry.id];
      if (before !== undefined) {
        this.#live -= before.bytes;
        this.#sourceByName.delete(sourceKey(before.entry.feed, before.entry.name));
      }
      this.#sourcesLocated[entry.id] = { entry, at, bytes };
      this.sources[entry.id] = entry;
      this.#sourceByName.set(sourceKey(entry.feed, entry.name), entry.id);
    } else {
      const key = aliasKey(entry.source, entry.raw);
      const before = this.#aliases.get(key)?.bytes ?? 0;
      this.#live -= before;
      this.#aliasBytes += bytes - before;
      // What is defined again goes to the end.
      this.#aliases.delete(key);
      this.#aliases.set(key, { entry, at, bytes });
    }
  }
}
