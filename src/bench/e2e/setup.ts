/** Scenario `e2e`: one system under test, its load generator, and runs between them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { marketSymbols } from '../../feeds/synthetic/universe.js';
import { choices, tcpBytes } from '../fanout/setup.js';
import { Child } from '../harness/child.js';
import type { FinalState } from '../harness/final-state.js';
import type { GcPauses } from '../harness/gc.js';
import type { HiccupWatch } from '../harness/hiccups.js';
import { machineCpuNs } from '../harness/measure.js';
import { type ProcessUse, processUse, usedBetween } from '../harness/processes.js';
import { makeScratch, removeScratch } from '../harness/scratch.js';
import type { StageTimes } from '../harness/traced.js';
import type { LoadApi } from '../load/load.js';
import { Group } from '../load/reader.js';
import type { ServerApi } from '../load/server.js';
import type { HostApi } from '../peers/host.js';
import { judgeRun, type Seen } from './run.js';
import type { System } from './systems.js';
import type { E2eRun, RunOptions, SetupOptions } from './types.js';

const SETTLE_MS = 20_000;
const STALE_MS = 120_000;
const SPARE_CONNECTIONS = 32;
/** Delivered ticks per second up to which each of them, or one of so many, has its latency taken. */
const SAMPLING = [
  { upTo: 5e5, every: 1 },
  { upTo: 5e6, every: 13 },
  { upTo: Number.POSITIVE_INFINITY, every: 127 },
];

interface Process {
  name: string;
  pid: number;
  role: 'server' | 'publisher' | 'load';
}

/** What all servers report at a mark, ours and the peers' publishers. */
interface Mark {
  monotonicNs: number;
  symbolSeqs: number[];
  scheduleStartNs: number;
  madeBefore: number;
}

export class E2eSetup {
  readonly #server: Child<ServerApi> | null = null;
  readonly #host: Child<HostApi> | null = null;
  readonly #load: Child<LoadApi>;
  #processes: Process[] = [];
  #watchers: number[] = [];
  #symbolSeqs: number[] = [];
  #folder: string | false = false;
  #lost = 0;
  #reordered = 0;
  /** Whether the system is as it was when it was started: connected, and without a backlog. */
  isSound = true;
  version = '';
  settings: Record<string, unknown> = {};

  private constructor(
    readonly system: System,
    readonly options: SetupOptions,
    readonly hiccups: HiccupWatch,
  ) {
    const [serverCore, loadCore] = options.cores ?? [];
    if (system.peer === undefined)
      this.#server = new Child('server', new URL('../load/server.js', import.meta.url), serverCore);
    else this.#host = new Child('peer', new URL('../peers/host.js', import.meta.url), serverCore);
    this.#load = new Child('load generator', new URL('../load/load.js', import.meta.url), loadCore);
  }

  /** Starts the system and connects all its clients, one more than asked for: the one that will be slow. */
  static async start(system: System, options: SetupOptions, hiccups: HiccupWatch): Promise<E2eSetup> {
    const setup = new E2eSetup(system, options, hiccups);
    try {
      await setup.#start();
    } catch (error) {
      await setup.stop();
      throw error;
    }
    return setup;
  }

