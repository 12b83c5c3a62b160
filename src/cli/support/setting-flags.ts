/** Flags that set settings: they follow from the schema, as the environment variables do. */
import { type Command, Option } from 'commander';
import type { SettingLine } from '../../engine/settings/describe.js';
import { SETTINGS } from '../../engine/settings/environment.js';
import { atPath, merge } from '../../engine/settings/merge.js';
import type { Origin } from '../../engine/settings/origin.js';
import { wholeNumber } from './exit.js';

/** How the flag of a setting is parsed and described, where its schema does not say so. */
export interface FlagParser {
  parse: (text: string, before: never) => unknown;
  help: string;
}

export interface FromFlags {
  /** In the shape of the config file. */
  settings: object;
  /** Which flag set what. */
  origins: Origin[];
}

/** Adds the flag of each setting that has one. */
export function addSettingFlags(command: Command, parsers: Record<string, FlagParser>): Command {
  for (const line of SETTINGS) {
    const parser = parsers[line.name];
    if (line.flag !== undefined) {
      const option = new Option(line.flag, parser?.help ?? helpOf(line));
      const parse =
        parser?.parse ?? (line.reads === 'number' ? wholeNumber(line.minimum ?? 0, line.maximum) : undefined);
      command.addOption(parse === undefined ? option : option.argParser(parse as (text: string) => unknown));
    }
    if (line.offFlag !== undefined) command.option(line.offFlag, line.offHelp);
  }
  return command;
}

/** The settings of flags that were given, by the names that commander gives them. */
export function settingsOfFlags(flags: Readonly<Record<string, unknown>>): FromFlags {
  const result: FromFlags = { settings: {}, origins: [] };
  const set = ({ path }: SettingLine, name: string, value: unknown) => {
    result.settings = merge(result.settings, atPath(path, value));
    result.origins.push({ path, name });
  };
  for (const line of SETTINGS) {
    if (line.flag !== undefined) {
      const option = new Option(line.flag);
      const value = flags[option.attributeName()];
      if (value !== undefined) set(line, String(option.long), value);
    }
    if (line.offFlag !== undefined) {
      const off = new Option(line.offFlag);
      if (flags[off.attributeName()] === false) set(line, String(off.long), false);
    }
  }
  return result;
}

/** The first sentence of a meaning, as the help has them. */
function helpOf({ meaning }: SettingLine): string {
  const [sentence] = meaning.split(/\.(?: |$)/);
  return sentence.charAt(0).toLowerCase() + sentence.slice(1).replaceAll('`', '');
}
