/** Scenario `e2e` for people to read. */

import type { Spread } from '../harness/measure.js';
import { short } from '../harness/report-model.js';
import { STAGES } from '../harness/traced.js';
import { PROCESS_HEAD, processTable } from './processes.js';
import { rankings, rankingsIn } from './ranking.js';
import type { E2eResult, E2eRun, Goal, SystemSummary } from './types.js';

const MEGA = 1e6;
const MIB = 1024 * 1024;
const COLUMNS: [title: string, of: (summary: SystemSummary) => string][] = [
  ['system', (s) => s.system],
  ['capacity M/s', (s) => `${s.capacityIsLowerBound ? '> ' : ''}${millions(s.capacityPerSecond)}`],
  ['M per CPU s', (s) => millions(s.deliveredPerCpuSecond)],
  ['p99 at half ms', (s) => ms(s.p99AtHalfUs)],
  ['p99 at common ms', (s) => ms(s.p99AtCommonUs)],
  ['p99 beside slow ms', (s) => ms(s.p99BesideSlowUs)],
  ['2x: stale p99 ms', (s) => ms(s.overload?.stalenessP99Us ?? null)],
  ['lost', (s) => String(s.overload?.lost ?? '-')],
  ['cut off', (s) => String(s.overload?.disconnected ?? '-')],
  ['RssAnon MiB', (s) => (s.overload === null ? '-' : (s.overload.rssAnonBytes.median / MIB).toFixed(0))],
  ['valid', (s) => (s.valid ? 'yes' : 'NO')],
];

function millions(value: Spread | null): string {
  return value === null ? '-' : (value.median / MEGA).toFixed(2);
}

function ms(us: Spread | null): string {
  return us === null ? '-' : (us.median / 1000).toFixed(us.median < 10_000 ? 2 : 0);
}

/** One run on one line. */
export function e2eRunLine(row: E2eRun): string {
  const { latencyUs: l } = row;
  const latency = [l.p50, l.p90, l.p99, l.p999, l.p9999, l.max]
    .map((us) => (us / 1000).toFixed(1))
    .join(' / ');
  const parts = [
    `${row.pass}. ${row.system} ${row.phase}${row.load === null ? '' : ` ${row.load}`}: ${row.rate} ticks/s in`,
    `${(row.achievedPerSecond / MEGA).toFixed(3)} of ${(row.offeredPerSecond / MEGA).toFixed(3)} M/s delivered (${(row.deliveredPerCpuSecond / MEGA).toFixed(2)} M per CPU s)`,
    `p50/p90/p99/p99.9/p99.99/max ${latency} ms`,
    `cores: server ${row.cpu.server.toFixed(2)}, publisher ${row.cpu.publisher.toFixed(2)}, load ${row.cpu.load.toFixed(2)}, others ${row.cpu.other.toFixed(2)}`,
  ];
  if (row.stalenessUs !== null) parts.push(`stale p99 ${(row.stalenessUs.p99 / 1000).toFixed(1)} ms`);
  if (!row.sustained) parts.push('not sustained');
  if (row.lost > 0) parts.push(`lost ${row.lost}`);
  if (row.disconnected > 0) parts.push(`${row.disconnected} clients cut off`);
  if (row.wrongFinalState > 0) parts.push(`${row.wrongFinalState} pairs without the last state`);
  if (row.slowDisconnected) parts.push('the slow client was cut off');
  if (row.why.length > 0) parts.push(`not valid: ${row.why.join('; ')}`);
  return parts.join(', ');
}

function table(rows: string[][]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row: string[]) =>
    row.map((text, i) => (i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i]))).join('  ');
  return rows.map(line);
}

/** Where ticks of tickwire spend their time, at each load of the sweep. */
function stageLines({ cells }: E2eResult): string[] {
  const rows = cells.flatMap(({ system, phase, rate, stagesUs }) =>
    stagesUs === null
      ? []
      : [
          [
            `${system} ${phase} ${rate}/s`,
            ...STAGES.map((stage) => `${stagesUs[stage].p50} / ${stagesUs[stage].p99}`),
          ],
        ],
  );
  if (rows.length === 0) return [];
  return ['', ...table([['by stage: p50 / p99 µs', ...STAGES], ...rows])];
}

function goalLine({ what, wanted, ours, theirs, peer, unit, verdict }: Goal): string {
  const beside = theirs === null ? '' : `, ${peer} ${short(theirs)} ${unit}`;
  return `${what}, ${wanted}: tickwire ${short(ours)} ${unit}${beside}: ${verdict}`;
}

export function e2eLines(result: E2eResult): string[] {
  const { clock, quiet } = result.steadiness;
  const ahead = rankings(result.systems);
  const lines = [
    ...table([
      [...COLUMNS.map(([title]) => title), 'leads tickwire in'],
      ...result.systems.map((summary) => [
        ...COLUMNS.map(([, of]) => of(summary)),
        rankingsIn(ahead, summary, 'brief'),
      ]),
    ]),
    '',
    ...result.goals.map(goalLine),
    ...stageLines(result),
    '',
    ...table([
      PROCESS_HEAD,
      ...processTable(
        result.systems.map(({ system }) => system),
        result.rows,
      ),
    ]),
    '',
    ...result.systems.map((s) => `${s.system}: ${s.what} ${s.version} ${JSON.stringify(s.settings)}`),
    ...result.skipped.map(({ name, why }) => `${name}: skipped, ${why}`),
    ...result.failures.map(({ system, why }) => `${system}: failed, ${why}`),
    `a clock costs ${clock.hrtimeNs.toFixed(0)} ns (hrtime) and ${clock.performanceNowNs.toFixed(0)} ns (performance.now); a sleep of 1 ms takes ${quiet.oversleptUs.p50} µs longer, p99 ${quiet.oversleptUs.p99} µs, at most ${quiet.oversleptUs.max} µs`,
  ];
  if (result.commonRate !== null) lines.push(`common rate: ${result.commonRate} ticks/s of the market`);
  lines.push(`it took ${result.tookSeconds} s; ${result.estimatedSeconds} s were expected`);
  return [...lines, ...result.notes];
}
