/** The comparison of systems in a report: who leads, whole latency distributions, and latency against load. */

import { LatencySamples } from '../harness/latency.js';
import type { Spread } from '../harness/measure.js';
import {
  type BarChart,
  type Chart,
  type LineChart,
  type Part,
  short,
  type Table,
} from '../harness/report-model.js';
import type { ScenarioResult } from '../harness/scenario.js';
import { STAGES } from '../harness/traced.js';
import { PROCESS_HEAD, processTable } from './processes.js';
import { OWN, rankings, rankingsIn, SYSTEM_FIGURES, type SystemFigure } from './ranking.js';
import type { Cell, E2eResult, SystemSummary } from './types.js';

const HALF = 0.5;
const US_PER_MS = 1000;
/** Shares beyond it rest on too few samples to be drawn. */
const SHARE_MAX = 0.99999;

export const comparison: Part = (results) => {
  const found = results.filter((result): result is ScenarioResult & E2eResult => 'systems' in result);
  return {
    tables: found.flatMap((result) => [
      systemsTable(result),
      goalsTable(result),
      rankingsTable(result.systems),
      ...stageTables(result),
      processesTable(result),
    ]),
    charts: found.flatMap(chartsOf),
  };
};

/** The first table: also in which figures a peer is ahead of tickwire. */
function systemsTable({ systems, skipped }: E2eResult): Table {
  const ahead = rankings(systems);
  const cell = (figure: SystemFigure, summary: SystemSummary) => {
    const spread = figure.of(summary);
    if (spread == null) return '–';
    const isAhead = ahead.some((ranking) => ranking.peer === summary.system && ranking.figure === figure);
    return `${short(spread.median / figure.per)} ${figure.unit}${isAhead ? ' ▲' : ''}`;
  };
  const note = [
    'Medians over the passes. ▲: it leads tickwire there; one that stores every tick is compared with tickwire-log.',
    ...skipped.map(({ name, why }) => `${name} was skipped: ${why}.`),
  ];
  return {
    title: 'Systems, from the same market to the same clients',
    note: note.join(' '),
    head: [
      'system',
      ...SYSTEM_FIGURES.map(({ title, better }) => `${title} (${better} is better)`),
      'lost, cut off at twice its capacity',
      'leads tickwire in',
      'valid',
    ],
    rows: systems.map((summary) => [
      `${summary.system}: ${summary.what} ${summary.version}`,
      ...SYSTEM_FIGURES.map((figure) => cell(figure, summary)),
      summary.overload === null ? '–' : `${summary.overload.lost}, ${summary.overload.disconnected}`,
      rankingsIn(ahead, summary, 'title'),
      summary.valid ? 'yes' : 'no',
    ]),
  };
}

function goalsTable({ goals }: E2eResult): Table {
  return {
    title: 'What tickwire is to reach',
    note: 'In mode every, without a log, against the best peer of its kind.',
    head: ['figure', 'wanted', OWN, 'best peer', 'verdict'],
    rows: goals.map(({ what, wanted, ours, theirs, peer, unit, verdict }) => [
      what,
      wanted,
      `${short(ours)} ${unit}`,
      theirs === null ? '–' : `${peer}: ${short(theirs)} ${unit}`,
      verdict,
    ]),
  };
}

/** Every figure in which another system is ahead of tickwire. */
function rankingsTable(systems: readonly SystemSummary[]): Table {
  const rows = rankings(systems).map(({ peer, figure, theirs, ours, own }) => {
    const told = ({ median, min, max }: Spread) =>
      `${short(median / figure.per)} ${figure.unit} (${short(min / figure.per)} to ${short(max / figure.per)})`;
    return [peer, figure.title, told(theirs), `${own}: ${told(ours)}`];
  });
  return {
    title: 'Where another system leads',
    note:
      rows.length === 0 ? 'In none of the figures above.' : 'Each of its figures that is better than ours.',
    head: ['system', 'figure', 'its own', 'ours'],
    rows,
  };
}

/** Where the ticks of each of our systems spend their time. */
function stageTables({ cells }: E2eResult): Table[] {
  const rows = cells.flatMap(({ system, phase, offeredPerSecond, stagesUs }) =>
    stagesUs === null
      ? []
      : [
          [
            system,
            phase,
            `${short(offeredPerSecond)} ticks/s`,
            ...STAGES.map((stage) => {
              const { p50, p99, max } = stagesUs[stage];
              return [p50, p99, max].map((us) => short(us / US_PER_MS)).join(' / ');
            }),
            String(stagesUs.client.samples),
          ],
        ],
  );
  if (rows.length === 0) return [];
  const told = STAGES.map((stage) => `${stage}, ms`);
  return [
    {
      title: 'Where ticks spend their time',
      note: 'p50 / p99 / highest of ticks that were followed from when they were due until a client had read them, all passes together. A stage’s highest need not be of the same tick as another’s.',
      head: ['system', 'row', 'offered', ...told, 'ticks'],
      rows,
    },
  ];
}

