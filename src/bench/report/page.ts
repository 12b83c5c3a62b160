/** The report's script: draws the charts that the page carries as data. */
import uPlot from 'uplot';
import type { BarChart, Chart, LineChart, Report, Scale } from '../harness/report-model.js';

const COLOURS = [
  '#2563eb',
  '#dc2626',
  '#059669',
  '#d97706',
  '#7c3aed',
  '#0891b2',
  '#be185d',
  '#4d7c0f',
  '#57534e',
];
const HEIGHT = 340;
const WIDTH_MAX = 1040;
const MARGIN = 32;
/** Half the width of a whisker's ends, in CSS pixels. */
const WHISKER = 6;

const report = JSON.parse(document.getElementById('report')!.textContent!) as Report;
const width = Math.min(WIDTH_MAX, document.body.clientWidth - MARGIN);

for (const [index, chart] of report.charts.entries()) {
  const element = document.getElementById(`chart-${index}`)!;
  draw(chart, element);
}
document.body.dataset.drawn = String(report.charts.length);

function draw(chart: Chart, element: HTMLElement): void {
  if (chart.kind === 'lines') drawLines(chart, element);
  else drawBars(chart, element);
}

function compact(value: number): string {
  return Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 }).format(value);
}

function tickText(scale: Scale): (self: uPlot, splits: (number | null)[]) => string[] {
  return (_, splits) =>
    splits.map((value) => {
      if (value === null) return '';
      return scale === 'nines' ? percentOf(value) : compact(value);
    });
}

/** Of x = 1 / (1 − share). */
function percentOf(x: number): string {
  const exponent = Math.round(Math.log10(x));
  if (Math.abs(x - 10 ** exponent) > 1e-6 * x) return '';
  return exponent === 0 ? '0 %' : `${(100 - 100 / x).toFixed(Math.max(0, exponent - 2))} %`;
}

function axis(label: string, scale: Scale): uPlot.Axis {
  return { label, values: tickText(scale) as uPlot.Axis.Values, size: label === '' ? 40 : 64 };
}

function drawLines({ x, y, series }: LineChart, element: HTMLElement): void {
  const tables = series.map(
    ({ points }): uPlot.AlignedData => [points.map((p) => p[0]), points.map((p) => p[1])],
  );
  const data = tables.length === 0 ? ([[]] as unknown as uPlot.AlignedData) : uPlot.join(tables);
  const scaleOf = (scale: Scale): uPlot.Scale =>
    scale === 'linear' ? { time: false } : { time: false, distr: 3 };
  new uPlot(
    {
      width,
      height: HEIGHT,
      scales: { x: scaleOf(x.scale), y: scaleOf(y.scale) },
      axes: [axis(x.label, x.scale), axis(y.label, y.scale)],
      series: [
        {
          label: x.label,
          value: (_, value) =>
            value === null
              ? '–'
              : x.scale === 'nines'
                ? `${(100 - 100 / value).toFixed(4)} %`
                : compact(value),
        },
        ...series.map(({ label }, i) => ({
          label,
          stroke: COLOURS[i % COLOURS.length],
          width: 2,
          spanGaps: true,
          points: { show: series[i].points.length < 40 },
          value: (_: uPlot, value: number | null) => (value === null ? '–' : compact(value)),
        })),
      ],
    },
    data,
    element,
  );
}

function drawBars({ unit, bars }: BarChart, element: HTMLElement): void {
  const positions = bars.map((_, i) => i);
  const top = Math.max(...bars.map((bar) => bar.max));
  const whiskers = (plot: uPlot) => {
    const { ctx } = plot;
    const end = WHISKER * devicePixelRatio;
    ctx.save();
    ctx.strokeStyle = '#1c1917';
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    for (const [i, { min, max }] of bars.entries()) {
      const at = plot.valToPos(i, 'x', true);
      const low = plot.valToPos(min, 'y', true);
      const high = plot.valToPos(max, 'y', true);
      ctx.moveTo(at, low);
      ctx.lineTo(at, high);
      for (const level of [low, high]) {
        ctx.moveTo(at - end, level);
        ctx.lineTo(at + end, level);
      }
    }
    ctx.stroke();
    ctx.restore();
  };
  new uPlot(
    {
      width,
      height: HEIGHT,
      scales: {
        x: { time: false, range: [-0.6, bars.length - 0.4] },
        y: { range: [0, top * 1.08] },
      },
      axes: [
        {
          splits: () => positions,
          values: () => bars.map((bar) => bar.label),
          size: 48,
          grid: { show: false },
        },
        axis(unit, 'linear'),
      ],
      series: [
        { label: 'figure', value: (_, value) => (value === null ? '–' : bars[value].label) },
        {
          label: unit,
          fill: `${COLOURS[0]}55`,
          stroke: COLOURS[0],
          paths: uPlot.paths.bars!({ size: [0.6, 80] }),
          points: { show: false },
          value: (_, value) => (value === null ? '–' : compact(value)),
        },
      ],
      hooks: { draw: [whiskers] },
    },
    [positions, bars.map((bar) => bar.median)],
    element,
  );
}
