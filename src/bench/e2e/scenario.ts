/** Scenario `e2e`: tickwire and what one would use instead, from the same market to the same verifying clients. */

import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, TickwireError } from '../../core/errors.js';
import { twoCores } from '../harness/child.js';
import { positive, wholeNumber, zeroOrMore } from '../harness/flags.js';
import { clockCost, HiccupWatch } from '../harness/hiccups.js';
import type { Scenario } from '../harness/scenario.js';
import { highestSustained } from '../load/peak.js';
import {
  estimateSeconds,
  isSought,
  loadsOf,
  OVERLOAD,
  OVERLOAD_LENGTH,
  PROBE_SECONDS,
  PROBE_WARMUP,
  SLOW_LOAD,
  WARM_LENGTH,
} from './plan.js';
import { goals } from './ranking.js';
import { e2eLines, e2eRunLine } from './report.js';
import { isWrong } from './run.js';
import { E2eSetup } from './setup.js';
import { cellsOf, figuresOf, summarise } from './summary.js';
import { chooseSystems } from './systems.js';
import type { E2eResult, E2eRun, RunOptions, Subject } from './types.js';

const DIAGRAM = `
  core 0                                              core 1
    open-loop market ─▶ the system under test ──────▶ N clients, each watching W of S symbols
     (tick n is due at    tickwire: feed ─▶ shard       raw sockets that speak each system's protocol;
      start + n / rate)     ─▶ fan-out, one process     every tick is held against its symbol's
                          peers: publisher ─▶ server    symbolSeq; latency is taken since it was due

  The capacity of each system is sought first: the highest rate of which 98 % is delivered, each tick
  once and in order. Then, in several passes whose order alternates, each is measured at shares of
  its own capacity (sweep), at one rate for all (common: half the capacity of the best peer with one
  topic a symbol), at twice its capacity (overload), and beside a subscriber that stopped reading (slow).

  staleness   how long ago the first tick was due that a client lacks, over random pairs of client
              and symbol; 0 where it has all
  A row is invalid when ticks came out of order or were lost at a rate that was sustained, when the
  processes cannot be pinned to a core each, when the load generator used more than 85 % of its own,
  or when other processes used 0.2 cores or more.`;

const WARMUP_LOAD = 0.5;
/** Ticks per second below which a run has too few to measure. */
const RATE_MIN = 20;
const QUIET_MS = 1000;
/** How long clients may take to come to the last state: after most runs, and after those past saturation. */
const DRAIN_MS = 5000;
const OVERLOAD_DRAIN_MS = 10_000;

export interface E2eOptions {
  /** `all`, `none` or names. */
  peers: string;
  own: string;
  clients: number;
  watch: number;
  symbols: number;
  /** Ticks per second of the market; `auto`: shares of each system's capacity. */
  rates: number[] | 'auto';
  seconds: number;
  warmup: number;
  passes: number;
  seed: number;
  skew: number;
  pin: boolean;
  folder?: string;
}

type E2eFlags = Omit<E2eOptions, 'watch'> & { watch?: number };

function ratesOrAuto(text: string): number[] | 'auto' {
  return text === 'auto' ? text : text.split(',').map(wholeNumber);
}

export const e2e: Scenario<E2eFlags> = {
  name: 'e2e',
  summary: 'feed to subscriber, beside what one would use instead: capacity, latency, overload',
  diagram: DIAGRAM,
  example: '--peers nats,ws --clients 1000 --watch 50 --json',
  flags: (command) =>
    command
      .option('--peers <names>', 'all, none, or names with commas between', 'all')
      .option('--own <names>', 'how tickwire is set up: all, none, or names with commas between', 'all')
      .option('--clients <n>', 'clients that read', wholeNumber, 1000)
      .option('--watch <n>', 'symbols that each of them watches, of its own random choice', wholeNumber)
      .option('--symbols <n>', 'symbols of the market', wholeNumber, 500)
      .option(
        '--rates <list>',
        'ticks per second of the market with commas between, or auto',
        ratesOrAuto,
        'auto',
      )
      .option('--seconds <n>', 'measured time of each row', positive, 1)
      .option('--warmup <n>', 'seconds before it', zeroOrMore, 0.3)
      .option('--passes <n>', 'how often each row is measured, in alternating order', wholeNumber, 3)
      .option('--seed <n>', 'seed of the market, and of what each client watches', wholeNumber, 1)
      .option('--skew <n>', "how unequally busy symbols are: exponent of Zipf's law", zeroOrMore, 0.9)
      .option('--no-pin', 'leave the processes to the scheduler: no row is valid then')
      .option('--folder <path>', 'where logs are made and removed again (default: the temporary folder)'),
  small: {
    ...{ peers: 'ws-single', own: 'tickwire', clients: 4, symbols: 12, rates: [400] },
    ...{ seconds: 0.3, warmup: 0.1, passes: 1, seed: 3 },
  },
  run: async (flags, tell) => {
    const options = { ...flags, watch: flags.watch ?? flags.symbols };
    const result = await benchE2e(options, (row) => tell(e2eRunLine(row)), tell);
    return {
      figures: figuresOf(result.systems),
      why: objections(result),
      lines: e2eLines(result),
      details: result,
    };
  },
};

