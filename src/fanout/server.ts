/** The fan-out: serves the ticks of the engine to any number of subscribers, over WebSocket and REST. */

import { setTimeout as sleep } from 'node:timers/promises';
import { addressKey } from '../core/address.js';
import { badConfig, check } from '../core/check-settings.js';
import { messageOf, TickwireError } from '../core/errors.js';
import { DRAIN_GRACE_MS } from '../core/limits.js';
import { Doorbell } from '../pipeline/memory/doorbell.js';
import { FANOUT_DOORBELL } from '../pipeline/memory/engine-memory.js';
import { WIRE_SYMBOLS_MAX } from '../wire/packed.js';
import { PROTOCOL_VERSION } from '../wire/ticks.js';
import { Admission } from './access/admission.js';
import { Auth } from './access/auth.js';
import { RefusalCounters } from './access/refusal-counters.js';
import { Frame } from './batch/frame.js';
import { SharedView } from './batch/shared-view.js';
import { type FanoutOptions, type FanoutSettings, fanoutOptionsSchema } from './contract/options.js';
import { HostNames } from './contract/origins.js';
import type { Fanout, FanoutPorts, FanoutStats } from './contract/ports.js';
import {
  closeListenSocket,
  createApp,
  type ListenSocket,
  listen,
  type TemplatedApp,
} from './contract/uws.js';
import { FlushLoop, type Served } from './flush-loop.js';
import { type Cohort, Cohorts } from './reader/cohort.js';
import { Rest } from './rest/handlers.js';
import { loadPages, type Page } from './rest/static-files.js';
import { addRoutes, type RouteContext } from './routes.js';
import type { Connection } from './websocket/connection.js';
import { HeartbeatBytes } from './websocket/heartbeat.js';
import { RequestTurns } from './websocket/request-queue.js';
import { shuttingDown } from './websocket/upgrade.js';

const SERVER = 'tickwire';
/** Connections are checked for heartbeats and silence this many times per interval. */
const CHECKS_PER_INTERVAL = 16;
/** Milliseconds between two checks which connections have received the last ticks. */
const DRAIN_CHECK_MS = 2;
/** Milliseconds between two samples for the rates of `/v1/pipeline`. */
const SAMPLE_MS = 1000;
/** Connections that are served between two reads of the clock. */
const CLOCK_EVERY = 8;
/** Milliseconds of work between two rounds for connections that lag. */
const BETWEEN_MS_MAX = 8;
/** Milliseconds for closing sockets to write their last bytes. */
const CLOSE_GRACE_MS = 50;

/**
 * Makes a fan-out, which serves after `listen`. With `ports.app` the routes are added to the host's app at once, and the
 * host listens.
 * @throws TickwireError bad_config
 */
export function createFanout(ports: FanoutPorts, options: FanoutOptions = {}): Fanout {
  const { value: settings, faults } = check(fanoutOptionsSchema, options, ['http']);
  if (settings === undefined) throw badConfig(faults);
  if (ports.memory.plan.maxSymbols > WIRE_SYMBOLS_MAX) {
    throw new TickwireError(
      'bad_config',
      `maxSymbols: packed frames name at most ${WIRE_SYMBOLS_MAX} symbols.`,
    );
  }
  if (ports.authorise !== undefined && settings.auth !== undefined) {
    throw new TickwireError('bad_config', 'http.auth: the host has its own authoriser; leave the keys out.');
  }
  return new Server(ports, settings);
}

class Server implements Fanout {
  readonly #shared: SharedView;
  readonly #loop: FlushLoop;
  readonly #frame = new Frame();
  readonly #connections = new Set<Connection>();
  readonly #cohorts: Cohorts;
  /** The cohorts and connections that the current round has not served yet. */
  #round: { cohorts: Cohort[]; connections: IterableIterator<Connection> } | undefined;
  readonly #context: RouteContext;
  readonly #app: TemplatedApp;
  readonly #rest: Rest;
  #socket: ListenSocket | undefined;
  #timers: NodeJS.Timeout[] = [];
  #betweenMs = 0;
  #ticksSent = 0;
  #bytesSent = 0;
  readonly #refusals = new RefusalCounters();
  readonly #admission: Admission;
  #closing: Promise<void> | undefined;

  constructor(
    readonly ports: FanoutPorts,
    readonly settings: FanoutSettings,
  ) {
    this.#shared = new SharedView(ports, settings.limits, () => this.#loop.wake());
    this.#loop = new FlushLoop(
      this.#shared,
      new Doorbell(ports.memory.doorbells, FANOUT_DOORBELL),
      settings.flushIntervalMsMax,
      () => this.#shared.subscriptions > 0,
      (untilMs) => this.#serve(untilMs),
    );
    const count = (ticks: number, bytes: number) => {
      this.#ticksSent += ticks;
      this.#bytesSent += bytes;
    };
    this.#cohorts = new Cohorts(this.#shared, count);
    const keys = ports.authorise ?? settings.auth?.keys;
    this.#admission = new Admission(settings.limits, this.#refusals, keys === undefined);
    this.#rest = new Rest(this.#shared, () => this.stats());
    this.#app = ports.app ?? createApp();
    this.#context = {
      shared: this.#shared,
      settings,
      auth: keys === undefined ? undefined : new Auth(keys, this.#refusals, ports.logger),
      admission: this.#admission,
      refusals: this.#refusals,
      proxies: new Set(settings.trustedProxies.map(addressKey)),
      hosts: new HostNames(ports.app === undefined ? settings.host : undefined, settings.allowedHosts),
      rest: this.#rest,
      pages: this.#loadPages(),
      isHostApp: ports.app !== undefined,
      connections: this.#connections,
      closing: false,
      cohorts: this.#cohorts,
      turns: new RequestTurns(this.#shared.quotas.requestBytes),
      count,
      resumeSending: (connection) => this.#resumeSending(connection),
      greet: (connection) => this.#greet(connection),
    };
    addRoutes(this.#app, this.#context);
    if (ports.app !== undefined) this.#start();
  }

  #loadPages(): Map<string, Page> {
    if (this.settings.webRoot === undefined) return new Map();
    try {
      return loadPages(this.settings.webRoot);
    } catch (error) {
      this.ports.logger.warn(
        { folder: this.settings.webRoot, error: messageOf(error) },
        'No page is served.',
      );
      return new Map();
    }
  }

