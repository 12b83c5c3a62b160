/** Which variable or flag a setting came from, so that a fault names what its writer wrote. */
import type { Fault, SettingPath } from '../../core/check-settings.js';

export interface Origin {
  path: SettingPath;
  /** `TICKWIRE_HTTP_PORT`, or `--port`. */
  name: string;
}

/** Adds to a fault what set the value: the last of the origins that covers it. A config file's settings have none. */
export function withOrigin(fault: Fault, origins: readonly Origin[]): Fault {
  const origin = origins.findLast(({ path }) => path.every((key, i) => key === fault.path[i]));
  return origin === undefined ? fault : { ...fault, text: `${fault.text} (set by ${origin.name})` };
}
