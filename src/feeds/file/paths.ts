/**
 * From what the user names to the files that are played: a file, a folder (with those below it), a pattern
 * with `*` and `?` in its last part, or a list of these.
 */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { TickwireError } from '../../core/errors.js';
import { formatOf } from './names.js';

/**
 * Tick files in the order of play: the entries as listed, and within a folder or pattern by name.
 * @throws TickwireError bad_input when an entry names nothing
 */
export async function listTickFiles(paths: string | readonly string[]): Promise<string[]> {
  const all: string[] = [];
  for (const path of typeof paths === 'string' ? [paths] : paths) {
    const found = await expand(path);
    if (found.length === 0) {
      throw new TickwireError('bad_input', `${path}: no tick file (.csv, .csv.gz, .bin, .bi5) is there.`);
    }
    all.push(...found);
  }
  return all;
}

async function expand(path: string): Promise<string[]> {
  const info = await stat(path).catch(() => undefined);
  if (info?.isFile()) return [path];
  if (info?.isDirectory()) return filesBelow(path);
  if (!/[*?]/.test(basename(path))) return [];
  const pattern = patternOf(basename(path));
  const folder = dirname(path);
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => pattern.test(name) && formatOf(name) !== undefined)
    .sort()
    .map((name) => join(folder, name));
}

/** Sorted by the whole path, so that hours of nested day folders come in order. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && formatOf(entry.name) !== undefined)
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function patternOf(glob: string): RegExp {
  const escaped = glob.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/\*/g, '.*').replace(/\?/g, '.')}$`);
}