  #start(): void {
    this.#loop.start();
    const every = (ms: number, task: () => void) => {
      const timer = setInterval(task, ms);
      timer.unref();
      this.#timers.push(timer);
    };
    const { heartbeatMs, idleMs, authMs } = this.settings;
    every(Math.min(heartbeatMs, idleMs / 2, authMs) / CHECKS_PER_INTERVAL, () => {
      const nowMs = performance.now();
      const heartbeat = new HeartbeatBytes(this.#shared);
      for (const connection of this.#connections) connection.check(nowMs, heartbeat);
    });
    every(SAMPLE_MS, () => this.#rest.sample());
  }

  #serve(untilMs: number): Served {
    this.#betweenMs = 0;
    this.#round ??= { cohorts: this.#cohorts.all(), connections: this.#connections.values() };
    const { cohorts, connections } = this.#round;
    let isMore = false;
    for (let cohort = cohorts.pop(); cohort !== undefined; cohort = cohorts.pop()) {
      if (this.#cohorts.flush(cohort, this.#frame)) isMore = true;
      if (performance.now() >= untilMs) return { isOver: false, isMore };
    }
    let served = 0;
    do {
      const { value: connection } = connections.next();
      if (connection === undefined) {
        this.#round = undefined;
        this.#shared.pages.forgetFailures();
        return { isOver: true, isMore };
      }
      if (connection.flush(this.#frame)) isMore = true;
    } while (++served % CLOCK_EVERY !== 0 || performance.now() < untilMs);
    return { isOver: false, isMore };
  }

  /**
   * Serves a connection whose window has room again, before the next round, so that its own pongs set its pace. The time
   * for this between two rounds is bounded: other work needs the rest of the pause.
   */
  #resumeSending(connection: Connection): void {
    const startedMs = performance.now();
    if (this.#betweenMs < BETWEEN_MS_MAX && this.#shared.isUpToDate) connection.flush(this.#frame);
    else this.#shared.wake();
    this.#betweenMs += performance.now() - startedMs;
  }

  #greet(connection: Connection): void {
    connection.control({
      op: 'hello',
      protocol: PROTOCOL_VERSION,
      server: SERVER,
      logId: this.ports.identity.logId,
      epoch: this.ports.identity.epoch,
      shards: this.ports.memory.plan.shards,
      heartbeatMs: this.settings.heartbeatMs,
      auth: connection.guard.isLocked,
    });
  }

  async listen(): Promise<{ port: number }> {
    if (this.ports.app !== undefined) {
      throw new TickwireError('unsupported', 'The host that passes its own app listens on it itself.');
    }
    const { host, port } = this.settings;
    const listening = await listen(this.#app, host, port);
    this.#socket = listening.socket;
    this.#start();
    this.ports.logger.info({ host, port: listening.port }, `Listening on ${host}:${listening.port}.`);
    return { port: listening.port };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#context.closing = true;
    for (const timer of this.#timers) clearInterval(timer);
    if (this.#socket !== undefined) closeListenSocket(this.#socket);
    if (this.#connections.size > 0) await this.#drain();
    await this.#loop.stop();
    for (const connection of this.#connections) connection.close(shuttingDown());
    await sleep(CLOSE_GRACE_MS);
    if (this.ports.app === undefined) this.#app.close();
  }

  /** Sends the ticks so far to every connection, and closes each one that has them. Ends after the grace period. */
  async #drain(): Promise<void> {
    const shared = this.#shared;
    const untilMs = performance.now() + DRAIN_GRACE_MS;
    shared.draining = true;
    shared.readHeads();
    const heads = shared.shards.map((view) => view.head);
    while (this.#connections.size > 0 && performance.now() < untilMs) {
      this.#loop.wake();
      await sleep(DRAIN_CHECK_MS);
      for (const connection of this.#connections) {
        if (connection.drained(heads)) connection.close(shuttingDown());
      }
    }
  }

  stats(): FanoutStats {
    return {
      connections: this.#connections.size,
      unauthorised: this.#admission.waiting,
      subscriptions: this.#shared.subscriptions,
      flushes: this.#shared.flushNo,
      ticksSent: this.#ticksSent,
      bytesSent: this.#bytesSent,
      catchingUp: this.#shared.catchingUp,
      inCohorts: this.#cohorts.members,
      gapsSent: this.#shared.gapsSent,
      flushMs: this.#loop.workMs,
      intervalMs: this.#loop.intervalMs,
      groups: this.#shared.groups,
      symbolFilters: this.#shared.filters.size,
      refused: { ...this.#refusals.refused },
      closed: { ...this.#refusals.closed },
      lost: this.#refusals.lost,
      badMessages: this.#refusals.badMessages,
      overBounds: this.#shared.quotas.refused,
      wrongTokens: this.#refusals.wrongTokens,
    };
  }
}