/** What is against the figures of the summary. */
function objections({ rows, systems, failures }: E2eResult): string[] {
  const why = failures.map((failure) => `${failure.system} failed: ${failure.why}`);
  for (const { system } of systems) {
    const wrong = rows.filter((row) => row.system === system && row.phase !== 'probe' && isWrong(row));
    if (wrong.length > 0) why.push(`${system}: ${wrong.length} rows with ticks lost or out of order`);
  }
  if (systems.some((summary) => !summary.valid)) why.push('the rows say why');
  return why;
}

/** @throws TickwireError bad_config */
export async function benchE2e(
  options: E2eOptions,
  onRow: (row: E2eRun) => void,
  tell: (line: string) => void = () => {},
): Promise<E2eResult> {
  if (options.watch > options.symbols)
    throw new TickwireError(
      'bad_config',
      `--watch ${options.watch} is more than there are symbols (${options.symbols}).`,
    );
  const { systems, skipped } = chooseSystems(options.peers, options);
  if (systems.length === 0)
    throw new TickwireError(
      'bad_config',
      'There is no system to measure: choose some with --peers or --own.',
    );
  const estimatedSeconds = estimateSeconds(systems, options);
  tell(`${systems.length} systems, about ${Math.ceil(estimatedSeconds / 60)} minutes`);
  const startedMs = performance.now();
  const pinning = options.pin ? twoCores() : { why: 'not pinned: as asked for' };
  const clock = clockCost();
  const hiccups = new HiccupWatch();
  try {
    await hiccups.take();
    await sleep(QUIET_MS);
    const quiet = await hiccups.take();
    const cores = 'cores' in pinning ? pinning.cores : undefined;
    const run = new Run(options, cores, hiccups, onRow);
    const subjects = systems.map((system) => ({ system, version: '', settings: {}, capacity: null }));
    await run.all(subjects);
    const cells = cellsOf(run.rows);
    const summaries = subjects.map((subject) => summarise(subject, run.rows, cells));
    return {
      systems: summaries,
      skipped,
      goals: goals(summaries, options.watch === options.symbols),
      cells,
      rows: run.rows,
      failures: run.failures,
      commonRate: run.commonRate,
      notes: 'why' in pinning ? [pinning.why] : [],
      steadiness: { clock, quiet },
      estimatedSeconds,
      tookSeconds: Math.round((performance.now() - startedMs) / 1000),
    };
  } finally {
    await hiccups.stop();
  }
}

class Run {
  readonly rows: E2eRun[] = [];
  readonly failures: E2eResult['failures'] = [];
  commonRate: number | null = null;
  #pass = 0;

  constructor(
    readonly options: E2eOptions,
    readonly cores: [number, number] | undefined,
    readonly hiccups: HiccupWatch,
    readonly onRow: (row: E2eRun) => void,
  ) {}

  async all(subjects: Subject[]): Promise<void> {
    if (this.options.rates === 'auto') {
      const systems = subjects.map(({ system }) => system);
      for (const subject of subjects)
        if (isSought(subject.system, systems)) await this.#with(subject, (bench) => this.#seek(bench));
      const best = subjects.filter(({ system }) => system.peer?.batched === false && system.name !== 'uws');
      const capacity = Math.max(0, ...best.map((subject) => subject.capacity ?? 0));
      this.commonRate = capacity > 0 ? Math.round(capacity / 2) : null;
    }
    // In latest nothing is lost at any rate: it is measured at the rates of every.
    const every = subjects.find(({ system }) => system.name === 'tickwire')?.capacity;
    for (const subject of subjects) {
      if (subject.system.mode === 'latest' && every != null) subject.capacity = every;
    }
    for (this.#pass = 1; this.#pass <= this.options.passes; this.#pass++) {
      const order = this.#pass % 2 === 1 ? subjects : [...subjects].reverse();
      for (const subject of order) await this.#with(subject, (bench) => this.#passOf(bench));
    }
  }

