/** Scenario `fanout`: a server, a load generator, and rates between them, one measured row each. */

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from '../harness/child.js';
import { machineCpuNs } from '../harness/measure.js';
import { Uniform } from '../harness/random.js';
import type { LoadApi } from '../load/load.js';
import { Group } from '../load/reader.js';
import type { ServerApi } from '../load/server.js';
import { judge } from './run.js';
import type { FanoutRun, Measured, RunOptions, SetupOptions } from './types.js';

const SETTLE_MS = 30_000;
/** Milliseconds that ticks continue to flow after the stoppers read again. */
const RESUMED_FLOW_MS = 300;
/** Milliseconds that the windows of clients which do not read may take to fill, and between two looks at them. */
export const FILL_MS_MAX = 10_000;
const FILL_LOOK_MS = 500;
/** Growth of TCP memory between two looks below which they count as full. */
const FILL_GROWTH = 0.02;
/** Connections beyond those of the clients. */
const SPARE_CONNECTIONS = 16;
/** Milliseconds that ticks flow before a storm. */
const BEFORE_STORM_MS = 300;
const PAGE_BYTES = 4096;

/** What came of all readers leaving and coming back at once. */
export interface Storm {
  tookMs: number;
  serverCpuMs: number;
  rssAnonBytes: number;
  /** Ticks that were sequenced meanwhile. */
  fed: number;
  /** Pairs of client and symbol with a wrong last state. */
  wrong: number;
  lost: number;
  reordered: number;
  failures: string[];
}

export class FanoutSetup {
  readonly #server: Child<ServerApi>;
  readonly #load: Child<LoadApi>;
  /** By symbol id: how many readers watch it. */
  readonly #watchers: number[];
  #lost = 0;
  #reordered = 0;

  private constructor(readonly options: SetupOptions) {
    const [serverCore, loadCore] = options.cores ?? [];
    this.#server = new Child('server', new URL('../load/server.js', import.meta.url), serverCore);
    this.#load = new Child('load generator', new URL('../load/load.js', import.meta.url), loadCore);
    this.#watchers = new Array(options.symbols + 1).fill(0);
  }

  /** Starts both processes, and connects and subscribes all readers. */
  static async start(options: SetupOptions): Promise<FanoutSetup> {
    const setup = new FanoutSetup(options);
    try {
      await setup.#start();
    } catch (error) {
      await setup.stop();
      throw error;
    }
    return setup;
  }

