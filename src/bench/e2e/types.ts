/** What scenario `e2e` is asked for and what it finds: of one row, of one system, and of all. */
import type { ClockCost, MachineNoise } from '../harness/hiccups.js';
import type { LatencyUs } from '../harness/latency.js';
import type { Spread } from '../harness/measure.js';
import type { ProcessCost } from '../harness/processes.js';
import type { Stage, StageTimes } from '../harness/traced.js';
import type { Skipped, System } from './systems.js';

export interface SetupOptions {
  clients: number;
  watch: number;
  symbols: number;
  seed: number;
  skew: number;
  cores: [number, number] | undefined;
  folder?: string;
}

export interface RunOptions {
  pass: number;
  phase: E2eRun['phase'];
  /** Share of the system's capacity; null where it is not known or not meant. */
  load: number | null;
  /** Ticks per second of the market. */
  rate: number;
  warmup: number;
  seconds: number;
  /** Whether one further subscriber does not read. */
  withSlow: boolean;
  /** How long clients may take to come to the last state afterwards. */
  drainMs: number;
}

export interface E2eRun {
  system: string;
  pass: number;
  /** `probe` while the capacity is sought; `common`: the same rate for all systems. */
  phase: 'warmup' | 'probe' | 'sweep' | 'common' | 'slow' | 'overload';
  /** Share of the system's own capacity. */
  load: number | null;
  /** Ticks per second of the market, and how many of them were generated. */
  rate: number;
  madePerSecond: number;
  /** Ticks per second of the symbols that each client watches, all clients together. */
  offeredPerSecond: number;
  /** Those that got there, each the next of its symbol at its client. */
  achievedPerSecond: number;
  /** From when a tick was due until a client had it. */
  latencyUs: LatencyUs;
  /** The same as an HDR histogram in µs: V2, compressed, base 64. */
  latencyHdr: string;
  /** Of tickwire: how long traced ticks took in each stage; from due to read in all. */
  stages: StageTimes | null;
  /** How long ago the first tick was due that a client lacks, over random pairs of client and symbol. */
  stalenessUs: LatencyUs | null;
  lost: number;
  reordered: number;
  disconnected: number;
  /** Whether one further client did not read, and whether its connection was ended. */
  withSlow: boolean;
  slowDisconnected: boolean;
  /** Pairs of client and symbol that did not come to the last state in time. */
  wrongFinalState: number;
  /** Milliseconds after the market had stopped until all had come to it; null: they did not. */
  drainedMs: number | null;
  /** Cores in use: by the system's servers, by a publisher that is a process of its own, by the load generator, by others. */
  cpu: { server: number; publisher: number; load: number; other: number };
  /** CPU time, user and system, per delivered tick: of the servers, and with a publisher of its own. */
  cpuNsPerTick: { server: number; withPublisher: number };
  deliveredPerCpuSecond: number;
  /** Of the servers at the end of the row, and of all TCP sockets of the machine. */
  memory: { rssBytes: number; rssAnonBytes: number; tcpBytes: number };
  processes: (ProcessCost & { role: 'server' | 'publisher' | 'load' })[];
  oversleptUs: MachineNoise['oversleptUs'];
  bytesPerTick: number;
  seconds: number;
  /** In mode `every`: what was offered was delivered. In mode `latest`: the feed kept its rate. */
  sustained: boolean;
  /** Whether it was sustained, without a fault, and not held back by the load generator. */
  holds: boolean;
  /** Whether the figures may be quoted, and what is against it. Loss past saturation is a finding, and not against it. */
  valid: boolean;
  why: string[];
}

/** What is known of a system while it is measured. */
export interface Subject {
  system: System;
  version: string;
  settings: Record<string, unknown>;
  /** Ticks per second of the market; null until it is known. */
  capacity: number | null;
}

/** All rows of one system at one load. */
export interface Cell {
  system: string;
  phase: E2eRun['phase'];
  load: number | null;
  /** Ticks per second of the market; median. */
  rate: number;
  /** Runs, and how many of them may be quoted: the figures are of these, or of all where there are none. */
  runs: number;
  validRuns: number;
  offeredPerSecond: number;
  achievedPerSecond: Spread;
  deliveredPerCpuSecond: Spread;
  cpuNsPerTick: { server: Spread; withPublisher: Spread };
  latencyUs: Record<'p50' | 'p90' | 'p99' | 'p999' | 'p9999' | 'max', Spread>;
  /** Of tickwire: all runs together, stage by stage; see `bench/harness/traced.ts`. */
  stagesUs: Record<Stage, LatencyUs> | null;
  stalenessP99Us: Spread | null;
  /** The most of any run. */
  lost: number;
  disconnected: number;
  slowDisconnected: boolean;
  rssAnonBytes: Spread;
  tcpBytes: Spread;
  sustained: boolean;
}

/** One line of the first table. */
export interface SystemSummary {
  system: string;
  what: string;
  /** Null: tickwire. */
  peer: System['peer'] | null;
  /** Whether it stores every tick. */
  log: boolean;
  version: string;
  settings: Record<string, unknown>;
  /** Ticks per second of the market at which 98 % is still delivered, and what the clients then get. */
  capacityRate: number | null;
  capacityPerSecond: Spread | null;
  /** A higher rate was sustained too, but with a load generator so busy that it does not count. */
  capacityIsLowerBound: boolean;
  /** At 0.9 of the capacity, or the nearest load below it. */
  deliveredPerCpuSecond: Spread | null;
  p99AtHalfUs: Spread | null;
  p99AtCommonUs: Spread | null;
  /** At half the capacity beside a subscriber that does not read. */
  p99BesideSlowUs: Spread | null;
  overload: {
    stalenessP99Us: Spread | null;
    lost: number;
    disconnected: number;
    rssAnonBytes: Spread;
  } | null;
  valid: boolean;
}

/** What tickwire, lossless and without a log, must reach beside the best of some peers. */
export interface Goal {
  what: string;
  wanted: string;
  /** The best of the peers that it is compared with; null: none was measured. */
  peer: string | null;
  ours: number;
  theirs: number | null;
  unit: string;
  verdict: string;
}

export interface E2eResult {
  systems: SystemSummary[];
  skipped: Skipped[];
  /** What `tickwire` must reach beside its peers, and whether it does. */
  goals: Goal[];
  /** Medians and spreads over the passes. */
  cells: Cell[];
  rows: E2eRun[];
  failures: { system: string; why: string }[];
  /** Ticks per second of the market at which all systems were measured; null: none was. */
  commonRate: number | null;
  notes: string[];
  steadiness: { clock: ClockCost; quiet: MachineNoise };
  /** What the whole of it was to take, and took. */
  estimatedSeconds: number;
  tookSeconds: number;
}