  /** Measures a system that is started for it; what goes wrong with it does not end the others. */
  async #with(subject: Subject, measure: (bench: Bench) => Promise<void>): Promise<void> {
    const bench = new Bench(subject, this.options, this.cores, this.hiccups, this.#pass, (row) => {
      this.rows.push(row);
      this.onRow(row);
    });
    try {
      await measure(bench);
    } catch (error) {
      this.failures.push({ system: subject.system.name, why: messageOf(error) });
    } finally {
      await bench.stop();
    }
  }

  async #seek(bench: Bench): Promise<void> {
    const { subject } = bench;
    const seconds = Math.min(PROBE_SECONDS, this.options.seconds);
    const probe = (rate: number) =>
      bench.row({ phase: 'probe', rate, load: null, seconds, warmup: PROBE_WARMUP });
    subject.capacity = (await highestSustained(probe, bench.easyRate)) || null;
    if (subject.capacity === null)
      throw new TickwireError(
        'stage_failed',
        'No rate was sustained: the machine is too busy to measure on.',
      );
  }

  async #passOf(bench: Bench): Promise<void> {
    const { subject } = bench;
    const { rates } = this.options;
    if (rates === 'auto') {
      if (subject.capacity === null) return;
      for (const load of loadsOf(subject.system))
        await bench.row({ phase: 'sweep', rate: load * subject.capacity, load });
      const common = this.commonRate;
      if (common !== null && common <= subject.capacity)
        await bench.row({ phase: 'common', rate: common, load: null });
    } else {
      for (const rate of rates) {
        const { holds } = await bench.row({ phase: 'sweep', rate, load: null });
        if (holds) subject.capacity = Math.max(subject.capacity ?? 0, rate);
      }
    }
    const capacity = subject.capacity ?? Math.min(...(rates as number[]));
    await bench.row({
      phase: 'overload',
      rate: OVERLOAD * capacity,
      load: OVERLOAD,
      seconds: OVERLOAD_LENGTH * this.options.seconds,
      drainMs: OVERLOAD_DRAIN_MS,
    });
    // The last: a system beside one that did not read is started again.
    await bench.row({ phase: 'slow', rate: SLOW_LOAD * capacity, load: SLOW_LOAD, withSlow: true });
  }
}

/** One system, started when it is first needed, and again after a run that it did not come out of whole. */
class Bench {
  #setup: E2eSetup | null = null;

  constructor(
    readonly subject: Subject,
    readonly options: E2eOptions,
    readonly cores: [number, number] | undefined,
    readonly hiccups: HiccupWatch,
    readonly pass: number,
    readonly onRow: (row: E2eRun) => void,
  ) {}

  /** Ticks per second of the market that the system delivers with ease. */
  get easyRate(): number {
    const { clients, watch, symbols } = this.options;
    return Math.max(RATE_MIN, this.subject.system.startPerSecond / ((clients * watch) / symbols));
  }

  async row(
    given: Pick<RunOptions, 'phase' | 'rate' | 'load'> & Partial<RunOptions>,
  ): Promise<E2eRun & { deliveredPerSecond: number }> {
    const { warmup, seconds } = this.options;
    const { pass } = this;
    const common = { pass, warmup, seconds, withSlow: false, drainMs: DRAIN_MS };
    const rate = Math.max(1, Math.round(given.rate));
    if (this.#setup !== null && !this.#setup.isSound) await this.stop();
    if (this.#setup === null) {
      this.#setup = await E2eSetup.start(
        this.subject.system,
        { ...this.options, cores: this.cores },
        this.hiccups,
      );
      this.subject.version = this.#setup.version;
      this.subject.settings = this.#setup.settings;
      // Code that never ran is slow, and would be taken for the system's limit.
      const calm = Math.round(WARMUP_LOAD * (this.subject.capacity ?? Math.min(rate, this.easyRate)));
      await this.#setup.row({
        ...common,
        ...{ phase: 'warmup', rate: Math.max(1, calm), load: null, warmup: 0 },
        seconds: WARM_LENGTH * seconds,
      });
    }
    const row = await this.#setup.row({ ...common, ...given, rate });
    this.onRow(row);
    return { ...row, deliveredPerSecond: row.achievedPerSecond };
  }

  async stop(): Promise<void> {
    const setup = this.#setup;
    this.#setup = null;
    await setup?.stop();
  }
}
