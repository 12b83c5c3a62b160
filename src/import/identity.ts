/** What names an import: the content of its files, and what was said of how to read them. */
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { messageOf, TickwireError } from '../core/errors.js';
import { bi5Digits } from '../feeds/file/bi5-scales.js';
import { bytesOf } from '../feeds/file/bytes.js';
import { formatOf, parseBi5Name, symbolOfName, type TickFormat } from '../feeds/file/names.js';

/** How the files of an import are to be read. */
export interface ReadOptions {
  format?: TickFormat;
  symbol?: string;
  digits?: number;
  /** Whether prices may be zero or negative. */
  negative?: boolean;
  zone: string;
  /** Raw symbol name → canonical name. */
  aliases: Record<string, string>;
}

/** A file that was looked at. */
export type Identified = { identity: string; bytes: number } | { refused: string };

/** Enough of a file to see its first line. */
const HEAD_BYTES = 4_096;
/** Files up to it are read at once: a stream would cost more than they do. */
const SMALL_BYTES = 64 * 1024;

/** Looks at a file, or says why it cannot be one of an import. */
export async function identify(path: string, options: ReadOptions): Promise<Identified> {
  try {
    const { size } = statSync(path);
    return { identity: size === 0 ? '' : await identityOf(path, size, options), bytes: size };
  } catch (error) {
    return { refused: refusalOf(path, error) };
  }
}

/** What is wrong with a file, with its path. */
export function refusalOf(path: string, error: unknown): string {
  return error instanceof TickwireError ? error.message : `${path} cannot be read: ${messageOf(error)}.`;
}

/**
 * The hash of a file's bytes and of all that its ticks depend on beside them. A name counts only where the file
 * takes its symbol, hour or scale from it.
 */
async function identityOf(path: string, size: number, options: ReadOptions): Promise<string> {
  const hash = createHash('sha256');
  if (size <= SMALL_BYTES) hash.update(readFileSync(path));
  else for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  const format = options.format ?? formatOf(path);
  const bi5 = format === 'bi5' ? parseBi5Name(path) : null;
  const said = {
    format,
    zone: options.zone,
    digits:
      options.digits ?? (bi5 === null ? null : bi5Digits(path, [bi5.symbol, options.symbol ?? bi5.symbol])),
    symbol: options.symbol ?? null,
    name: options.symbol === undefined && format !== 'bi5' ? await nameOf(path, format) : null,
    bi5,
    aliases: Object.entries(options.aliases).sort(([a], [b]) => (a < b ? -1 : 1)),
    ...(options.negative === true ? { negative: true } : {}),
  };
  return hash.update(JSON.stringify(said)).digest('hex');
}

/** The symbol in the file's name, where the file itself names none. */
async function nameOf(path: string, format: TickFormat | undefined): Promise<string | null> {
  if (format !== 'csv') return symbolOfName(path);
  let head = '';
  try {
    for await (const piece of bytesOf(path)) {
      head += piece.toString('latin1');
      if (head.length >= HEAD_BYTES || head.includes('\n')) break;
    }
  } catch {
    // A file that cannot be decompressed is told by its reading.
    return symbolOfName(path);
  }
  const names = head.split('\n')[0].split(/[\t,]/);
  const isNamed = names.some((name) => name.trim().replace(/^<|>$/g, '').toLowerCase() === 'symbol');
  return isNamed ? null : symbolOfName(path);
}

/**
 * The name of an import: of its files in whatever order, and of the imports whose ticks it leaves out.
 */
export function importHash(identities: readonly string[], without: readonly string[] = []): string {
  const names = [...identities].sort();
  if (without.length > 0) names.push('without', ...[...without].sort());
  return createHash('sha256').update(names.join('\n')).digest('hex');
}
