/** `GET /metrics`: every counter and gauge of the engine, and of its process, for Prometheus. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { CounterReader, LogWord, type Totals } from '../../pipeline/memory/counters.js';
import { LastValueTable } from '../../pipeline/memory/last-value-table.js';
import type { RegistryUsage } from '../../pipeline/memory/registry.js';
import { WatermarkReader } from '../../pipeline/memory/watermarks.js';
import type { Answer } from '../contract/answers.js';
import type { FanoutPorts, FanoutStats } from '../contract/ports.js';

/** What is read once for each answer, so that its figures belong together. */
interface Reading {
  ports: FanoutPorts;
  counters: CounterReader;
  table: LastValueTable;
  watermarks: WatermarkReader;
  totals: Totals;
  stats: FanoutStats;
  /** HTTP answers by status. */
  answered: ReadonlyMap<number, number>;
}

type Labels = Record<string, string>;
type Sample = readonly [value: number, labels?: Labels];
type Read = (reading: Reading) => Sample[];
/** Name without `tickwire_`, help, how it is read; counters end in `_total`. */
type Family = readonly [name: string, help: string, labels: string[], read: Read];

const total =
  (key: Exclude<keyof Totals, 'rejectedBy'>): Read =>
  ({ totals }) => [[totals[key]]];
type Figure = { [K in keyof FanoutStats]: FanoutStats[K] extends number ? K : never }[keyof FanoutStats];
const fanout =
  (key: Figure, scale = 1): Read =>
  ({ stats }) => [[stats[key] * scale]];
const by =
  (key: 'refused' | 'closed', label: string): Read =>
  ({ stats }) =>
    Object.entries(stats[key]).map(([name, count]) => [count, { [label]: name }]);
const feed =
  (key: 'received' | 'duplicate' | 'rejected' | 'dropped' | 'conflated' | 'inFlight'): Read =>
  ({ ports, counters }) =>
    ports.memory.plan.feeds.map(({ name }, f) => [counters.feed(f)[key], { feed: name }]);
const shard =
  (read: (reading: Reading, shard: number) => number): Read =>
  (reading) =>
    Array.from({ length: reading.ports.memory.plan.shards }, (_, s) => [
      read(reading, s),
      { shard: String(s) },
    ]);
const log =
  (word: number): Read =>
  ({ ports, counters }) =>
    ports.memory.plan.log ? [[counters.log(word)]] : [];
const logShard =
  (word: number): Read =>
  (reading) =>
    reading.ports.memory.plan.log ? shard(({ counters }, s) => counters.log(word + s))(reading) : [];
const lag =
  (key: 'visibleLagMs' | 'durableLagMs'): Read =>
  (reading) =>
    reading.ports.memory.plan.log
      ? shard(({ watermarks }, s) => (watermarks.read(s)?.[key] ?? 0) / 1e3)(reading)
      : [];
const registry =
  (key: keyof RegistryUsage): Read =>
  ({ ports }) => [[ports.registry.usage[key]]];
const rawDepths: Read = ({ ports: { memory }, counters }) =>
  memory.plan.feeds.flatMap(({ name }, f) =>
    Array.from(
      { length: memory.plan.shards },
      (_, s): Sample => [counters.rawDepth(f, s), { feed: name, shard: String(s) }],
    ),
  );

