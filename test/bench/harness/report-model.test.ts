/** The report: what it shows of results, and that a browser draws it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { goals } from '../../../src/bench/e2e/ranking.js';
import { comparison } from '../../../src/bench/e2e/report-part.js';
import { LatencySamples } from '../../../src/bench/harness/latency.js';
import {
  type BarChart,
  bars,
  type LineChart,
  reportOf,
  short,
  validity,
} from '../../../src/bench/harness/report-model.js';
import { figure, type ScenarioResult } from '../../../src/bench/harness/scenario.js';
import { mergedStages, STAGES, type StageTimes } from '../../../src/bench/harness/traced.js';
import { soakSeries } from '../../../src/bench/pipeline/soak-report.js';
import { htmlOf } from '../../../src/bench/report/html.js';
import { Browser, whyNot } from '../../web/support.js';

const COST = {
  cpuSeconds: 1,
  rssBytesMax: 1,
  contextSwitches: { voluntary: 0, involuntary: 0 },
  gc: { count: 0, ms: 0, msMax: 0 },
};

function result(scenario: string, figures: ScenarioResult['figures'], more: object = {}): ScenarioResult {
  const machine = { cpu: 'x', cores: 2, node: 'v20' };
  return { scenario, valid: true, why: [], figures, process: COST, options: {}, machine, ...more };
}

const RESULTS = [
  result('ring', { recordsPerSecond: figure('records/s', 'higher', [10e6, 30e6, 20e6]) }),
  result('encode', {
    a: figure('ns', 'lower', [5]),
    b: figure('ns', 'lower', [7]),
    c: figure('bytes', 'lower', [9]),
  }),
  result(
    'soak',
    { ticksPerSecond: figure('ticks/s', 'higher', [1]) },
    {
      valid: false,
      why: ['</script><b>lost 1'],
      samples: [
        { seconds: 1, numbered: 10, rssAnon: 5e6, rss: 9e6 },
        { seconds: 2, numbered: 20, rssAnon: 6e6, rss: 9e6 },
      ],
    },
  ),
];

const PARTS = [validity, bars, soakSeries];

t.test('figures that share a unit share a chart; one number alone stands in the table only', async (t) => {
  const report = reportOf(RESULTS, new Date(0), PARTS);
  t.equal(report.tables[0].rows.length, 5);
  t.match(report.tables[0].rows[4], ['soak', /higher/, /1/, '1', '1', '1', 'no: </script><b>lost 1']);
  const charts = report.charts.map((chart) => chart.title);
  t.same(charts, [
    'ring: records/s, higher is better',
    'encode: ns, lower is better',
    'soak: memory over time',
  ]);
  t.match(report.charts[0] as BarChart, { bars: [{ median: 20e6, min: 10e6, max: 30e6, runs: 3 }] });
  t.match(report.charts[2] as LineChart, {
    series: [
      {
        label: 'RssAnon',
        points: [
          [1, 5],
          [2, 6],
        ],
      },
      { label: 'RSS' },
    ],
  });
  t.equal(report.madeAt, '1970-01-01T00:00:00.000Z');
});

t.test('the comparison says where another system leads', async (t) => {
  const spread = (median: number) => ({ median, min: median * 0.9, max: median * 1.1, runs: [median] });
  const system = (name: string, perCpu: number, p99: number) => ({
    system: name,
    what: 'a system',
    peer: name === 'tickwire' ? null : { name: 'nats' as const, batched: false },
    log: false,
    version: '1',
    settings: {},
    capacityRate: 100,
    capacityPerSecond: spread(1000),
    capacityIsLowerBound: false,
    deliveredPerCpuSecond: spread(perCpu),
    p99AtHalfUs: spread(p99),
    p99AtCommonUs: null,
    p99BesideSlowUs: null,
    overload: null,
    valid: true,
  });
  const latency = new LatencySamples();
  for (let us = 1; us <= 1000; us++) latency.record(us * 1000);
  const { hdr, max } = latency.recorded();
  const row = (name: string) => ({
    system: name,
    phase: 'sweep',
    load: 0.5,
    latencyHdr: hdr,
    latencyUs: { max },
  });
  const summary = latency.summary();
  const sweepCell = {
    ...{ system: 'tickwire', phase: 'sweep', offeredPerSecond: 1e6, achievedPerSecond: spread(1e6) },
    latencyUs: { p50: spread(500), p99: spread(900) },
    stagesUs: mergedStages([
      Object.fromEntries(STAGES.map((stage) => [stage, latency.recorded()])) as StageTimes,
    ]),
  };
  const systems = [system('tickwire', 2e6, 9000), system('nats', 1e6, 4000)];
  const details = {
    systems,
    goals: goals(systems, true),
    skipped: [{ name: 'redis', why: 'it is not installed' }],
    cells: [sweepCell],
    rows: [row('tickwire'), row('nats')],
  };
  const { tables, charts } = reportOf([result('e2e', {}, details)], new Date(0), [comparison]);
  t.match(tables[0].note, /redis was skipped: it is not installed/);
  t.match(tables[0].rows[1], ['nats: a system 1', '1000 ticks/s', '1 M ticks', '4 ms ▲', '–']);
  t.equal(tables[0].rows[0].at(-2), '', 'tickwire does not lead itself');
  t.equal(tables[0].rows[1].at(-2), 'p99 at half its capacity', 'the first table says where a peer leads');
  t.match(tables[1].rows, [
    ['delivered a server CPU second', /8 ×/, '2 M ticks', 'nats: 1 M ticks', 'missed'],
  ]);
  t.match(tables[2].rows, [['nats', 'p99 at half its capacity', /^4 ms/, /^tickwire: 9 ms/]]);
  t.match(tables[3].rows, [['tickwire', 'sweep', '1 M ticks/s', /^500\.\d \/ 990\.\d \/ 1000$/]]);
  t.equal(tables[3].rows[0].at(-1), String(summary.samples));
  const stages = (charts as LineChart[]).find(({ title }) => /each stage/.test(title))!;
  t.same(
    stages.series.map(({ label }) => label),
    STAGES,
  );
  const [distribution] = charts as LineChart[];
  t.match(distribution, { x: { scale: 'nines' }, series: [{ label: 'tickwire' }, { label: 'nats' }] });
  const median = distribution.series[0].points.find(([x]) => x === 2)!;
  t.ok(Math.abs(median[1] - 500) < 2, `half of all took up to ${median[1]} ms`);
});

t.test('numbers are short', async (t) => {
  t.same([1234.56, 12_345, 1_234_567, 5e9, 0.01234].map(short), [
    '1235',
    '12.35 k',
    '1.235 M',
    '5 G',
    '0.01234',
  ]);
});

t.test('nothing in a result ends the page early, and nothing comes from outside', async (t) => {
  const html = htmlOf(reportOf(RESULTS, new Date(0), PARTS));
  t.notMatch(html, '</script><b>');
  t.notMatch(html, /(src|href)\s*=\s*["']?https?:/);
  t.notMatch(html, '@import');
});

t.test('a browser draws every chart', { skip: whyNot() }, async (t) => {
  const file = join(t.testdir(), 'report.html');
  writeFileSync(file, htmlOf(reportOf(RESULTS, new Date(0), PARTS)));
  const browser = await Browser.start(pathToFileURL(file).href);
  t.teardown(() => browser.close());
  await browser.until(`document.body.dataset.drawn === '3'`);
  const painted = await browser.evaluate<boolean>(`[...document.querySelectorAll('canvas')].every((canvas) =>
    canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((byte) => byte !== 0))`);
  t.ok(painted, 'and none is empty');
  t.equal(await browser.evaluate('document.querySelectorAll("canvas").length'), 3);
  t.same(browser.failures, []);
});
