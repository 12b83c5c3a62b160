/** What names an import: the content of its files, and what was said of how to read them. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { bytesOf } from '../feeds/file/bytes.js';
import { formatOf, parseBi5Name, symbolOfName, type TickFormat } from '../feeds/file/names.js';

/** How the files of an import are to be read. */
export interface ReadOptions {
  format?: TickFormat;
  symbol?: string;
  digits?: number;
  zone: string;
  /** Raw symbol name → canonical name. */
  aliases: Record<string, string>;
}

/** Enough of a file to see its first line. */
const HEAD_BYTES = 4_096;

/**
 * The hash of a file's bytes and of all that its ticks depend on beside them. A name counts only where the file
 * takes its symbol or hour from it.
 */
export async function identityOf(path: string, options: ReadOptions): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  const format = options.format ?? formatOf(path);
  const said = {
    format,
    zone: options.zone,
    digits: options.digits ?? null,
    symbol: options.symbol ?? null,
    name: options.symbol === undefined && format !== 'bi5' ? await nameOf(path, format) : null,
    bi5: format === 'bi5' ? parseBi5Name(path) : null,
    aliases: Object.entries(options.aliases).sort(([a], [b]) => (a < b ? -1 : 1)),
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

/** The name of an import: of its files in whatever order. */
export function importHash(identities: readonly string[]): string {
  return createHash('sha256')
    .update([...identities].sort().join('\n'))
    .digest('hex');
}
