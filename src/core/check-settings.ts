/**
 * Checking of settings: zod finds the faults. This file words them, so that whoever wrote the value knows which setting
 * is meant and what to write instead.
 */
import { z } from 'zod';
import { TickwireError } from './errors.js';

type Issue = z.core.$ZodIssue;
export type SettingPath = readonly PropertyKey[];

/** A word that differs from a known word in at most this many letters counts as a misspelling of it. */
const HINT_DISTANCE_MAX = 3;
const SHOWN_MAX = 60;

export interface Fault {
  path: SettingPath;
  /** Begins with the setting, for example `feeds[1].options.port: expected …`. */
  text: string;
}

/** What was read, or its faults. */
export type Checked<T> = { value: T; faults: [] } | { value: undefined; faults: Fault[] };

/** @param at where the value lies in the settings */
export function check<S extends z.ZodType>(
  schema: S,
  value: unknown,
  at: SettingPath = [],
): Checked<z.output<S>> {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return { value: result.data, faults: [] };
  return { value: undefined, faults: result.error.issues.flatMap((issue) => faultsOf(issue, schema, at)) };
}

/** An error with a line for each fault. */
export function badConfig(faults: readonly Fault[]): TickwireError {
  return new TickwireError('bad_config', faults.map(({ text }) => text).join('\n'));
}

/** `feeds[1].options.port` */
function settingName(path: SettingPath): string {
  let text = '';
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else text += text === '' ? String(key) : `.${String(key)}`;
  }
  return text;
}

/** A hint with the known word that was probably meant, or with all known words. */
export function hint(word: string, known: readonly string[]): string {
  const distances = known.map((k) => distance(word.toLowerCase(), k.toLowerCase()));
  const least = Math.min(...distances);
  if (least <= Math.min(HINT_DISTANCE_MAX, Math.floor(word.length / 2))) {
    return `did you mean "${known[distances.indexOf(least)]}"?`;
  }
  return known.length === 0 ? 'there are none here' : `known here: ${known.join(', ')}`;
}

function faultsOf(issue: Issue, schema: z.ZodType, at: SettingPath, base: SettingPath = []): Fault[] {
  const within = [...base, ...issue.path];
  const path = [...at, ...within];
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, within);
    return issue.keys.map((key) => fault([...path, key], `unknown setting; ${hint(key, known)}`));
  }
  if (issue.code === 'invalid_union') {
    // Of a union, the form whose faults lie inside the value was probably meant.
    const meant = issue.errors.find((branch) => branch.every(isInside));
    if (meant !== undefined) return meant.flatMap((inner) => faultsOf(inner, schema, at, within));
  }
  return [fault(path, sentence(issue))];
}

export function fault(path: SettingPath, said: string): Fault {
  return { path, text: `${path.length === 0 ? 'settings' : settingName(path)}: ${said}` };
}

function isInside(issue: Issue): boolean {
  return issue.path.length > 0 || issue.code === 'unrecognized_keys';
}

function sentence(issue: Issue): string {
  const isOwnWording = !/^(Invalid|Too )/.test(issue.message);
  if (isOwnWording) return issue.message;
  return `expected ${expectation(issue)}, got ${shown(issue.input)}`;
}

function expectation(issue: Issue): string {
  if (issue.code === 'invalid_type') return issue.expected === 'int' ? 'a whole number' : issue.expected;
  if (issue.code === 'invalid_value') return issue.values.map((v) => JSON.stringify(v)).join(' or ');
  if (issue.code === 'invalid_union') {
    const kinds = issue.errors.map((branch) => (branch[0] === undefined ? '' : expectation(branch[0])));
    return [...new Set(kinds.filter((k) => k !== ''))].join(' or ');
  }
  if (issue.code === 'too_small') return `${unitOf(issue.origin)}at least ${issue.minimum}`;
  if (issue.code === 'too_big') return `${unitOf(issue.origin)}at most ${issue.maximum}`;
  return issue.message;
}

function unitOf(origin: string): string {
  if (origin === 'string') return 'a text of length ';
  return origin === 'array' ? 'a list of length ' : '';
}

function shown(input: unknown): string {
  if (input === undefined) return 'nothing: set it';
  if (input === null) return 'null';
  if (typeof input === 'object') return Array.isArray(input) ? `a list of ${input.length}` : 'an object';
  const text = JSON.stringify(input) ?? String(input);
  return `${typeof input} ${text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text}`;
}

/** The keys of the object schema that lies at a path inside another. */
function keysAt(schema: z.ZodType, path: SettingPath): string[] {
  let at: unknown = schema;
  for (const key of path) {
    const inner = unwrap(at);
    at =
      typeof key === 'number' ? (inner as z.ZodArray).element : (inner as z.ZodObject).shape?.[String(key)];
  }
  return Object.keys((unwrap(at) as z.ZodObject | undefined)?.shape ?? {});
}

/** The schema without its wrappers for a default or optional value; of a union, its object schema. */
function unwrap(schema: unknown): unknown {
  let at = schema as { def?: { innerType?: unknown; options?: unknown[] } } | undefined;
  for (;;) {
    const inner = at?.def?.innerType ?? at?.def?.options?.find((o) => unwrap(o) instanceof z.ZodObject);
    if (inner === undefined) return at;
    at = inner as typeof at;
  }
}

/** How many letters have to be changed, added or taken away (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}