const FAMILIES: Family[] = [
  ['ticks_received_total', 'Ticks that feeds received.', [], total('received')],
  ['ticks_split_total', 'Source ticks that became a quote and a trade.', [], total('split')],
  ['ticks_made_total', 'Records of the engine itself: definitions, status, gaps.', [], total('generated')],
  [
    'ticks_rejected_total',
    'Ticks that were refused, by reason.',
    ['reason'],
    ({ totals }) => Object.entries(totals.rejectedBy).map(([reason, count]) => [count, { reason }]),
  ],
  ['ticks_duplicate_total', 'Ticks that were sent again and dropped.', [], total('duplicate')],
  [
    'ticks_conflated_total',
    'Quotes folded into newer ones before they were numbered.',
    [],
    total('conflated'),
  ],
  ['ticks_dropped_total', 'Ticks lost because a bounded queue was full.', [], total('dropped')],
  ['ticks_numbered_total', 'Ticks numbered in this epoch.', [], total('sequenced')],
  ['ticks_logged_total', 'Ticks of this epoch in the log.', [], total('logged')],
  ['ticks_shed_total', 'Ticks of this epoch that the log was left behind for.', [], total('shed')],
  ['ticks_crossed_total', 'Quotes with bid above ask.', [], total('crossed')],
  ['ticks_locked_total', 'Quotes with bid equal to ask.', [], total('locked')],
  [
    'ticks_late_total',
    'Ticks older than the newest of their symbol and kind in this epoch.',
    [],
    total('late'),
  ],
  [
    'ticks_suspicious_total',
    'Ticks whose price moved too far, or whose time lies beyond their receipt.',
    [],
    total('suspicious'),
  ],
  ['ticks_held', 'Half-quotes that wait for their other side.', [], total('pendingOneSided')],
  ['ticks_in_flight', 'Ticks taken from sources and not numbered yet.', [], total('inFlight')],
  ['feed_received_total', 'Ticks that this feed received.', ['feed'], feed('received')],
  ['feed_duplicate_total', 'Ticks that this feed was sent again.', ['feed'], feed('duplicate')],
  ['feed_rejected_total', 'Ticks that this feed refused.', ['feed'], feed('rejected')],
  ['feed_dropped_total', 'Ticks that this feed lost to a full queue.', ['feed'], feed('dropped')],
  ['feed_conflated_total', 'Quotes that this feed folded.', ['feed'], feed('conflated')],
  ['feed_in_flight', 'Ticks of this feed that are not numbered yet.', ['feed'], feed('inFlight')],
  [
    'feed_age_seconds',
    'Age of the last tick of a feed; absent before the first.',
    ['feed'],
    ({ ports }) =>
      ports.feeds().flatMap(({ name, ageMs }) => (ageMs === null ? [] : [[ageMs / 1000, { feed: name }]])),
  ],
  [
    'feed_state',
    '1 for the state that a feed is in: starting, live, paused, ended or failed.',
    ['feed', 'state'],
    ({ ports }) => ports.feeds().map(({ name, state }) => [1, { feed: name, state }]),
  ],
  ['raw_ring_depth', 'Ticks in the ring between a feed and a shard.', ['feed', 'shard'], rawDepths],
  ['raw_ring_slots', 'Ticks that such a ring holds.', [], ({ ports }) => [[ports.memory.plan.rawSlots]]],
  [
    'broadcast_ring_slots',
    "Ticks that a shard's ring holds.",
    [],
    ({ ports }) => [[ports.memory.plan.ringSlots]],
  ],
  ['registry_symbols', 'Symbols that are defined.', [], registry('symbols')],
  ['registry_symbols_max', 'Symbols that may be defined.', [], registry('symbolsMax')],
  ['registry_sources', 'Sources that are known.', [], registry('sources')],
  ['registry_bytes', 'Bytes of definitions of symbols, sources and aliases.', [], registry('bytes')],
  ['registry_bytes_max', 'Bytes that they may take.', [], registry('bytesMax')],
  ['epoch', 'Epoch of this run.', [], ({ ports }) => [[ports.identity.epoch]]],
  ['shard_head_seq', 'Last numbered seq.', ['shard'], shard(({ counters }, s) => counters.head(s))],
  [
    'shard_applied_seq',
    'Seq that the last values stand at.',
    ['shard'],
    shard(({ table }, s) => table.applied(s)),
  ],
  ['shard_visible_seq', 'Last seq that readers of the log see.', ['shard'], logShard(LogWord.visible)],
  ['shard_durable_seq', 'Last seq that survives a power cut.', ['shard'], logShard(LogWord.durable)],
  [
    'shard_visible_lag_seconds',
    'Age of the oldest tick that readers of the log do not see yet.',
    ['shard'],
    lag('visibleLagMs'),
  ],
  [
    'shard_durable_lag_seconds',
    'Age of the oldest tick that does not survive a power cut yet.',
    ['shard'],
    lag('durableLagMs'),
  ],
  ['shard_logged_total', 'Ticks of this shard in the log.', ['shard'], logShard(LogWord.logged)],
  ['shard_shed_total', 'Ticks of this shard that are not in the log.', ['shard'], logShard(LogWord.shed)],
  ['log_commits_total', 'Commits of the log.', [], log(LogWord.commits)],
  ['log_blocks_total', 'Blocks written to the log.', [], log(LogWord.blocks)],
  ['log_written_bytes_total', 'Bytes of those blocks.', [], log(LogWord.bytes)],
  ['log_segments', 'Segments of the log.', [], log(LogWord.segments)],
  ['log_file_bytes', 'Bytes of the log on the disk.', [], log(LogWord.fileBytes)],
  ['log_saved_bytes', 'Bytes that recompression took off closed segments.', [], log(LogWord.savedBytes)],
  ['log_stalled', '1 while the log cannot write.', [], log(LogWord.stalled)],
  ['fanout_connections', 'WebSocket connections.', [], fanout('connections')],
  ['fanout_unauthorised', 'Those of them that have not shown their token yet.', [], fanout('unauthorised')],
  ['fanout_subscriptions', 'Subscriptions of all connections.', [], fanout('subscriptions')],
  ['fanout_catching_up', 'Subscriptions fed from the log, or waiting for it.', [], fanout('catchingUp')],
  ['fanout_flushes_total', 'Flushes to subscribers.', [], fanout('flushes')],
  ['fanout_sent_ticks_total', 'Ticks sent, once for each subscriber.', [], fanout('ticksSent')],
  ['fanout_sent_bytes_total', 'Bytes of those ticks.', [], fanout('bytesSent')],
  ['fanout_gaps_told_total', 'Gaps told to subscribers who fell behind.', [], fanout('gapsTold')],
  [
    'fanout_in_convoys',
    'Connections that go on together with others at the same place.',
    [],
    fanout('inCohorts'),
  ],
  ['fanout_groups', 'Groups of equal subscriptions.', [], fanout('groups')],
  ['fanout_watches', 'Different lists of symbols that subscriptions have.', [], fanout('watches')],
  [
    'fanout_refused_total',
    'Connections that did not come about, by reason.',
    ['reason'],
    by('refused', 'reason'),
  ],
  [
    'fanout_closed_total',
    'Connections that the server closed, by close code.',
    ['code'],
    by('closed', 'code'),
  ],
  ['fanout_lost_total', 'Connections that ended without a closing handshake.', [], fanout('lost')],
  ['fanout_bad_messages_total', 'Messages of clients that were no requests.', [], fanout('badMessages')],
  [
    'fanout_over_bounds_total',
    'Requests refused because their client, its address or all clients hold as much as they may.',
    [],
    fanout('overBounds'),
  ],
  ['fanout_wrong_tokens_total', 'Tokens that were wrong.', [], fanout('wrongTokens')],
  ['fanout_flush_seconds', 'Time that one flush takes, smoothed.', [], fanout('flushMs', 1e-3)],
  ['fanout_flush_interval_seconds', 'Time between two flushes.', [], fanout('intervalMs', 1e-3)],
  [
    'http_answers_total',
    'HTTP answers by status.',
    ['status'],
    ({ answered }) => Array.from(answered, ([status, count]) => [count, { status: String(status) }]),
  ],
  [
    'ready',
    '1 while the engine does its work, as /readyz.',
    [],
    ({ ports }) => [[ports.readiness().ready ? 1 : 0]],
  ],
];

