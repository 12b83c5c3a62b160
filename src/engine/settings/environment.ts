/** Settings from environment variables: each setting has one, whose name follows from the setting's. */

import { type Fault, hint } from '../../core/check-settings.js';
import { messageOf } from '../../core/errors.js';
import { parseJson } from './config-file.js';
import { describeSettings, type SettingLine } from './describe.js';
import { atPath, merge } from './merge.js';
import type { Origin } from './origin.js';
import { configSchema } from './schema.js';

/** Variables that are no settings: the path of the config file, and the recorded data and the length of tests. */
const OTHER_VARIABLES = ['TICKWIRE_CONFIG', 'TICKWIRE_DATA', 'TICKWIRE_LONG'];

/** Every setting, in the order of the schema. */
export const SETTINGS: readonly SettingLine[] = describeSettings(configSchema);

/** `TICKWIRE_HTTP_IDLE_MS` for `http.idleMs`. */
export function variableOf(path: readonly string[]): string {
  const words = path.map((word) => word.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase());
  return ['TICKWIRE', ...words].join('_');
}

export interface FromEnvironment {
  /** In the shape of the config file. */
  settings: object;
  /** Which variable set what. */
  origins: Origin[];
  faults: Fault[];
}

/**
 * Reads the variables; an empty one counts as absent.
 */
export function readEnvironment(environment: Record<string, string | undefined>): FromEnvironment {
  const result: FromEnvironment = { settings: {}, origins: [], faults: unknownVariables(environment) };
  const set = (line: SettingLine, name: string) => {
    const text = environment[name];
    if (text === undefined || text === '') return;
    try {
      result.settings = merge(result.settings, atPath(line.path, readText(line, name, text)));
      result.origins.push({ path: line.path, name });
    } catch (error) {
      result.faults.push({ path: line.path, text: messageOf(error) });
    }
  };
  for (const line of SETTINGS) if (line.variable !== undefined) set(line, line.variable);
  // Last, because a section may be switched off whatever its own settings are.
  for (const line of SETTINGS) if (line.reads !== 'false') set(line, variableOf(line.path));
  for (const line of SETTINGS) if (line.reads === 'false') set(line, variableOf(line.path));
  return result;
}

/** Text that does not fit stays text, so that the check names the setting and shows what it got. */
function readText({ reads, hasOff }: SettingLine, name: string, text: string): unknown {
  if (hasOff && text === 'false') return false;
  if (reads === 'number' && text.trim() !== '' && !Number.isNaN(Number(text))) return Number(text);
  return reads === 'json' ? parseJson(text, name) : text;
}

function unknownVariables(environment: Record<string, string | undefined>): Fault[] {
  const known = [
    ...SETTINGS.flatMap(({ path, variable }) => [variable ?? [], variableOf(path)].flat()),
    ...OTHER_VARIABLES,
  ];
  return Object.keys(environment)
    .filter((name) => name.startsWith('TICKWIRE_') && !known.includes(name))
    .map((name) => ({ path: [], text: `${name}: unknown variable; ${hint(name, known)}` }));
}
