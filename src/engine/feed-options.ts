/** The options of the feeds that come with the engine: checked by their schemas, and told from them. */
import { existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { FEED_TYPES, type FeedTypeName } from '../feeds/index.js';
import { type Checked, check } from './config-check.js';

/** An option, as a page of help tells it. */
export interface OptionLine {
  name: string;
  /** What it may be set to. */
  values: string;
  /** As JSON; undefined where there is none. */
  default: string | undefined;
  isNeeded: boolean;
  meaning: string;
}

/** Checks the options of a feed type; each fault begins with the field. */
export function checkFeedOptions(
  type: FeedTypeName,
  options: unknown,
  at: readonly PropertyKey[],
): Checked<object> {
  const checked = check(FEED_TYPES[type].schema as z.ZodType<object>, options ?? {}, at);
  if (checked.value === undefined) {
    const known = optionsOf(type).map(({ name }) => name);
    const told = (fault: string) =>
      fault.includes('unknown setting; did you mean') ? `${fault} ${type} has ${known.join(', ')}` : fault;
    return { value: undefined, faults: checked.faults.map(told) };
  }
  if (type !== 'file') return checked;
  const { path } = checked.value as { path: string | string[] };
  const faults = [path].flat().filter((named) => !isThere(named));
  if (faults.length === 0) return checked;
  const field = `${at.join('.').replace(/\.(\d+)/g, '[$1]')}.path`;
  return { value: undefined, faults: faults.map((named) => `${field}: there is no file or folder ${named}`) };
}

/** Whether a path, or the folder that a pattern is about, exists. */
function isThere(path: string): boolean {
  return existsSync(path) || (/[*?]/.test(basename(path)) && existsSync(dirname(path)));
}

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The options of a feed type, in the order of its schema. */
export function optionsOf(type: FeedTypeName): OptionLine[] {
  const schema = z.toJSONSchema(FEED_TYPES[type].schema, { io: 'input' });
  return Object.entries(schema.properties ?? {}).map(([name, option]) => {
    const of = option as JsonSchema;
    return {
      name,
      values: valuesOf(of),
      default: of.default === undefined ? undefined : JSON.stringify(of.default),
      isNeeded: schema.required?.includes(name) === true,
      meaning: of.description ?? '',
    };
  });
}

function valuesOf(schema: JsonSchema): string {
  if (schema.anyOf !== undefined)
    return schema.anyOf.map((form) => valuesOf(form as JsonSchema)).join(', or ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(', ');
  if (schema.type === 'array') return 'a list of them';
  if (schema.type === 'boolean') return 'true or false';
  if (schema.type === 'string')
    return schema.minLength !== undefined && schema.minLength > 1
      ? `text of at least ${schema.minLength} characters`
      : 'text';
  const what = schema.type === 'integer' ? 'a whole number' : 'a number';
  const { minimum, exclusiveMinimum, maximum } = schema;
  const bounds = [
    minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? `from ${minimum}` : '',
    exclusiveMinimum !== undefined ? `above ${exclusiveMinimum}` : '',
    maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? `to ${maximum}` : '',
  ];
  return [what, ...bounds.filter((bound) => bound !== '')].join(' ');
}
