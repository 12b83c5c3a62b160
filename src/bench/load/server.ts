/** The server of scenario `fanout`: a whole engine in a process of its own. Started as a child; see `bench/harness/child.ts`. */

import { monotonicNs } from '../../core/clock.js';
import { TickwireError } from '../../core/errors.js';
import { JOURNAL_NOTES } from '../../core/limits.js';
import { F64_ASK, F64_BID, RECORD_F64, RECORD_U32, U32_SYMBOL_SEQ } from '../../core/tick.js';
import { createEngine, type EngineRuntime } from '../../engine/engine.js';
import {
  closeListenSocket,
  type ListenSocket,
  listen,
  type TemplatedApp,
} from '../../fanout/contract/uws.js';
import { Slot, TableEntry } from '../../pipeline/memory/last-value-table.js';
import { StageJournal } from '../../pipeline/memory/stage-journal.js';
import { POW10 } from '../../wire/packed.js';
import { serveParent } from '../harness/child.js';
import type { FinalState } from '../harness/final-state.js';
import { cpuNs, memoryBytes, until } from '../harness/measure.js';
import { type Anchor, type OpenLoopOptions, RATE_BYTES, Rate, Schedule } from '../harness/open-loop-feed.js';
import { quoteCheck } from '../harness/packed-checker.js';
import { notesOf, SendTimes, stageTimes } from '../harness/stage-watch.js';
import { type StageTimes, tracedWords, traceEvery } from '../harness/traced.js';

const START_MS = 30_000;

export interface ServerStart {
  symbols: number;
  seed: number;
  tradeShare: number;
  /** Exponent of Zipf's law; 0: all symbols are equally busy. */
  skew: number;
  shards: number;
  /** Folder of the log; false: no log. */
  folder: string | false;
  connections: number;
  /** Clients that read: some of their ticks are traced through the stages; 0: none. One shard only. */
  follows?: number;
}

/** What has happened up to a moment. */
export interface ServerMark {
  monotonicNs: number;
  /** CPU time of the process, all threads. */
  cpuNs: number;
  sequenced: number;
  /** symbolSeq of the last tick, by symbol id. */
  symbolSeqs: number[];
  rssBytes: number;
  rssAnonBytes: number;
  /** Monotonic time that the feed's schedule is counted from, and ticks of its market before it. */
  scheduleStartNs: number;
  madeBefore: number;
}

let engine: EngineRuntime;
let anchor: Anchor;
let listening: ListenSocket | undefined;
let app: TemplatedApp | undefined;
let sent: SendTimes | undefined;
let feedJournal: SharedArrayBuffer | undefined;
const rate = new Int32Array(new SharedArrayBuffer(RATE_BYTES));
const schedule = new Float64Array(rate.buffer);

