/** What the registry holds: the entries, and which of them say the same. */
import { TickwireError } from '../errors.js';
import { BUCKETS, DIGITS_MAX } from '../limits.js';
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

export function sourceKey(feed: string, name: string): string {
  return `${feed}\n${name}`;
}

export function aliasKey(source: number, raw: string): string {
  return `${source}\n${raw}`;
}

/** Whether a definition says nothing that the known one does not. */
export function covers(known: SymbolDefinition, asked: SymbolDefinition): boolean {
  return (
    known.digits >= asked.digits &&
    (known.negative ?? false) === (asked.negative ?? false) &&
    known.ttlMs === asked.ttlMs
  );
}

/** @throws TickwireError bad_input */
export function checkDefinition({ name, digits }: SymbolDefinition): void {
  checkSymbolName(name);
  if (!Number.isInteger(digits) || digits < 0 || digits > DIGITS_MAX) {
    throw new TickwireError('bad_input', `Symbol ${name}: digits must be 0 to ${DIGITS_MAX}, not ${digits}.`);
  }
}
