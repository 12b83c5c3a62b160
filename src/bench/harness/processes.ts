/** What each process has used so far, as Linux reports it. */
import { readdirSync, readFileSync } from 'node:fs';
import type { GcPauses } from './gc.js';

/** Clock ticks of /proc/PID/stat per second, as Linux has them on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
/** Fields of /proc/PID/stat, counted from the one after the name of the program. */
const USER_TIME = 11;
const SYSTEM_TIME = 12;

export interface ProcessUse {
  name: string;
  /** CPU time of all its threads, in seconds, to within a hundredth. */
  userS: number;
  systemS: number;
  rssBytes: number;
  rssAnonBytes: number;
  /** Times that its threads gave their core up, and had it taken away. */
  voluntarySwitches: number;
  involuntarySwitches: number;
}

/** The same with its garbage collections. */
export interface ProcessCost extends ProcessUse {
  /** Of its main thread; null where it is no program of Node. */
  gc: GcPauses | null;
}

function number(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
}

/** @throws Error if it has ended */
export function processUse(name: string, pid: number): ProcessUse {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  let voluntarySwitches = 0;
  let involuntarySwitches = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const text = statusOf(pid, thread);
    voluntarySwitches += number(text, 'voluntary_ctxt_switches');
    involuntarySwitches += number(text, 'nonvoluntary_ctxt_switches');
  }
  return {
    name,
    userS: Number(fields[USER_TIME]) / TICKS_PER_SECOND,
    systemS: Number(fields[SYSTEM_TIME]) / TICKS_PER_SECOND,
    rssBytes: number(status, 'VmRSS') * 1024,
    rssAnonBytes: number(status, 'RssAnon') * 1024,
    voluntarySwitches,
    involuntarySwitches,
  };
}

/** Threads may end between the listing and the look. */
function statusOf(pid: number, thread: string): string {
  try {
    return readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
  } catch {
    return '';
  }
}

/** What was used between two looks; memory as it is at the second. */
export function usedBetween(from: ProcessUse, to: ProcessUse): ProcessUse {
  return {
    ...to,
    userS: to.userS - from.userS,
    systemS: to.systemS - from.systemS,
    voluntarySwitches: to.voluntarySwitches - from.voluntarySwitches,
    involuntarySwitches: to.involuntarySwitches - from.involuntarySwitches,
  };
}
