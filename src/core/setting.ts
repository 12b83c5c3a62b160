/** What documentation and help say of a setting, beside what its schema says: put into the schema by `.meta(…)`. */

export type Unit = 'bytes' | 'days' | 'milliseconds' | 'slots' | 'symbols' | 'threads';

export interface SettingNotes {
  unit?: Unit;
  /** Its values, where the schema alone does not say them well. */
  values?: string;
  /** Its default, where the schema alone does not say it well. */
  standard?: string;
  /** Its flag of `ticks serve`, as commander reads it: `-p, --port <n>`. */
  flag?: string;
  /** A flag that sets it to false. */
  offFlag?: string;
  /** The help of `offFlag`. */
  offHelp?: string;
  /** An environment variable beside the one that follows from its name, which covers this one. */
  variable?: string;
}

/** @param meaning whole sentences, in plain English: a row of the table in `docs/operations.md` */
export function setting(meaning: string, notes: SettingNotes = {}): Record<string, unknown> {
  return { description: meaning, ...notes };
}
