/** Says what is wrong with a request in the words of `docs/protocol.md`: the field, its valid values, what was sent. */
import type { z } from 'zod';
import { SPEED_MAX } from '../../core/limits.js';
import { KIND_NAMES } from '../../core/tick.js';
import { digitsHint } from '../../core/time-text.js';

export const PATTERN_LENGTH_MAX = 128;
export const ID_LENGTH_MAX = 128;
export const INTERVAL_MS_MAX = 3_600_000;
export const TOKEN_LENGTH_MAX = 8_192;
export const CURSOR_LENGTH_MAX = 4_096;
export const SYMBOL_SEQ_MAX = 0xffff_ffff;
/** Characters of a value that the message shows at most. */
const SHOWN_MAX = 40;

const name = `a name of 1 to ${PATTERN_LENGTH_MAX} characters`;
const symbolSeq = `a whole number from 0 to ${SYMBOL_SEQ_MAX}`;
const seq = 'a whole number from 0 on';
/** By field: its valid values. */
const TAKES: Record<string, string> = {
  id: `a finite number or a string of up to ${ID_LENGTH_MAX} characters`,
  sub: 'the number of a subscription',
  symbols: 'a list of names and patterns, at least one',
  mode: '"latest" or "every"',
  kinds: `a list of ${KIND_NAMES.map((kind) => `"${kind}"`).join(', ')}, at least one`,
  intervalMs: `a number of milliseconds from 0 to ${INTERVAL_MS_MAX}`,
  snapshot: 'true or false',
  from: 'a cursor, a time in ISO 8601 such as "2024-06-19T08:00:00Z", or UNIX nanoseconds as decimal text',
  speed: `"max", or a number above 0 and up to ${SPEED_MAX}`,
  deliver: '"published" or "durable"',
  symbol: name,
  epoch: `a whole number from 1 to ${SYMBOL_SEQ_MAX}`,
  fromSymbolSeq: symbolSeq,
  toSymbolSeq: symbolSeq,
  fromSeq: seq,
  toSeq: seq,
  token: `a string of up to ${TOKEN_LENGTH_MAX} characters`,
};
/** By list field: the valid values of its elements. */
const ELEMENTS: Record<string, string> = {
  symbols: `a name or pattern of 1 to ${PATTERN_LENGTH_MAX} characters`,
  kinds: KIND_NAMES.map((kind) => `"${kind}"`).join(' or '),
};

/**
 * One sentence about the first fault of a request.
 * @param ops all valid values of `op`
 */
export function complaintOf(issue: z.core.$ZodIssue, request: object, ops: readonly string[]): string {
  const [field, index] = issue.path.map(String);
  if (field === undefined) return issue.message;
  const sent = (request as Record<string, unknown>)[field];
  if (field === 'op') return wrong('op', `one of ${ops.join(', ')}`, sent);
  if (issue.path.length > 1)
    return wrong(`${field}[${index}]`, ELEMENTS[field], (sent as Record<string, unknown>)[index]);
  // A message must not repeat a token, which is secret.
  if (field === 'token' && sent !== undefined) return `token must be ${TAKES.token}.`;
  const more = field === 'from' ? aboutTime(sent) : '';
  return wrong(field, TAKES[field], sent) + more;
}

function wrong(field: string, takes: string, sent: unknown): string {
  if (sent === undefined) return `${field} is missing: it must be ${takes}.`;
  return `${field} must be ${takes}, not ${shown(sent)}.`;
}

/** Why a number or a text of digits is no valid time, as a further sentence; empty where there is nothing to add. */
function aboutTime(sent: unknown): string {
  if (typeof sent === 'number' && Number.isFinite(sent) && !Number.isSafeInteger(sent))
    return ' A float64, as numbers of JSON are, does not hold a time in nanoseconds.';
  return digitsHint(String(sent));
}

function shown(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a map';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}
