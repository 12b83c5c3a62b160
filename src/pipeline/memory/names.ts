/** Which names the registry takes, of symbols and of sources. */
import { TickwireError } from '../../core/errors.js';
import {
  RAW_NAME_BYTES_MAX,
  SOURCE_INFO_BYTES_MAX,
  SOURCE_NAME_BYTES_MAX,
  SYMBOL_NAME_BYTES_MAX,
} from '../../core/limits.js';

/** What stands for the engine itself where a record belongs to no symbol. */
export const ENGINE_NAME = '$engine';

/** Control and format characters, halves of surrogate pairs, private use, ends of lines: nobody sees them. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;

export function isPrintable(name: string): boolean {
  return !UNSEEN.test(name);
}

/** What a name that was refused may be replaced by. */
const REMEDY = 'Give it another name by an alias ("aliases" of the feed, or the alias in its definition).';

/** @throws TickwireError bad_input */
export function checkSymbolName(name: string): void {
  const bytes = Buffer.byteLength(name);
  const fault =
    bytes === 0 || bytes > SYMBOL_NAME_BYTES_MAX
      ? `must have 1 to ${SYMBOL_NAME_BYTES_MAX} bytes of UTF-8, not ${bytes}`
      : !isPrintable(name)
        ? 'must have printable characters only'
        : name.trim() !== name
          ? 'must not begin or end with a blank'
          : name === ENGINE_NAME
            ? "is the engine's own"
            : name === '.' || name === '..'
              ? 'cannot stand in the path of a URL'
              : undefined;
  if (fault === undefined) return;
  throw new TickwireError('bad_input', `Symbol name ${quoted(name)} ${fault}. ${REMEDY}`);
}

/** @throws TickwireError bad_input */
export function checkRawName(raw: string): void {
  const bytes = Buffer.byteLength(raw);
  if (bytes <= RAW_NAME_BYTES_MAX) return;
  throw new TickwireError(
    'bad_input',
    `Raw symbol name ${quoted(raw)} has ${bytes} bytes; at most ${RAW_NAME_BYTES_MAX} are taken, with an alias too. Shorten it at its source.`,
  );
}

export interface SourceNames {
  name: string;
  stream?: string;
  info?: Record<string, string | number>;
}

/** @throws TickwireError bad_input */
export function checkSource({ name, stream, info }: SourceNames): void {
  for (const [what, text] of [
    ['name', name],
    ['stream id', stream ?? ''],
  ]) {
    const bytes = Buffer.byteLength(text);
    if (bytes <= SOURCE_NAME_BYTES_MAX) continue;
    throw new TickwireError(
      'bad_input',
      `The ${what} of source ${quoted(name)} has ${bytes} bytes; at most ${SOURCE_NAME_BYTES_MAX} are taken. Shorten it.`,
    );
  }
  const bytes = info === undefined ? 0 : Buffer.byteLength(JSON.stringify(info));
  if (bytes <= SOURCE_INFO_BYTES_MAX) return;
  throw new TickwireError(
    'bad_input',
    `The details of source ${quoted(name)} have ${bytes} bytes as JSON; at most ${SOURCE_INFO_BYTES_MAX} are taken. Shorten them.`,
  );
}

const QUOTED_MAX = 80;

function quoted(name: string): string {
  return JSON.stringify(name.length > QUOTED_MAX ? `${name.slice(0, QUOTED_MAX)}…` : name);
}