  async #start(): Promise<void> {
    const { clients, watch, symbols, seed, skew } = this.options;
    const { peer, mode } = this.system;
    const { port, anchor } = await this.#startServer(clients + 1 + SPARE_CONNECTIONS);
    this.#processes.push({ name: 'load generator', pid: this.#load.pid, role: 'load' });
    const names = marketSymbols(symbols).map(({ name }) => name);
    const watchedIds = choices(clients + 1, symbols, watch, seed);
    this.#watchers = new Array(symbols + 1).fill(0);
    for (const ids of watchedIds.slice(0, clients)) for (const id of ids) this.#watchers[id]++;
    const market = { symbols, seed, skew, tradeShare: 0 };
    const watched = watchedIds.map((ids) => (watch === symbols ? ['*'] : ids.map((id) => names[id - 1])));
    this.#symbolSeqs = (await this.#mark()).symbolSeqs;
    await this.#load.ask('start', {
      ...{ anchor, port, mode, symbols, watched, watchedIds, market, peer },
      intervalMs: 0,
      readers: clients,
      follows: peer === undefined,
    });
    await this.#load.ask('open', { group: Group.readers });
    await this.#load.ask('open', { group: Group.stoppers });
  }

  async #startServer(connections: number) {
    const { symbols, seed, skew, folder } = this.options;
    const { peer, log } = this.system;
    if (this.#host !== null && peer !== undefined) {
      const start = { peer: peer.name, batched: peer.batched, symbols, seed, skew, connections, folder };
      const started = await this.#host.ask('start', start);
      const servers = started.processes.map((process) => ({ ...process, role: 'server' as const }));
      const own: Process = {
        name: servers.length === 0 ? 'server and publisher' : 'publisher',
        pid: this.#host.pid,
        role: servers.length === 0 ? 'server' : 'publisher',
      };
      this.#processes = [...servers, own];
      this.version = started.version;
      this.settings = started.settings;
      return started;
    }
    this.#folder = log ? makeScratch(folder) : false;
    const follows = this.options.clients;
    const start = {
      symbols,
      seed,
      tradeShare: 0,
      skew,
      shards: 1,
      folder: this.#folder,
      connections,
      follows,
    };
    const started = await this.#server!.ask('start', start);
    this.#processes = [{ name: 'engine with its feed', pid: this.#server!.pid, role: 'server' }];
    this.settings = { encoding: 'packed', mode: this.system.mode, log, shards: 1 };
    return started;
  }

  #mark(): Promise<Mark> {
    return this.#host === null ? this.#server!.ask('mark', {}) : this.#host.ask('mark', {});
  }

  #rate(perSecond: number): Promise<unknown> {
    return this.#host === null
      ? this.#server!.ask('rate', { perSecond })
      : this.#host.ask('rate', { perSecond });
  }

  #settle(): Promise<FinalState> {
    const args = { timeoutMs: SETTLE_MS };
    return this.#host === null ? this.#server!.ask('settle', args) : this.#host.ask('settle', args);
  }

  #uses(): ProcessUse[] {
    return this.#processes.map(({ name, pid }) => processUse(name, pid));
  }

  /** Garbage collections of each process since the last call, in the order of `#processes`. */
  async #gc(): Promise<(GcPauses | null)[]> {
    const peers = this.#host === null ? [] : await this.#host.ask('peerGc', {});
    return [...peers, await (this.#host ?? this.#server!).gc(), await this.#load.gc()];
  }

  /** Delivered ticks per second at a rate of the market, were all symbols equally busy. */
  deliveredAt(rate: number): number {
    const { clients, watch, symbols } = this.options;
    return (rate * clients * watch) / symbols;
  }

  /** Measures at a rate, and lets everything come to rest. */
  async row(row: RunOptions): Promise<E2eRun> {
    const { rate, warmup, seconds, withSlow, drainMs } = row;
    const delivered = this.deliveredAt(rate);
    const { every } = SAMPLING.find(({ upTo }) => delivered <= upTo)!;
    await this.#load.ask('sample', { every });
    await this.#rate(rate);
    if (withSlow) await this.#load.ask('pause', { group: Group.stoppers });
    await sleep(warmup * 1000);
    const seen = await this.#measure(seconds);
    if (withSlow) await this.#load.ask('resume', { group: Group.stoppers });
    const final = await this.#settle();
    const args = { group: Group.readers, final, timeoutMs: drainMs };
    const { wrong, tookMs } = await this.#load.ask('verify', args, drainMs + SETTLE_MS);
    const staleUs = await this.#load.ask(
      'stale',
      {
        perSecond: rate,
        startNs: seen.server[1].scheduleStartNs,
        madeBefore: seen.server[1].madeBefore,
        symbolSeqs: this.#symbolSeqs,
      },
      STALE_MS,
    );
    const after = await this.#load.ask('end', {});
    // What the slow one lost once it read again is its own; of the others, all faults count.
    const last = withSlow ? seen.load[1] : after;
    const faults = {
      lost: last.lost - this.#lost,
      reordered: last.reordered - this.#reordered,
      wrongFinalState: wrong,
      disconnected: after.disconnected[Group.readers] - seen.load[0].disconnected[Group.readers],
      slowDisconnected: after.disconnected[Group.stoppers] > 0,
    };
    this.#lost = after.lost;
    this.#reordered = after.reordered;
    this.isSound = wrong === 0 && after.disconnected.every((count) => count === 0) && !withSlow;
    const drainedMs = wrong === 0 ? Math.round(tookMs) : null;
    return judgeRun(this.system, this.options, row, this.#watchers, seen, faults, { drainedMs, staleUs });
  }

  async #measure(seconds: number): Promise<Seen> {
    await this.#load.ask('watch', {});
    await this.hiccups.take();
    const [server, load] = await Promise.all([this.#mark(), this.#load.ask('begin', {})]);
    await this.#gc();
    const uses = this.#uses();
    const machine = machineCpuNs();
    await sleep(seconds * 1000);
    const machineS = (machineCpuNs() - machine) / 1e9;
    const after = this.#uses();
    const tcp = tcpBytes();
    const [serverEnd, loadEnd] = await Promise.all([this.#mark(), this.#load.ask('end', {})]);
    const gc = await this.#gc();
    await this.#load.ask('unwatch', {});
    const stages = await this.#stages();
    return {
      server: [server, serverEnd],
      load: [load, loadEnd],
      latencyUs: loadEnd.latencyUs,
      hdr: await this.#load.ask('histogram', {}),
      stages,
      processes: after.map((use, i) => ({
        ...usedBetween(uses[i], use),
        gc: gc[i],
        role: this.#processes[i].role,
      })),
      machineS,
      tcpBytes: tcp,
      oversleptUs: (await this.hiccups.take()).oversleptUs,
    };
  }

  /** Where ticks spent the measured time. While its notes are fresh: stages keep the newest only. */
  async #stages(): Promise<StageTimes | null> {
    if (this.#server === null) return null;
    return this.#server.ask('stages', { traced: await this.#load.ask('traced', {}) });
  }

  /** Ends all its processes. */
  async stop(): Promise<void> {
    await this.#load.end();
    const child = this.#host ?? this.#server;
    if (this.#host !== null) await this.#host.ask('stop', {}).catch(() => {});
    else await this.#server!.ask('stop', {}).catch(() => {});
    await child!.end();
    if (this.#folder !== false) removeScratch(this.#folder);
  }
}