function processesTable({ systems, rows }: E2eResult): Table {
  return {
    title: 'Processes',
    note: 'At 0.9 of each system’s capacity; medians over the passes, of the longest GC pause the highest. GC is that of a process’s main thread, where it is a program of Node.',
    head: PROCESS_HEAD,
    rows: processTable(
      systems.map(({ system }) => system),
      rows,
    ),
  };
}

function stageCharts({ cells, systems }: E2eResult): LineChart[] {
  return systems.flatMap(({ system }): LineChart[] => {
    const sweep = sweepOf(cells, system).filter(({ stagesUs }) => stagesUs !== null);
    if (sweep.length === 0) return [];
    return [
      {
        kind: 'lines',
        title: `${system}: p99 of each stage against load`,
        note: 'feed, raw ring, shard, ring, fan-out, client; a tick is in one of them at a time.',
        x: { label: 'offered, ticks/s to all clients', scale: 'log' },
        y: { label: 'ms', scale: 'log' },
        series: STAGES.map((stage) => ({
          label: stage,
          points: sweep.map(({ offeredPerSecond, stagesUs }): [number, number] => [
            offeredPerSecond,
            Math.max(1, stagesUs![stage].p99) / US_PER_MS,
          ]),
        })),
      },
    ];
  });
}

function chartsOf(result: E2eResult): Chart[] {
  return [
    distributions(
      result,
      'each at half its own capacity',
      ({ load, phase }) => phase === 'sweep' && load === HALF,
    ),
    distributions(result, 'all at the common rate', ({ phase }) => phase === 'common'),
    againstLoad(result, 'p50'),
    againstLoad(result, 'p99'),
    achieved(result),
    ...stageCharts(result),
    ...SYSTEM_FIGURES.map((figure) => spreadOf(result.systems, figure)),
  ].filter((chart) => (chart.kind === 'lines' ? chart.series : chart.bars).length > 0);
}

/** The whole distribution of latency, all passes together. */
function distributions(
  { rows, systems }: E2eResult,
  what: string,
  isMeant: (row: E2eResult['rows'][number]) => boolean,
): LineChart {
  const series = systems.flatMap(({ system }) => {
    const meant = rows.filter((row) => row.system === system && isMeant(row));
    if (meant.length === 0) return [];
    const all = new LatencySamples();
    for (const { latencyHdr, latencyUs } of meant)
      all.add({ hdr: latencyHdr, max: latencyUs.max, negative: 0 });
    const points = all
      .curve()
      .filter(([share]) => share <= SHARE_MAX)
      .map(([share, us]): [number, number] => [1 / (1 - share), Math.max(1, us) / US_PER_MS]);
    return [{ label: system, points }];
  });
  return {
    kind: 'lines',
    title: `Latency by percentile, ${what}`,
    note: 'From when a tick was due until a client had it; each step to the right is one more nine.',
    x: { label: 'percentile', scale: 'nines' },
    y: { label: 'ms', scale: 'log' },
    series,
  };
}

/** From light load to past saturation. */
function sweepOf(cells: readonly Cell[], of: string): Cell[] {
  return cells
    .filter(({ system, phase }) => system === of && (phase === 'sweep' || phase === 'overload'))
    .sort((a, b) => a.offeredPerSecond - b.offeredPerSecond);
}

function againstLoad({ cells, systems }: E2eResult, percentile: 'p50' | 'p99'): LineChart {
  return {
    kind: 'lines',
    title: `Latency against load: ${percentile}`,
    note: 'Medians over the passes, from light load to past saturation.',
    x: { label: 'offered, ticks/s to all clients', scale: 'log' },
    y: { label: 'ms', scale: 'log' },
    series: systems
      .map(({ system }) => ({
        label: system,
        points: sweepOf(cells, system).map((cell): [number, number] => [
          cell.offeredPerSecond,
          cell.latencyUs[percentile].median / US_PER_MS,
        ]),
      }))
      .filter(({ points }) => points.length > 0),
  };
}

function achieved({ cells, systems }: E2eResult): LineChart {
  return {
    kind: 'lines',
    title: 'Delivered against offered',
    note: 'A line that bends away from the diagonal has met its capacity.',
    x: { label: 'offered, ticks/s to all clients', scale: 'log' },
    y: { label: 'delivered, ticks/s', scale: 'log' },
    series: systems
      .map(({ system }) => ({
        label: system,
        points: sweepOf(cells, system).map((cell): [number, number] => [
          cell.offeredPerSecond,
          cell.achievedPerSecond.median,
        ]),
      }))
      .filter(({ points }) => points.length > 0),
  };
}

function spreadOf(systems: readonly SystemSummary[], column: SystemFigure): BarChart {
  return {
    kind: 'bars',
    title: `${column.title[0].toUpperCase()}${column.title.slice(1)}, ${column.better} is better`,
    note: 'Medians; the whiskers reach from the lowest pass to the highest.',
    unit: column.unit,
    bars: systems.flatMap((summary) => {
      const spread = column.of(summary);
      if (spread == null) return [];
      const { median, min, max, runs } = spread;
      const { per } = column;
      return [
        { label: summary.system, median: median / per, min: min / per, max: max / per, runs: runs.length },
      ];
    }),
  };
}
