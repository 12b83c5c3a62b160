/** What scenario `fanout` is asked for and what it finds: of one row, and of all. */
import type { Mode } from '../../wire/ticks.js';
import type { LatencyUs } from '../harness/latency.js';
import type { LoadMark } from '../load/load.js';
import type { ServerMark } from '../load/server.js';

export interface SetupOptions {
  mode: Mode;
  clients: number;
  stopped: number;
  watch: number;
  symbols: number;
  seed: number;
  tradeShare: number;
  /** Exponent of Zipf's law; 0: all symbols are equally busy. */
  skew: number;
  intervalMs: number;
  shards: number;
  /** Folder of the log; false: no log. */
  folder: string | false;
  /** Cores of server and load generator. */
  cores: [number, number] | undefined;
}

export interface RunOptions {
  phase: FanoutRun['phase'];
  /** Ticks per second of the feed. */
  rate: number;
  /** Seconds before the measured time, and of it. */
  warmup: number;
  seconds: number;
  /** Whether the stoppers are connected and do not read. */
  withStopped: boolean;
}

/** What was seen between two marks. */
export interface Measured {
  server: [ServerMark, ServerMark];
  load: [LoadMark, LoadMark];
  latencyUs: LatencyUs;
  tcpBytes: number;
  /** CPU time of the whole machine, in nanoseconds per second. */
  machineCpuNs: number;
}

export interface FanoutRun {
  mode: Mode;
  /** `probe` to warm up and while the peak is sought, then `peak` and `half`; `fixed` where the rate was given. */
  phase: 'probe' | 'peak' | 'half' | 'fixed';
  /** Whether clients that do not read were connected. */
  withStopped: boolean;
  /** Ticks per second that the feed was to generate, and that were sequenced. */
  rate: number;
  ticksPerSecond: number;
  /** Ticks per second of the symbols that each reader watches, all readers together; `latest` conflates them. */
  offeredPerSecond: number;
  /** Ticks per second that advanced their reader's symbolSeq. */
  deliveredPerSecond: number;
  /** Per second of CPU time of the server's process. */
  deliveredPerCpuSecond: number;
  lost: number;
  reordered: number;
  /** Pairs of client and symbol that ended in another state than the server's table. */
  wrongFinalState: number;
  latencyUs: LatencyUs;
  bytesPerTick: number;
  /** Cores in use by each process. */
  serverCpu: number;
  loadCpu: number;
  /** Cores in use by all other processes of the machine, or withheld by its host. */
  otherCpu: number;
  /** CPU time of the load generator per delivered tick, system calls and all. */
  loadNsPerTick: number;
  serverRssBytes: number;
  serverRssAnonBytes: number;
  /** Memory of all TCP sockets of the machine. */
  tcpBytes: number;
  /** Times that a reader was passed by the ring and fed from the log. */
  catchUps: number;
  /** Milliseconds from when the stopped clients read again until each had the right state. */
  recoveredMs: number | null;
  seconds: number;
  /** In mode `every`: what was offered was delivered. In mode `latest`: the feed kept its rate. */
  sustained: boolean;
  /** Whether it was sustained, without a fault, and not held back by the load generator: what a peak must be. */
  holds: boolean;
  /** Whether the figures may be quoted, and what is against it. */
  valid: boolean;
  why: string[];
}

/** What clients that stopped reading do to the others: rows without and with them, alternating. */
export interface StoppedEffect {
  /** Ticks per second delivered to the readers: medians, at the highest rate measured. */
  deliveredWithout: number;
  deliveredWith: number;
  /** p99 in µs of each row at half that rate. */
  p99Without: number[];
  p99With: number[];
  /** The most that RssAnon of the server and TCP memory together grew by, and what they may. */
  memoryGrownBytes: number;
  memoryGrownBytesMax: number;
  /** The slowest recovery. */
  recoveredMs: number;
  /** Whether each of these is as it has to be. In mode `every` the stopped have a backlog to catch up with. */
  holds: { throughput: boolean; p99: boolean; memory: boolean; recovery: boolean };
}

export interface FanoutFigures {
  deliveredPerSecond: number;
  deliveredPerCpuSecond: number;
  latencyUs: FanoutRun['latencyUs'];
  /** At half the peak's rate, where the peak was sought. */
  latencyAtHalfUs: FanoutRun['latencyUs'] | null;
  serverRssBytes: number;
  bytesPerTick: number;
  valid: boolean;
  stopped: StoppedEffect | null;
}

export interface FanoutResult extends FanoutFigures {
  /** The mode of the figures above: the first that was measured. */
  mode: Mode;
  /** Over all rows, probes included. */
  lost: number;
  reordered: number;
  wrongFinalState: number;
  every?: FanoutFigures;
  latest?: FanoutFigures;
  rows: FanoutRun[];
  /** What is to be known of all rows. */
  notes: string[];
}
