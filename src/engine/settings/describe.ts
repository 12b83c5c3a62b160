/** Describes the settings of a schema, for help, documentation, flags and environment variables. */
import { z } from 'zod';
import type { SettingNotes } from '../../core/setting.js';

/** A setting, as a page of help describes it. */
export interface SettingLine extends Omit<SettingNotes, 'values'> {
  path: string[];
  /** The last word of its path. */
  name: string;
  /** Valid values. */
  values: string;
  /** As JSON; undefined where there is none. `standard` says it in words, where words say it better. */
  default: string | undefined;
  isNeeded: boolean;
  meaning: string;
  /** How text is read as its value. */
  reads: 'text' | 'number' | 'json' | 'false';
  /** Bounds of a number, where its schema has them. */
  minimum: number | undefined;
  maximum: number | undefined;
  /** Whether `false` switches it off. */
  hasOff: boolean;
}

type JsonSchema = z.core.JSONSchema.BaseSchema & SettingNotes;

const SIZES = [
  ['GiB', 1024 ** 3],
  ['MiB', 1024 ** 2],
  ['KiB', 1024],
] as const;

/** Every setting of a schema, in its order; sections are walked through. */
export function describeSettings(schema: z.ZodType): SettingLine[] {
  return linesOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema, []);
}

function linesOf(section: JsonSchema, path: string[]): SettingLine[] {
  return Object.entries(section.properties ?? {}).flatMap(([name, inner]) => {
    const schema = inner as JsonSchema;
    const at = [...path, name];
    const forms = formsOf(schema);
    const subsection = forms.find((form) => form.properties !== undefined);
    const isNeeded = section.required?.includes(name) === true;
    if (subsection === undefined) return [lineOf(schema, at, isNeeded)];
    // A section is a setting by itself only where it can be switched off.
    const own = forms.length > 1 ? [lineOf(schema, at, isNeeded)] : [];
    return [...own, ...linesOf(subsection, at)];
  });
}

function formsOf(schema: JsonSchema): JsonSchema[] {
  return (schema.anyOf as JsonSchema[] | undefined) ?? [schema];
}

function lineOf(schema: JsonSchema, path: string[], isNeeded: boolean): SettingLine {
  const { unit, flag, offFlag, offHelp, variable } = schema;
  return {
    path,
    name: path[path.length - 1],
    values: schema.values ?? valuesOf(schema),
    default: schema.default === undefined ? undefined : JSON.stringify(schema.default),
    isNeeded,
    meaning: schema.description ?? '',
    reads: readsOf(schema),
    hasOff: formsOf(schema).some((form) => form.const === false),
    ...boundsOf(schema),
    standard: schema.standard ?? sizeOf(schema),
    unit,
    flag,
    offFlag,
    offHelp,
    variable,
  };
}

function readsOf(schema: JsonSchema): SettingLine['reads'] {
  const types = formsOf(schema).map(({ type }) => type);
  if (types.includes('object')) return 'false';
  if (types.includes('string')) return 'text';
  if (types.includes('boolean')) return 'json';
  return types.includes('array') ? 'json' : 'number';
}

/** A default in bytes as people say it, where it is a round size. */
function sizeOf({ default: standard, unit }: JsonSchema): string | undefined {
  if (unit !== 'bytes' || typeof standard !== 'number') return undefined;
  const size = SIZES.find(([, bytes]) => standard >= bytes && standard % bytes === 0);
  return size === undefined ? undefined : `${standard / size[1]} ${size[0]}`;
}

function valuesOf(schema: JsonSchema): string {
  if (schema.anyOf !== undefined)
    return formsOf(schema)
      .map((form) => valuesOf(form))
      .join(', or ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(', ');
  if (schema.type === 'array') return 'a list of them';
  if (schema.type === 'boolean') return 'true or false';
  if (schema.type === 'string')
    return schema.minLength !== undefined && schema.minLength > 1
      ? `text of at least ${schema.minLength} characters`
      : 'text';
  const what = schema.type === 'integer' ? 'a whole number' : 'a number';
  const { minimum, maximum } = boundsOf(schema);
  const bounds = [
    schema.unit === undefined ? '' : `of ${schema.unit}`,
    minimum === undefined ? '' : `from ${minimum}`,
    schema.exclusiveMinimum === undefined ? '' : `above ${schema.exclusiveMinimum}`,
    maximum === undefined ? '' : `to ${maximum}`,
  ];
  return [what, ...bounds.filter((bound) => bound !== '')].join(' ');
}

/** Without those that every whole number of JSON has. */
function boundsOf({ minimum, maximum }: JsonSchema): Pick<SettingLine, 'minimum' | 'maximum'> {
  return {
    minimum: minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? minimum : undefined,
    maximum: maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined,
  };
}
