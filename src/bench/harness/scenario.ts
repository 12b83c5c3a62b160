/** What a benchmark scenario is, and how all of them are run: adding one is one file, and a line in `bench/scenarios.ts`. */
import type { Command } from 'commander';
import { type GcPauses, GcWatch } from './gc.js';
import { machine, type Spread, spread } from './measure.js';

/** One measured quantity, with each run's value. */
export interface Figure extends Spread {
  unit: string;
  better: 'higher' | 'lower';
}

/** What a scenario found. */
export interface Findings {
  figures: Record<string, Figure>;
  /** Why the figures do not count: what was lost, repeated, out of order or wrong. None: they do. */
  why: string[];
  /** For people to read. */
  lines: string[];
  /** What else its JSON object holds. */
  details?: object;
}

// biome-ignore lint/suspicious/noExplicitAny: the list of scenarios holds those of all options
export interface Scenario<O extends object = any> {
  name: string;
  summary: string;
  /** Its topology, in ASCII. */
  diagram: string;
  /** Arguments of an example. */
  example: string;
  /** Adds its options, whose defaults are the large size. */
  flags(command: Command): Command;
  /** The size that runs in the tests and in `bench quick`; the other options as they are by default. */
  small: Partial<O>;
  /** @param tell takes a line of progress */
  run(options: O, tell: (line: string) => void): Promise<Findings>;
}

/** What a run cost the process that ran it; children are not in it. */
export interface ProcessCost {
  cpuSeconds: number;
  rssBytesMax: number;
  contextSwitches: { voluntary: number; involuntary: number };
  /** Garbage collections of the main thread, and the time they took. */
  gc: GcPauses;
}

export interface ScenarioResult {
  scenario: string;
  valid: boolean;
  why: string[];
  figures: Record<string, Figure>;
  process: ProcessCost;
  options: object;
  machine: ReturnType<typeof machine>;
}

export function figure(unit: string, better: Figure['better'], runs: number[]): Figure {
  return { unit, better, ...spread(runs) };
}

/** Runs a scenario; its JSON object, and what people read of it. */
export async function runScenario<O extends object>(
  scenario: Scenario<O>,
  options: O,
  tell: (line: string) => void,
): Promise<{ result: ScenarioResult; lines: string[] }> {
  const cost = new CostMeter();
  const { figures, why, lines, details } = await scenario.run(options, tell);
  const result = {
    scenario: scenario.name,
    valid: why.length === 0,
    why,
    figures,
    ...details,
    process: cost.end(),
    options,
    machine: machine(),
  };
  return { result, lines };
}

class CostMeter {
  readonly #before = process.resourceUsage();
  readonly #gc = new GcWatch();

  end(): ProcessCost {
    const gc = this.#gc.take();
    this.#gc.stop();
    const after = process.resourceUsage();
    const spent = (key: keyof NodeJS.ResourceUsage) => after[key] - this.#before[key];
    return {
      cpuSeconds: (spent('userCPUTime') + spent('systemCPUTime')) / 1e6,
      rssBytesMax: after.maxRSS * 1024,
      contextSwitches: {
        voluntary: spent('voluntaryContextSwitches'),
        involuntary: spent('involuntaryContextSwitches'),
      },
      gc,
    };
  }
}
