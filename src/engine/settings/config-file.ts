/** Reads a config file, and other JSON that people write. A fault in the JSON is reported with its line. */
import { readFileSync } from 'node:fs';
import { codeOf, messageOf, TickwireError } from '../../core/errors.js';

/**
 * A config file's content.
 * @throws TickwireError bad_config with the line where its JSON breaks
 */
export function readConfigFile(path: string): object {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const why = codeOf(error) === 'ENOENT' ? 'there is no such file' : messageOf(error);
    throw new TickwireError('bad_config', `The config file ${path} cannot be read: ${why}.`, {
      cause: error,
    });
  }
  const value = parseJson(text, `The config file ${path}`);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TickwireError('bad_config', `The config file ${path} must hold one JSON object.`);
  }
  return value;
}

/** @throws TickwireError bad_config with the line where the JSON breaks */
export function parseJson(text: string, what: string): unknown {
  const fault = faultOfJson(text);
  if (fault === undefined) return JSON.parse(text);
  const lines = text.split('\n');
  // The parser does not always report where it stopped. The fault is in the first line that no further text can repair.
  let line = 1;
  while (line < lines.length && mayGoOn(lines.slice(0, line).join('\n'))) line++;
  const why = fault.replace(/, (\.\.\.)?".*is not valid JSON$/s, '').replace(/ in JSON at.*$/s, '');
  throw new TickwireError('bad_config', `${what} is not valid JSON, line ${line}: ${why}.`);
}

/** Whether a text may be the beginning of valid JSON. */
function mayGoOn(text: string): boolean {
  const fault = faultOfJson(text);
  if (fault === undefined || /^(Unexpected end|Unterminated string)/.test(fault)) return true;
  return Number(/at position (\d+)/.exec(fault)?.[1] ?? -1) >= text.length;
}

function faultOfJson(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
