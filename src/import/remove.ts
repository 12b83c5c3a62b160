/** Removes an import from the log, beside a running engine or without one. */
import { TickwireError } from '../core/errors.js';
import type { ImportRecord } from '../log/storage/imports.js';
import { haveDone } from './host.js';
import { importsOf } from './rivals.js';
import { makeStaging } from './staging.js';

/** Characters of a content hash that name an import, at least. */
const HASH_CHARS_MIN = 4;

export interface RemoveOutcome {
  removed: { hash: string; ticks: number }[];
  /** Imports that left out ticks which the removed ones had. */
  lacking: string[];
}

/**
 * @param hashes of the contents, or their beginnings
 * @throws TickwireError bad_input where a hash names no import or several, data_folder_locked, data_folder_unusable
 */
export async function takeOutImports(
  data: string,
  hashes: readonly string[],
  signal: AbortSignal,
): Promise<RemoveOutcome> {
  const imports = importsOf(data);
  const named = [...new Set(hashes.map((hash) => importNamed(imports, data, hash)))];
  const staging = makeStaging(data);
  try {
    const epochs = named.map(({ epoch }) => epoch);
    await haveDone(data, staging.folder, 'remove', { epochs }, signal);
  } finally {
    staging.remove();
  }
  const gone = new Set(named.map(({ hash }) => hash));
  const lacking = imports.filter(
    ({ hash, without }) => !gone.has(hash) && (without ?? []).some((other) => gone.has(other)),
  );
  return {
    removed: named.map(({ hash, ticks }) => ({ hash, ticks })),
    lacking: lacking.map(({ hash }) => hash),
  };
}

function importNamed(imports: readonly ImportRecord[], data: string, text: string): ImportRecord {
  const wanted = text.toLowerCase();
  const found = wanted.length < HASH_CHARS_MIN ? [] : imports.filter(({ hash }) => hash.startsWith(wanted));
  if (found.length === 1) return found[0];
  throw new TickwireError(
    'bad_input',
    found.length === 0
      ? `There is no import ${text} in ${data}: "ticks log stat" lists them by their content.`
      : `${text} is the beginning of ${found.length} imports: give more of it.`,
  );
}
