/** Which versions of Node run the engine: those of `engines` in package.json. */
import { TickwireError } from './errors.js';

/** The oldest minor version of each even line that is not complete from its first version on. */
const OLDEST_MINOR: Readonly<Record<number, number>> = { 20: 19, 22: 12 };
/** From this line on, every version may run. */
const NEWEST_LINE = 24;

/** Why the engine does not run on a version of Node, and what to do; undefined where the engine runs. */
export function nodeFault(version: string): string | undefined {
  const [line, minor] = version.split('.').map(Number);
  if (line >= NEWEST_LINE || minor >= (OLDEST_MINOR[line] ?? Number.POSITIVE_INFINITY)) return undefined;
  return `tickwire does not run on Node ${version}: use Node 24, Node 22 from 22.12 on, or Node 20 from 20.19 on.`;
}

/** @throws TickwireError unsupported where this process's Node cannot run the engine */
export function checkNode(): void {
  const fault = nodeFault(process.versions.node);
  if (fault !== undefined) throw new TickwireError('unsupported', fault);
}
