/** The load generator of scenarios `fanout` and `e2e`: all clients, in a process of its own. Started as a child; see `bench/harness/child.ts`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicNs } from '../../core/clock.js';
import type { Mode } from '../../wire/ticks.js';
import { serveParent } from '../harness/child.js';
import type { DialectEvents } from '../harness/dialect.js';
import type { FinalState } from '../harness/final-state.js';
import { LatencySamples, type LatencyUs } from '../harness/latency.js';
import { cpuNs } from '../harness/measure.js';
import type { Anchor } from '../harness/open-loop-feed.js';
import { TracedTicks, traceEvery } from '../harness/traced.js';
import { type PeerName, peerDialect } from '../peers/index.js';
import { Group } from './reader.js';
import { FanoutSockets } from './sockets.js';
import { type StaleMarket, StalenessWatch, type StaleSchedule } from './staleness.js';
import { tickwireDialect } from './tickwire-dialect.js';

/** Connections that are opened before any of them has to be there. */
const SLICE = 250;
const CONNECT_MS = 60_000;
const LOOK_MS = 5;
const CLOCK_LOOKS = 1000;

export interface LoadStart {
  anchor: Anchor;
  port: number;
  mode: Mode;
  intervalMs: number;
  symbols: number;
  /** By client: the names and patterns that it subscribes to. */
  watched: string[][];
  /** By client: ids of the symbols that it watches. */
  watchedIds: number[][];
  /** How many clients of the list are readers; the others are stoppers. */
  readers: number;
  /** What the server is, where it is not ours. */
  peer?: { name: PeerName; batched: boolean };
  /** What to judge the staleness of clients by. */
  market?: StaleMarket;
  /** Whether ticks are traced through the stages. */
  follows?: boolean;
}

/** What has happened up to a moment. */
export interface LoadMark {
  monotonicNs: number;
  cpuNs: number;
  /** Of the readers. */
  delivered: number;
  bytes: number;
  lost: number;
  reordered: number;
  catchUps: number;
  /** Clients whose connections ended, by group. */
  disconnected: number[];
  failures: string[];
}

export interface Verdict {
  /** Pairs of client and symbol whose last state is not that of the server. */
  wrong: number;
  /** Milliseconds since the clients read again, or else since the question. */
  tookMs: number;
}

let options: LoadStart;
let sockets: FanoutSockets;
const latency = new LatencySamples();
let staleness: StalenessWatch | undefined;
let resumedAtMs = 0;

function start(args: LoadStart): void {
  options = args;
  const { anchor } = args;
  const offsetUs = (originNs() - anchor.monotonicNs) / 1e3;
  const now = () => performance.now() * 1e3 + offsetUs;
  const { port, watchedIds, peer, market, readers } = args;
  const clients = { ...args, clients: watchedIds.length, latency };
  const dialect = (events: DialectEvents) =>
    peer === undefined
      ? tickwireDialect(clients, events)
      : peerDialect(peer.name, peer.batched, clients, events);
  sockets = new FanoutSockets(port, watchedIds.length, dialect, now);
  if (market !== undefined)
    staleness = new StalenessWatch(sockets.reader.check, watchedIds.slice(0, readers), market, now);
  sockets.reader.check.anchorS = anchor.wallS;
  if (args.follows === true) sockets.reader.check.traced = new TracedTicks(traceEvery(readers));
}

/**
 * performance.now() is cheap and runs with the system's monotonic clock, but from an origin of its own.
 * @returns monotonic time of that origin, by the tightest of several looks at both
 */
function originNs(): number {
  let tightest = Number.POSITIVE_INFINITY;
  let origin = 0;
  for (let i = 0; i < CLOCK_LOOKS; i++) {
    const before = monotonicNs();
    const now = performance.now();
    const after = monotonicNs();
    if (after - before >= tightest) continue;
    tightest = after - before;
    origin = (before + after) / 2 - now * 1e6;
  }
  return origin;
}

function clientsOf(group: number): number[] {
  const first = group === Group.readers ? 0 : options.readers;
  const end = group === Group.readers ? options.readers : options.watched.length;
  return Array.from({ length: end - first }, (_, i) => first + i);
}

/** Connects and subscribes a group, in slices. */
async function open({ group }: { group: number }): Promise<void> {
  const clients = clientsOf(group);
  const end = performance.now() + CONNECT_MS;
  const before = sockets.subscribed;
  for (let i = 0; i < clients.length; i += SLICE) {
    for (const client of clients.slice(i, i + SLICE)) sockets.open(client, group);
    while (sockets.subscribed < before + Math.min(i + SLICE, clients.length)) {
      if (sockets.failures.length > 0) throw new Error(sockets.failures[0]);
      if (performance.now() > end) throw new Error(`only ${sockets.subscribed} clients are subscribed`);
      await sleep(1);
    }
  }
}