/** Their names end in `_total` though they are gauges, and others of the defaults tell the same by type. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

let ofProcess: Registry | undefined;

/** Metrics of the process: made for the first that asks, and shared, since what watches the process cannot be stopped. */
function processMetrics(): Registry {
  if (ofProcess === undefined) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess });
    for (const name of MISNAMED) ofProcess.removeSingleMetric(name);
  }
  return ofProcess;
}

export class MetricsPage {
  readonly #registry = new Registry();
  readonly #counters: CounterReader;
  readonly #table: LastValueTable;
  readonly #watermarks: WatermarkReader;
  readonly #fill: ((reading: Reading) => void)[];

  constructor(
    readonly ports: FanoutPorts,
    readonly stats: () => FanoutStats,
    readonly answered: ReadonlyMap<number, number>,
  ) {
    this.#counters = new CounterReader(ports.memory);
    this.#table = new LastValueTable(ports.memory.table, ports.memory.plan.maxSymbols);
    this.#watermarks = new WatermarkReader(ports.memory, ports.identity.epoch);
    this.#fill = FAMILIES.map((family) => this.#metric(family));
  }

  #metric([name, help, labelNames, read]: Family): (reading: Reading) => void {
    const configuration = { name: `tickwire_${name}`, help, labelNames, registers: [this.#registry] };
    if (name.endsWith('_total')) {
      const counter = new Counter(configuration);
      return (reading) => {
        counter.reset();
        for (const [value, labels] of read(reading)) counter.inc(labels ?? {}, value);
      };
    }
    const gauge = new Gauge(configuration);
    return (reading) => {
      gauge.reset();
      for (const [value, labels] of read(reading)) gauge.set(labels ?? {}, value);
    };
  }

  async answer(): Promise<Answer> {
    const reading: Reading = {
      ports: this.ports,
      counters: this.#counters,
      table: this.#table,
      watermarks: this.#watermarks,
      totals: this.#counters.totals(),
      stats: this.stats(),
      answered: this.answered,
    };
    for (const fill of this.#fill) fill(reading);
    const own = await this.#registry.metrics();
    const body = `${own}${await processMetrics().metrics()}`;
    return { status: 200, type: this.#registry.contentType, body, headers: { 'cache-control': 'no-store' } };
  }
}
