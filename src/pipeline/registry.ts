/**
 * The registry: symbols, sources and aliases, defined once and known to every thread.
 *
 * It is an append-only list of JSON entries in shared memory. Any thread may append, holding a lock for a
 * moment; every thread decodes what it has not seen yet. The log keeps a copy of the bytes, so ids mean the
 * same for as long as the data folder lives.
 *
 * ```
 *  0 i32 lock: 0 free, else 1 + index of the stage that holds it (low 8 bits) and a ticket of this taking (the rest)
 *  4 i32 bytes committed, without the header
 *  8 i32 count of commits (a bell for readers)
 * 12 i32 count of tickets … padded to 64
 * 64 entries: u32 length │ UTF-8 JSON, padded to 4
 * ```
 */

import { TickwireError } from '../errors.js';
import { BUCKETS, DIGITS_MAX, SOURCES_MAX, SYMBOL_NAME_BYTES_MAX } from '../limits.js';
import { probe } from './fault.js';

const HEADER_BYTES = 64;
const LOCK = 0;
const COMMITTED = 1;
const COMMITS = 2;
const TICKET = 3;
const LOCK_PATIENCE_MS = 1000;
const OWNER_BITS = 8;
const OWNER_MASK = (1 << OWNER_BITS) - 1;

export interface SymbolDefinition {
  /** Canonical name: the one that subscribers use. */
  name: string;
  /** Decimal digits that prices are rounded to. */
  digits: number;
  /** Whether prices may be zero or negative (spreads, rates). */
  negative?: boolean;
  /** Milliseconds after which a quote counts as stale; absent: never. */
  ttlMs?: number;
}

export interface SymbolEntry extends SymbolDefinition {
  t: 'symbol';
  id: number;
  /** 1 for the first definition; raised whenever a field changes. */
  version: number;
}

export interface SourceEntry {
  t: 'source';
  id: number;
  feed: string;
  name: string;
  /** The present stream of a resumable source, and what its tick counts are added to. */
  stream?: string;
  base?: number;
  /** Anything else worth keeping of it: account, server, rule of its clock. */
  info?: Record<string, string | number>;
}

export interface AliasEntry {
  t: 'alias';
  source: number;
  raw: string;
  symbol: number;
}

export type RegistryEntry = SymbolEntry | SourceEntry | AliasEntry;

/** A hash of the name that never changes (FNV-1a), folded onto the buckets. */
export function bucketOfName(name: string): number {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) {
    h = Math.imul(h ^ byte, 0x01000193);
  }
  h ^= h >>> 15;
  return (h >>> 0) % BUCKETS;
}

function nameBytes(name: string): number {
  return Buffer.byteLength(name, 'utf8');
}

export class Registry {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #seen = 0;

  /** By symbol id; index 0 is the engine's own. Replaced when a symbol is redefined. */
  readonly symbols: (SymbolEntry | undefined)[] = [];
  readonly sources: (SourceEntry | undefined)[] = [];
  readonly aliases: AliasEntry[] = [];
  /** By symbol id, for the hot path. */
  digits: Uint8Array;
  bucket: Uint8Array;
  version: Uint32Array;
  negative: Uint8Array;
  readonly #idByName = new Map<string, number>();
  readonly #sourceByName = new Map<string, number>();

  /**
   * @param owner who takes the lock: the stage's index, so that the supervisor can free it after a crash
   */
  constructor(
    readonly memory: SharedArrayBuffer,
    readonly maxSymbols: number,
    readonly owner = 0,
  ) {
    this.#words = new Int32Array(memory, 0, 4);
    this.#bytes = new Uint8Array(memory, HEADER_BYTES);
    this.#view = new DataView(memory, HEADER_BYTES);
    this.digits = new Uint8Array(maxSymbols);
    this.bucket = new Uint8Array(maxSymbols);
    this.version = new Uint32Array(maxSymbols);
    this.negative = new Uint8Array(maxSymbols);
    this.refresh();
  }