/** Cuts every client of a group at once, and connects and subscribes all of them again, at once. */
async function storm({ group }: { group: number }): Promise<{ tookMs: number }> {
  const clients = clientsOf(group);
  for (const client of clients) sockets.close(client);
  const before = sockets.subscribed;
  const startedMs = performance.now();
  for (const client of clients) sockets.open(client, group);
  while (sockets.subscribed < before + clients.length) {
    if (sockets.failures.length > 0) throw new Error(sockets.failures[0]);
    if (performance.now() - startedMs > CONNECT_MS)
      throw new Error(`only ${sockets.subscribed} clients are subscribed`);
    await sleep(1);
  }
  return { tookMs: performance.now() - startedMs };
}

function mark(): LoadMark {
  const { reader } = sockets;
  return {
    monotonicNs: monotonicNs(),
    cpuNs: cpuNs(),
    delivered: reader.check.delivered[Group.readers],
    bytes: reader.bytes[Group.readers],
    lost: reader.check.lost,
    reordered: reader.check.reordered,
    catchUps: sockets.catchUps,
    disconnected: [...sockets.disconnected],
    failures: sockets.failures.slice(0, 3),
  };
}

/** Pairs of one client that are not as they should be. */
function wrongOf(client: number, final: FinalState): number {
  const { check } = sockets.reader;
  let wrong = 0;
  for (const id of options.watchedIds[client]) {
    let isRight =
      check.symbolSeq(client, id) === (final.symbolSeq[id] | 0) &&
      check.check(client, id) === final.check[id];
    if (options.mode === 'latest') {
      isRight &&= check.quoteSeq(client, id) === (final.quoteSeq[id] | 0);
      isRight &&= final.otherSeq[id] === 0 || check.otherSeq(client, id) === (final.otherSeq[id] | 0);
    }
    if (!isRight) wrong++;
  }
  return wrong;
}

/** Waits until every client of a group that is still connected has the final state; a client that has it keeps it, as nothing more comes. */
async function verify(args: { group: number; final: FinalState; timeoutMs: number }): Promise<Verdict> {
  const { group, final } = args;
  const askedAtMs = performance.now();
  const waiting = clientsOf(group);
  const isOver = (client: number) => !sockets.isOpen(client) || wrongOf(client, final) === 0;
  while (waiting.length > 0) {
    while (waiting.length > 0 && isOver(waiting[waiting.length - 1])) waiting.pop();
    if (performance.now() - askedAtMs > args.timeoutMs) break;
    if (waiting.length > 0) await sleep(LOOK_MS);
  }
  const tookMs = performance.now() - (group === Group.readers ? askedAtMs : resumedAtMs);
  let wrong = 0;
  for (const client of clientsOf(group)) wrong += wrongOf(client, final);
  return { wrong, tookMs };
}

const api = {
  start,
  open,
  storm,
  /** The stoppers leave. */
  close: ({ group }: { group: number }) => {
    for (const client of clientsOf(group)) sockets.close(client);
  },
  pause: ({ group }: { group: number }) => {
    for (const client of clientsOf(group)) sockets.pause(client);
  },
  resume: ({ group }: { group: number }) => {
    resumedAtMs = performance.now();
    for (const client of clientsOf(group)) sockets.resume(client);
  },
  /** Begins a measured time. */
  begin: (_: object) => {
    latency.reset();
    sockets.reader.check.traced?.reset();
    return mark();
  },
  /** Ends it. */
  end: (_: object): LoadMark & { latencyUs: LatencyUs } => ({ ...mark(), latencyUs: latency.summary() }),
  verify,
  /** Of how many ticks one has its latency taken. */
  sample: ({ every }: { every: number }) => {
    sockets.reader.check.sampleEvery = every;
  },
  /** Begins to look how old what the readers show is. */
  watch: (_: object) => staleness?.start(),
  /** Ends it. */
  unwatch: (_: object) => staleness?.stop(),
  /** What was seen; of the present schedule. */
  stale: (schedule: Omit<StaleSchedule, 'startUs'> & { startNs: number }): LatencyUs | null => {
    const startUs = (schedule.startNs - options.anchor.monotonicNs) / 1e3;
    return staleness?.evaluate({ ...schedule, startUs }) ?? null;
  },
  /** Ticks of the measured time that were traced; see `bench/harness/traced.ts`. */
  traced: (_: object): string => sockets.reader.check.traced?.taken() ?? '',
  /** The latencies of the measured time, as an HDR histogram in its compressed form. */
  histogram: (_: object): string => latency.recorded().hdr,
};
export type LoadApi = typeof api;

serveParent(api);