  async #start(): Promise<void> {
    const { clients, stopped, watch, symbols, seed, mode, intervalMs } = this.options;
    const { tradeShare, skew, shards, folder } = this.options;
    const connections = clients + stopped + SPARE_CONNECTIONS;
    const server = { symbols, seed, tradeShare, skew, shards, folder, connections };
    const { port, anchor, names } = await this.#server.ask('start', server);
    const watchedIds = choices(clients + stopped, symbols, watch, seed);
    for (const ids of watchedIds.slice(0, clients)) for (const id of ids) this.#watchers[id]++;
    const watched = watchedIds.map((ids) => (watch === symbols ? ['*'] : ids.map((id) => names[id - 1])));
    const load = { anchor, port, mode, intervalMs, symbols, watched, watchedIds, readers: clients };
    await this.#load.ask('start', load);
    await this.#load.ask('open', { group: Group.readers });
  }

  /** Measures at a rate; afterwards everything comes to rest, and the last state of each client is checked. */
  async row(options: RunOptions): Promise<FanoutRun> {
    const { rate, warmup, seconds, withStopped } = options;
    const group = Group.stoppers;
    if (withStopped) await this.#load.ask('open', { group });
    await this.#server.ask('rate', { perSecond: rate });
    if (withStopped) {
      await sleep(warmup * 1000);
      await this.#load.ask('pause', { group });
      await windowsFilled();
    }
    await sleep(warmup * 1000);
    const measured = await this.#measure(seconds);
    if (withStopped) {
      await this.#load.ask('resume', { group });
      await sleep(RESUMED_FLOW_MS);
    }
    const final = await this.#server.ask('settle', { timeoutMs: SETTLE_MS });
    const verify = (of: number) =>
      this.#load.ask('verify', { group: of, final, timeoutMs: SETTLE_MS }, 2 * SETTLE_MS);
    const stoppers = withStopped ? await verify(group) : undefined;
    const readers = await verify(Group.readers);
    if (withStopped) await this.#load.ask('close', { group });
    // Faults of the time before and after the marks count too.
    const after = await this.#load.ask('end', {});
    const faults = {
      lost: after.lost - this.#lost,
      reordered: after.reordered - this.#reordered,
      wrongFinalState: readers.wrong + (stoppers?.wrong ?? 0),
      failures: after.failures,
    };
    this.#lost = after.lost;
    this.#reordered = after.reordered;
    return judge(
      this.options,
      options,
      measured,
      this.#watchers,
      faults,
      stoppers === undefined ? null : Math.round(stoppers.tookMs),
    );
  }

  /**
   * Cuts all readers at once while ticks flow, and lets them come back at once; then everything comes to rest.
   * @returns how long until all were subscribed, what the server spent on it, and clients' pairs with a wrong last state
   */
  async storm(rate: number): Promise<Storm> {
    const group = Group.readers;
    await this.#server.ask('rate', { perSecond: rate });
    await sleep(BEFORE_STORM_MS);
    const before = await this.#server.ask('mark', {});
    const { tookMs } = await this.#load.ask('storm', { group }, 2 * SETTLE_MS);
    const after = await this.#server.ask('mark', {});
    await sleep(RESUMED_FLOW_MS);
    const final = await this.#server.ask('settle', { timeoutMs: SETTLE_MS });
    const { wrong } = await this.#load.ask('verify', { group, final, timeoutMs: SETTLE_MS }, 2 * SETTLE_MS);
    const { lost, reordered, failures } = await this.#load.ask('end', {});
    return {
      tookMs,
      serverCpuMs: (after.cpuNs - before.cpuNs) / 1e6,
      rssAnonBytes: after.rssAnonBytes,
      fed: after.sequenced - before.sequenced,
      wrong,
      lost,
      reordered,
      failures,
    };
  }

  async #measure(seconds: number): Promise<Measured> {
    const [server, load] = await Promise.all([this.#server.ask('mark', {}), this.#load.ask('begin', {})]);
    const machine = machineCpuNs();
    await sleep(seconds * 1000);
    const spent = machineCpuNs() - machine;
    const tcp = tcpBytes();
    const [serverEnd, loadEnd] = await Promise.all([this.#server.ask('mark', {}), this.#load.ask('end', {})]);
    return {
      server: [server, serverEnd],
      load: [load, loadEnd],
      latencyUs: loadEnd.latencyUs,
      tcpBytes: tcp,
      machineCpuNs: spent / seconds,
    };
  }

  /** Ends both processes. */
  async stop(): Promise<void> {
    await this.#load.end();
    await this.#server.ask('stop', {}).catch(() => {});
    await this.#server.end();
  }
}

/** Waits until clients that do not read take nothing more: until then they cost what those cost that do. */
async function windowsFilled(): Promise<void> {
  const untilMs = performance.now() + FILL_MS_MAX;
  let before = 0;
  let bytes = tcpBytes();
  do {
    await sleep(FILL_LOOK_MS);
    before = bytes;
    bytes = tcpBytes();
  } while (bytes > before * (1 + FILL_GROWTH) && performance.now() < untilMs);
}

/** Memory of all TCP sockets of the machine, in bytes. */
export function tcpBytes(): number {
  const text = readFileSync('/proc/net/sockstat', 'utf8');
  return Number(/^TCP:.* mem (\d+)/m.exec(text)?.[1] ?? 0) * PAGE_BYTES;
}

/** By client: ids of the symbols that it watches; a seeded choice of its own for each. */
export function choices(clients: number, symbols: number, watch: number, seed: number): number[][] {
  const uniform = new Uniform(seed);
  return Array.from({ length: clients }, () => {
    const ids = Array.from({ length: symbols }, (_, i) => i + 1);
    for (let i = 0; i < watch && watch < symbols; i++) {
      const j = i + uniform.below(symbols - i);
      [ids[i], ids[j]] = [ids[j], ids[i]];
    }
    return ids.slice(0, watch);
  });
}
