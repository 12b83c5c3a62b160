/** Scenario `fanout` for people to read. */

import type { FanoutResult, FanoutRun, StoppedEffect } from './types.js';

const MEGA = 1e6;
const MIB = 1024 * 1024;

function millions(n: number): string {
  return (n / MEGA).toFixed(2);
}

function percent(n: number): string {
  return `${(n * 100).toFixed(0)} %`;
}

/** One run on one line. */
export function runLine(row: FanoutRun): string {
  const { latencyUs: l } = row;
  const ms = [l.p50, l.p90, l.p99, l.p999, l.max].map((us) => (us / 1000).toFixed(1)).join(' / ');
  const parts = [
    `${row.mode} ${row.phase}${row.withStopped ? ' with stopped clients' : ''}: ${row.rate} ticks/s in`,
    `${millions(row.deliveredPerSecond)} M/s delivered (${millions(row.deliveredPerCpuSecond)} M per CPU second)`,
    `p50/p90/p99/p99.9/max ${ms} ms`,
    `server ${percent(row.serverCpu)}, load generator ${percent(row.loadCpu)} (${row.loadNsPerTick.toFixed(0)} ns a tick), others ${percent(row.otherCpu)} of a core`,
    `${row.bytesPerTick.toFixed(1)} bytes a tick`,
  ];
  if (!row.sustained) parts.push('not sustained');
  if (row.recoveredMs !== null) parts.push(`stopped ones right after ${row.recoveredMs} ms`);
  if (row.why.length > 0) parts.push(`not valid: ${row.why.join('; ')}`);
  return parts.join(', ');
}

function stoppedLines(mode: string, clients: number, stopped: StoppedEffect): string[] {
  const ms = (values: number[]) => values.map((us) => (us / 1000).toFixed(1)).join(', ');
  const broken = Object.entries(stopped.holds).filter(([, holds]) => !holds);
  return [
    `${mode}, beside ${clients} clients that stopped reading:`,
    `  delivered ${millions(stopped.deliveredWithout)} M/s without, ${millions(stopped.deliveredWith)} M/s with them`,
    `  p99 ${ms(stopped.p99Without)} ms without, ${ms(stopped.p99With)} ms with them`,
    `  memory grown by ${(stopped.memoryGrownBytes / MIB).toFixed(0)} MiB of ${(stopped.memoryGrownBytesMax / MIB).toFixed(0)} allowed; all right again after ${stopped.recoveredMs} ms`,
    broken.length === 0
      ? '  all as it has to be'
      : `  not as it has to be: ${broken.map(([name]) => name).join(', ')}`,
  ];
}

/** @param clients how many stopped reading, where runs with such were asked for */
export function fanoutLines(result: FanoutResult, clients: number): string[] {
  const lines = result.rows.filter((row) => row.phase !== 'probe').map(runLine);
  for (const mode of ['every', 'latest'] as const) {
    const stopped = result[mode]?.stopped;
    if (stopped != null) lines.push(...stoppedLines(mode, clients, stopped));
  }
  lines.push(
    `lost ${result.lost}, reordered ${result.reordered}, wrong final states ${result.wrongFinalState}, over ${result.rows.length} rows`,
    ...result.notes,
  );
  return lines;
}