async function start(options: ServerStart): Promise<{ port: number; anchor: Anchor; names: string[] }> {
  anchor = { wallS: Math.floor(Date.now() / 1000), monotonicNs: monotonicNs() };
  const { symbols, seed, tradeShare, skew, follows = 0 } = options;
  if (follows > 0) {
    sent = new SendTimes(traceEvery(follows), monotonicNs);
    feedJournal = StageJournal.allocate(JOURNAL_NOTES);
    app = sent.app();
  }
  const feed: OpenLoopOptions = {
    symbols,
    seed,
    tradeShare,
    skew,
    anchor,
    rate: rate.buffer as SharedArrayBuffer,
    ...(feedJournal === undefined ? {} : { journal: feedJournal }),
  };
  engine = await createEngine({
    feeds: [
      {
        name: 'market',
        module: new URL('../harness/open-loop-feed.js', import.meta.url).href,
        export: 'openLoopFeed',
        options: feed,
      },
    ],
    dataFolder: options.folder,
    shards: options.shards,
    journals: follows > 0,
    ...(app === undefined ? {} : { app }),
    http: {
      port: 0,
      limits: { connections: options.connections, connectionsPerAddress: options.connections },
    },
    logger: {
      info() {},
      warn: (details, message) => process.stderr.write(`${message} ${JSON.stringify(details)}\n`),
      error: (details, message) => process.stderr.write(`${message} ${JSON.stringify(details)}\n`),
    },
  });
  engine.on('failed', (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
  await engine.start();
  const port = await listenOn();
  const { registry } = engine;
  const isDefined = () => {
    registry.refresh();
    // The feed opens with a status of each, which comes behind its definition.
    return registry.symbolCount > symbols && engine.totals().sequenced >= 2 * symbols && areApplied();
  };
  if (!(await until(isDefined, START_MS))) {
    throw new TickwireError('stage_failed', 'the market was not defined within 30 s');
  }
  const names = registry.symbols.slice(1).map((symbol) => symbol?.name ?? '');
  return { port, anchor, names };
}

/** The port of the engine; with an app of our own it is we who listen. */
async function listenOn(): Promise<number> {
  if (app === undefined) return engine.port!;
  const { socket, port } = await listen(app, '127.0.0.1', 0);
  listening = socket;
  return port;
}

async function stop(): Promise<void> {
  if (listening !== undefined) closeListenSocket(listening);
  await engine.stop();
  app?.close();
}

/** How long traced ticks took in each stage; see `bench/harness/traced.ts`. */
function stages({ traced }: { traced: string }): StageTimes | null {
  const journals = engine.memory.journals?.[0];
  if (journals === undefined || feedJournal === undefined || sent === undefined) return null;
  const notes = notesOf(feedJournal, journals, sent);
  const { times, found } = stageTimes(tracedWords(traced), anchor.monotonicNs, notes);
  return found === 0 ? null : times;
}

function mark(): ServerMark {
  const entry = new TableEntry();
  const { rss, rssAnon } = memoryBytes();
  return {
    monotonicNs: monotonicNs(),
    cpuNs: cpuNs(),
    sequenced: engine.totals().sequenced,
    symbolSeqs: Array.from({ length: engine.registry.symbolCount }, (_, id) =>
      engine.table.read(id, entry) ? entry.symbolSeq : 0,
    ),
    rssBytes: rss,
    rssAnonBytes: rssAnon,
    scheduleStartNs: schedule[Schedule.startNs],
    madeBefore: schedule[Schedule.madeBefore],
  };
}

/** Stops the feed and waits until every tick is in the table. */
async function settle({ timeoutMs }: { timeoutMs: number }): Promise<FinalState> {
  Atomics.store(rate, Rate.wanted, 0);
  const isStill = () =>
    Atomics.load(rate, Rate.taken) === 0 && engine.totals().inFlight === 0 && areApplied();
  if (!(await until(isStill, timeoutMs))) {
    throw new TickwireError('stage_failed', 'ticks are still under way');
  }
  return finalState();
}

function areApplied(): boolean {
  for (let shard = 0; shard < engine.memory.plan.shards; shard++) {
    if (engine.table.applied(shard) < engine.counters.head(shard)) return false;
  }
  return true;
}

function finalState(): FinalState {
  const { registry, table } = engine;
  const entry = new TableEntry();
  const state: FinalState = { symbolSeq: [0], quoteSeq: [0], check: [0], otherSeq: [0] };
  const seqOf = (slot: number) =>
    entry.has(slot) ? entry.records.u32[slot * RECORD_U32 + U32_SYMBOL_SEQ] : 0;
  for (let id = 1; id < registry.symbolCount; id++) {
    if (!table.read(id, entry)) throw new TickwireError('stage_failed', `symbol ${id} cannot be read`);
    const { f64 } = entry.records;
    const pow = POW10[registry.digits[id]];
    const bid = Math.round(f64[Slot.quote * RECORD_F64 + F64_BID] * pow);
    const ask = Math.round(f64[Slot.quote * RECORD_F64 + F64_ASK] * pow);
    state.symbolSeq.push(entry.symbolSeq);
    state.quoteSeq.push(seqOf(Slot.quote));
    state.check.push(entry.has(Slot.quote) ? quoteCheck(bid, ask - bid) : 0);
    state.otherSeq.push(Math.max(seqOf(Slot.trade), seqOf(Slot.status)));
  }
  return state;
}

const api = {
  start,
  /** Ticks per second from now on. */
  rate: ({ perSecond }: { perSecond: number }) => {
    Atomics.store(rate, Rate.wanted, perSecond);
  },
  mark: (_: object) => mark(),
  settle,
  stages,
  stop: (_: object) => stop(),
};
export type ServerApi = typeof api;

serveParent(api);
