/** What the registry holds: the entries, and which of them say the same. */
import { TickwireError } from '../../core/errors.js';
import { BUCKETS, DIGITS_MAX } from '../../core/limits.js';
import { checkSymbolName } from './names.js';

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
  /** The only source that has declared the digits; SEVERAL: more than one has, or the operator; absent: none. */
  by?: number;
  /** The most digits that it ever had; absent: no more than now. */
  most?: number;
}

const SEVERAL = 0;
/**
 * Who declares the digits of a symbol: the source of this id declares them; `setting`: the operator did; `prices`: nobody,
 * they were counted in prices.
 */
export type DigitsFrom = number | 'setting' | 'prices';

export interface SourceEntry {
  t: 'source';
  id: number;
  feed: string;
  name: string;
  /** The present stream of a resumable source, and what its tick counts are added to. */
  stream?: string;
  base?: number;
  /** Anything else worth keeping about the source: account, server, rule of its clock. */
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

export function sourceKey(feed: string, name: string): string {
  return `${feed}\n${name}`;
}

export function aliasKey(source: number, raw: string): string {
  return `${source}\n${raw}`;
}

/**
 * What a definition makes of the entry before it; the same entry where it says nothing new. A source that knows fewer digits
 * must not coarsen the prices of others, so it lowers them only as long as it is the only one that has declared them.
 */
export function redefined(
  before: SymbolEntry | undefined,
  asked: SymbolDefinition,
  from: DigitsFrom,
  newId: number,
): SymbolEntry {
  const { digits: known = 0, by: knownBy } = before ?? {};
  const isSource = typeof from === 'number';
  const by = byOf(knownBy, from);
  const mayLower = from === 'setting' || (isSource && by === from);
  const digits = mayLower ? asked.digits : Math.max(known, asked.digits);
  const isSame = before !== undefined && known === digits && saysTheSame(before, asked);
  if (isSame && by === knownBy) return before;
  const most = Math.max(before === undefined ? 0 : mostDigits(before), digits);
  return {
    t: 'symbol',
    id: before?.id ?? newId,
    version: (before?.version ?? 0) + (isSame ? 0 : 1),
    name: asked.name,
    digits,
    ...(asked.negative === undefined ? {} : { negative: asked.negative }),
    ...(asked.ttlMs === undefined ? {} : { ttlMs: asked.ttlMs }),
    ...(by === undefined ? {} : { by }),
    ...(most > digits ? { most } : {}),
  };
}

/** The only source that has declared the digits after one more has. No source may coarsen what the operator set. */
function byOf(known: number | undefined, from: DigitsFrom): number | undefined {
  if (from === 'prices') return known;
  return from !== 'setting' && (known === undefined || known === from) ? from : SEVERAL;
}

function saysTheSame(known: SymbolDefinition, asked: SymbolDefinition): boolean {
  return (known.negative ?? false) === (asked.negative ?? false) && known.ttlMs === asked.ttlMs;
}

/** Digits that no price of a symbol ever had more of: who sequences old ticks again must not coarsen them. */
export function mostDigits({ digits, most = digits }: SymbolEntry): number {
  return most;
}

/** @throws TickwireError bad_input */
export function checkDefinition({ name, digits }: SymbolDefinition): void {
  checkSymbolName(name);
  if (!Number.isInteger(digits) || digits < 0 || digits > DIGITS_MAX) {
    throw new TickwireError('bad_input', `Symbol ${name}: digits must be 0 to ${DIGITS_MAX}, not ${digits}.`);
  }
}
