/** `ticks bench compare`: which figures of two results differ, by how much, and how sure that is. */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { permutationTest, quantile, sampleWithReplacement } from 'simple-statistics';
import { messageOf, TickwireError } from '../../core/errors.js';
import { median } from './measure.js';
import { Uniform } from './random.js';
import { type Figure, figure, type ScenarioResult } from './scenario.js';

const DRAWS = 2000;
const P_MAX = 0.05;
/** With one run on a side nothing is known of the spread. */
const RUNS_TO_JUDGE = 2;
/** Runs on each side from which on a test can find a difference at all. */
const RUNS_FOR_TEST = 4;
const SEED = 1;

export interface Difference {
  scenario: string;
  figure: string;
  unit: string;
  before: number;
  after: number;
  /** after / before, of the medians, and the interval that holds 95 of 100 such ratios of resampled runs. */
  ratio: number;
  interval: [number, number];
  /** How often runs that do not differ would look as different; null with too few runs to say. */
  p: number | null;
  verdict: 'better' | 'worse' | 'same';
}

export interface Comparison {
  differences: Difference[];
  /** `scenario figure` of each that got worse. */
  worse: string[];
  /** What keeps the two from being compared in full. */
  notes: string[];
}

/**
 * @param tolerance share by which a figure may differ and still be the same
 * @throws TickwireError bad_input
 */
export function compareFiles(before: string, after: string, tolerance: number): Comparison {
  return compare(read(before), read(after), tolerance);
}

function read(file: string): ScenarioResult[] {
  let parsed: unknown;
  try {
    parsed = parseResults(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new TickwireError(
      'bad_input',
      `${file} cannot be read as a result of ticks bench --json: ${messageOf(error)}.`,
    );
  }
  const results = (Array.isArray(parsed) ? parsed : [parsed]) as Partial<ScenarioResult>[];
  if (results.length === 0 || results.some((r) => typeof r?.scenario !== 'string' || r.figures === undefined))
    throw new TickwireError('bad_input', `${file} holds no result of ticks bench --json.`);
  return merged(results as ScenarioResult[]);
}

/** One result, an array of results, or one of these a line. */
function parseResults(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text
      .trim()
      .split('\n')
      .flatMap((line) => JSON.parse(line));
  }
}

/** Several results of one scenario are runs of it: so runs of two builds can alternate. */
function merged(results: readonly ScenarioResult[]): ScenarioResult[] {
  const scenarios = new Map<string, ScenarioResult>();
  for (const result of results) {
    const known = scenarios.get(result.scenario);
    scenarios.set(result.scenario, known === undefined ? result : joined(known, result));
  }
  return [...scenarios.values()];
}

function joined(a: ScenarioResult, b: ScenarioResult): ScenarioResult {
  const figures = Object.entries(a.figures).flatMap(([name, { unit, better, runs }]) => {
    const other = b.figures[name];
    return other === undefined ? [] : [[name, figure(unit, better, [...runs, ...other.runs])] as const];
  });
  return { ...a, valid: a.valid && b.valid, figures: Object.fromEntries(figures) };
}

export function compare(before: ScenarioResult[], after: ScenarioResult[], tolerance: number): Comparison {
  const comparison: Comparison = { differences: [], worse: [], notes: [] };
  const { differences, worse, notes } = comparison;
  for (const old of before) {
    const now = after.find((result) => result.scenario === old.scenario);
    if (now === undefined) {
      notes.push(`${old.scenario} is missing after`);
      continue;
    }
    if (!old.valid || !now.valid)
      notes.push(`${old.scenario} is not valid ${old.valid ? 'after' : 'before'}`);
    if (!isDeepStrictEqual(old.options, now.options)) notes.push(`${old.scenario} ran with other options`);
    if (!isDeepStrictEqual(old.machine, now.machine)) notes.push(`${old.scenario} ran on another machine`);
    for (const [name, figure] of Object.entries(old.figures)) {
      const other = now.figures[name];
      if (other === undefined) notes.push(`${old.scenario} ${name} is missing after`);
      else differences.push(difference(old.scenario, name, figure, other, tolerance));
    }
  }
  for (const { verdict, scenario, figure } of differences)
    if (verdict === 'worse') worse.push(`${scenario} ${figure}`);
  return comparison;
}

function difference(
  scenario: string,
  name: string,
  before: Figure,
  after: Figure,
  tolerance: number,
): Difference {
  // Seeded, so that the same two results always compare alike.
  const uniform = new Uniform(SEED);
  const random = () => uniform.share();
  const ratio = after.median / before.median;
  const ratios = Array.from({ length: DRAWS }, () => {
    const drawn = (runs: number[]) => median(sampleWithReplacement(runs, runs.length, random));
    return drawn(after.runs) / drawn(before.runs);
  });
  const count = Math.min(before.runs.length, after.runs.length);
  const canTest = count >= RUNS_FOR_TEST;
  const p = canTest ? permutationTest(before.runs, after.runs, 'two_side', DRAWS, random) : null;
  const isHigher = ratio > 1;
  const isApart = isHigher ? after.min > before.max : after.max < before.min;
  const isLarge = Math.abs(ratio - 1) > tolerance;
  const isSure = p === null ? isApart && count >= RUNS_TO_JUDGE : p < P_MAX;
  const verdict =
    !isLarge || !isSure ? 'same' : isHigher === (before.better === 'higher') ? 'better' : 'worse';
  return {
    scenario,
    figure: name,
    unit: before.unit,
    before: before.median,
    after: after.median,
    ratio,
    interval: [quantile(ratios, 0.025), quantile(ratios, 0.975)],
    p,
    verdict,
  };
}

export function comparisonLines({ differences, notes }: Comparison): string[] {
  const rows = differences.map(({ scenario, figure, unit, before, after, ratio, interval, p, verdict }) => [
    `${scenario} ${figure}`,
    `${short(before)} → ${short(after)} ${unit}`,
    `× ${ratio.toFixed(3)} (${interval[0].toFixed(3)} to ${interval[1].toFixed(3)})`,
    p === null ? 'too few runs for p' : `p ${p.toFixed(3)}`,
    verdict,
  ]);
  const widths = rows.reduce((most, row) => row.map((cell, i) => Math.max(cell.length, most[i] ?? 0)), [
    0,
  ] as number[]);
  return [
    ...rows.map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]))
        .join('  ')
        .trimEnd(),
    ),
    ...notes.map((note) => `Note: ${note}.`),
  ];
}

function short(value: number): string {
  return Number(value.toPrecision(4)).toLocaleString('en');
}