  static allocate(bytes: number): SharedArrayBuffer {
    return new SharedArrayBuffer(HEADER_BYTES + bytes);
  }

  /** Bytes committed so far. */
  get length(): number {
    return Atomics.load(this.#words, COMMITTED);
  }

  /** Bytes that this view has taken over: others may have appended more meanwhile. */
  get seen(): number {
    return this.#seen;
  }

  /** How many symbol ids this view knows: they are 0 … count − 1. */
  get symbolCount(): number {
    return this.symbols.length;
  }

  /** A copy of the committed bytes from `from` on, for the log. */
  bytesFrom(from: number): Uint8Array {
    return this.#bytes.slice(from, this.length);
  }

  /** Takes over bytes that the log kept. Only on an empty registry, before any stage runs. */
  load(bytes: Uint8Array): void {
    if (this.length !== 0) throw new RangeError('the registry is not empty');
    if (bytes.length > this.#bytes.length) {
      throw new TickwireError(
        'registry_full',
        'The data folder defines more symbols than the registry holds.',
      );
    }
    this.#bytes.set(bytes);
    Atomics.store(this.#words, COMMITTED, bytes.length);
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
    const end = this.length;
    if (end === this.#seen) return false;
    while (this.#seen < end) {
      const length = this.#view.getUint32(this.#seen, true);
      const json = Buffer.from(this.#bytes.slice(this.#seen + 4, this.#seen + 4 + length)).toString('utf8');
      this.#learn(JSON.parse(json) as RegistryEntry);
      this.#seen += 4 + Math.ceil(length / 4) * 4;
    }
    return true;
  }

  symbolId(name: string): number | undefined {
    return this.#idByName.get(name);
  }

  /**
   * Defines a symbol, or finds it. A changed definition is a new version under the same id. Digits only grow:
   * a source that knows fewer of them must not coarsen the prices of the others.
   * @throws TickwireError bad_input for a bad name or digits, registry_full
   */
  defineSymbol(definition: SymbolDefinition): number {
    this.refresh();
    const known = this.#idByName.get(definition.name);
    if (known !== undefined && covers(this.symbols[known]!, definition)) return known;
    checkDefinition(definition);
    return this.#locked(() => {
      this.refresh();
      const id = this.#idByName.get(definition.name);
      const before = id === undefined ? undefined : this.symbols[id];
      if (before !== undefined && covers(before, definition)) return before.id;
      const entry: SymbolEntry = {
        t: 'symbol',
        id: id ?? Math.max(1, this.symbols.length),
        version: (before?.version ?? 0) + 1,
        ...definition,
        digits: Math.max(before?.digits ?? 0, definition.digits),
      };
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

  /** Defines a source of a feed, or finds it by name; changed details are kept as its newest entry. */
  defineSource(source: Omit<SourceEntry, 't' | 'id'>): SourceEntry {
    return this.#locked(() => {
      this.refresh();
      const known = this.#sourceByName.get(`${source.feed}\n${source.name}`);
      const before = known === undefined ? undefined : this.sources[known];
      const entry: SourceEntry = { t: 'source', id: known ?? Math.max(1, this.sources.length), ...source };
      if (entry.id > SOURCES_MAX) {
        throw new TickwireError('registry_full', `No room for source ${source.name} of feed ${source.feed}.`);
      }
      if (before === undefined || JSON.stringify(before) !== JSON.stringify(entry)) this.#append(entry);
      return entry;
    });
  }

  /** Keeps under which raw name a source knows a symbol. */
  defineAlias(source: number, raw: string, symbol: number): void {
    this.#locked(() => {
      this.refresh();
      if (this.aliases.some((a) => a.source === source && a.raw === raw && a.symbol === symbol)) return;
      this.#append({ t: 'alias', source, raw, symbol });
    });
  }

  /** For the supervisor: frees the lock of a stage that died. */
  releaseIfHeldBy(owner: number): void {
    const holder = Atomics.load(this.#words, LOCK);
    if ((holder & OWNER_MASK) === owner + 1) this.#release(holder);
  }

  /** Frees the lock if it is still the same taking of it: a late call never frees what another has taken since. */
  #release(holder: number): void {
    if (Atomics.compareExchange(this.#words, LOCK, holder, 0) === holder) Atomics.notify(this.#words, LOCK);
  }

  #locked<T>(body: () => T): T {
    const mine = (Atomics.add(this.#words, TICKET, 1) << OWNER_BITS) | (this.owner + 1);
    let blocker = 0;
    let sinceMs = 0;
    for (;;) {
      const holder = Atomics.compareExchange(this.#words, LOCK, 0, mine);
      if (holder === 0) break;
      // Time is measured per taking: under contention the lock changes hands often, and every change of it
      // ends the wait early, which says nothing about any holder being dead.
      if (holder !== blocker) {
        blocker = holder;
        sinceMs = performance.now();
      }
      Atomics.wait(this.#words, LOCK, holder, 1);
      // An append takes microseconds. A holder this late is dead, and the supervisor may itself be waiting here.
      if (performance.now() - sinceMs > LOCK_PATIENCE_MS) this.#release(holder);
    }
    probe();
    try {
      return body();
    } finally {
      this.#release(mine);
    }
  }

  #append(entry: RegistryEntry): void {
    const json = new TextEncoder().encode(JSON.stringify(entry));
    const at = this.length;
    const end = at + 4 + Math.ceil(json.length / 4) * 4;
    if (end > this.#bytes.length) {
      throw new TickwireError(
        'registry_full',
        'The registry of symbols and sources is full: start a new data folder.',
      );
    }
    this.#view.setUint32(at, json.length, true);
    this.#bytes.set(json, at + 4);
    probe();
    Atomics.store(this.#words, COMMITTED, end);
    Atomics.add(this.#words, COMMITS, 1);
    probe();
    this.refresh();
  }

  #learn(entry: RegistryEntry): void {
    if (entry.t === 'symbol') {
      this.symbols[0] ??= { t: 'symbol', id: 0, name: '$engine', digits: 0, version: 0 };
      this.symbols[entry.id] = entry;
      this.#idByName.set(entry.name, entry.id);
      this.digits[entry.id] = entry.digits;
      this.bucket[entry.id] = bucketOfName(entry.name);
      this.version[entry.id] = entry.version;
      this.negative[entry.id] = entry.negative === true ? 1 : 0;
    } else if (entry.t === 'source') {
      this.sources[entry.id] = entry;
      this.#sourceByName.set(`${entry.feed}\n${entry.name}`, entry.id);
    } else {
      this.aliases.push(entry);
    }
  }
}

/** Whether a definition says nothing that the known one does not. */
function covers(known: SymbolDefinition, asked: SymbolDefinition): boolean {
  return (
    known.digits >= asked.digits &&
    (known.negative ?? false) === (asked.negative ?? false) &&
    known.ttlMs === asked.ttlMs
  );
}

function checkDefinition(definition: SymbolDefinition): void {
  const { name, digits } = definition;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (name.length === 0 || nameBytes(name) > SYMBOL_NAME_BYTES_MAX || /[\u0000-\u0020*$]/.test(name)) {
    throw new TickwireError(
      'bad_input',
      `Symbol name ${JSON.stringify(name)} must have 1 to ${SYMBOL_NAME_BYTES_MAX} bytes and no blanks, "*" or "$".`,
    );
  }
  if (!Number.isInteger(digits) || digits < 0 || digits > DIGITS_MAX) {
    throw new TickwireError('bad_input', `Symbol ${name}: digits must be 0 to ${DIGITS_MAX}, not ${digits}.`);
  }
}
