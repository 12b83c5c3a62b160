/**
 * Decides when to flush. While ticks arrive, the loop polls once per turn of the event loop. When ticks stop, the loop
 * sleeps on the doorbell without blocking the thread.
 *
 * A round serves every connection once. The pause after a round grows with the work of the round, up to a limit. So a
 * costly round sends more ticks at once. A long round is divided into flushes, between which the event loop runs. Each
 * flush takes in the ticks that are new by then. So no connection waits for two rounds, and no other work on the thread
 * waits for a whole round.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Doorbell } from '../pipeline/memory/doorbell.js';
import { turn } from '../pipeline/memory/doorbell.js';

/** Polls in a row without new ticks before the loop sleeps. */
const POLLS = 32;
/** Milliseconds of sleep after which the loop polls again, with or without a ring of the doorbell. */
const SLEEP_MS = 50;
/** The same while some subscription waits for the log, which does not ring the doorbell. */
const SLEEP_LOG_MS = 5;
/** Milliseconds of work after which a round lets the event loop run. */
const FLUSH_MS = 4;
/** Below this many new ticks, the next round may follow at once. A loop that polls takes a core from the shards. */
const LIGHT_TICKS = 128;
/** Length of a pause as a multiple of the work of the round: so the loop leaves most of a core to the stages. */
const PAUSE_PER_WORK = 1.5;
/** Milliseconds of the shortest pause: the resolution of timers. */
const PAUSE_MS_MIN = 1;
/** From this many new ticks per round on, the shards need the core, and a pause has at least `FLOOD_PAUSE_MS`. */
const FLOOD_TICKS = 4096;
const FLOOD_PAUSE_MS = 2;
/** Weight of the newest round in `workMs`. */
const SMOOTHING = 0.25;

/** The shared view that is flushed: see `SharedView`. */
export interface FlushSource {
  readonly head: number;
  readonly dueAtMs: number;
  readonly awaitsLog: boolean;
  moved(): boolean;
  beginRound(): void;
  advance(nowMs: number): void;
}

/** The result of serving connections. */
export interface Served {
  /** Whether the round has served every connection. */
  isOver: boolean;
  /** Whether some connection has more to send, and room for it. */
  isMore: boolean;
}

export class FlushLoop {
  /** Milliseconds of work per round, as a moving average. */
  workMs = 0;
  /** New ticks of the last round. */
  #ticks = 0;
  #urgent = false;
  #running = false;
  #done: Promise<void> = Promise.resolve();
  #idle: (() => void) | undefined;
  #logWaited = false;

  constructor(
    readonly source: FlushSource,
    readonly bell: Doorbell,
    readonly intervalMsMax: number,
    readonly hasWork: () => boolean,
    /** Serves connections until a monotonic time in milliseconds: begins a round, or continues the open one. */
    readonly serve: (untilMs: number) => Served,
  ) {}

  /** Milliseconds between the end of one round and the next. */
  get intervalMs(): number {
    const { workMs, intervalMsMax } = this;
    if (this.#ticks < LIGHT_TICKS && workMs < PAUSE_MS_MIN) return 0;
    const least = this.#ticks < FLOOD_TICKS ? PAUSE_MS_MIN : FLOOD_PAUSE_MS;
    // A round that takes longer than the longest pause sends enough at once: a longer pause would only add delay.
    const most = Math.min(PAUSE_PER_WORK * workMs, 2 * intervalMsMax - workMs);
    return Math.min(intervalMsMax, Math.max(least, most));
  }

  start(): void {
    this.#running = true;
    this.#done = this.#run();
  }

  /** Stops after the current round. */
  async stop(): Promise<void> {
    this.#running = false;
    this.wake();
    await this.#done;
    this.bell.lookIn(0);
  }

  /** Asks for a flush soon, with or without new ticks. */
  wake(): void {
    if (this.#urgent) return;
    this.#urgent = true;
    this.#idle?.();
    this.bell.ring();
  }

  async #run(): Promise<void> {
    let polls = 0;
    let nextAtMs = 0;
    while (this.#running) {
      if (!this.hasWork()) {
        await this.#waitForWork();
        continue;
      }
      const seen = this.bell.read();
      const nowMs = performance.now();
      if (!this.#due(nowMs)) {
        if (++polls < POLLS) await turn();
        else {
          this.bell.lookIn(0);
          await this.bell.parkAsync(seen, this.#sleepMs(nowMs));
        }
        continue;
      }
      polls = 0;
      if (nowMs < nextAtMs) {
        await sleep(nextAtMs - nowMs);
        continue;
      }
      await this.#round();
      this.#announceFlush(this.intervalMs);
      nextAtMs = performance.now() + this.intervalMs;
      if (this.intervalMs === 0) await turn();
      else await sleep(this.intervalMs);
    }
  }

  /** Announces the next flush to the shards. Not in a flood, where sleeping and waking would cost the shards more. */
  #announceFlush(inMs: number): void {
    this.bell.lookIn(this.#ticks < FLOOD_TICKS ? inMs : 0);
  }

  async #round(): Promise<void> {
    const { source } = this;
    const before = source.head;
    this.#urgent = false;
    this.#logWaited = false;
    source.beginRound();
    // The shards may sleep until the next round: this round need not wait for newer ticks.
    if (this.intervalMs > 0) this.#announceFlush(this.workMs + this.intervalMs);
    let workMs = 0;
    let isNews = true;
    for (let isFirst = true; ; isFirst = false) {
      const startedMs = performance.now();
      if (isNews) source.advance(startedMs);
      // The connections served by earlier flushes of the round have not got these ticks.
      if (isNews && !isFirst) this.#urgent = true;
      const { isOver, isMore } = this.serve(startedMs + FLUSH_MS);
      if (isMore) this.#urgent = true;
      workMs += performance.now() - startedMs;
      if (isOver) break;
      await turn();
      isNews = source.moved();
    }
    this.#ticks = source.head - before;
    this.workMs += (workMs - this.workMs) * SMOOTHING;
  }

  #due(nowMs: number): boolean {
    if (this.#urgent || this.#logWaited || nowMs >= this.source.dueAtMs) return true;
    return this.source.moved();
  }

  #sleepMs(nowMs: number): number {
    if (this.source.awaitsLog) {
      this.#logWaited = true;
      return SLEEP_LOG_MS;
    }
    return Math.max(0, Math.min(SLEEP_MS, this.source.dueAtMs - nowMs));
  }

  /** Waits until there is a subscription. */
  #waitForWork(): Promise<void> {
    this.#urgent = false;
    this.bell.lookIn(0);
    return new Promise((resolve) => {
      this.#idle = () => {
        this.#idle = undefined;
        resolve();
      };
    });
  }
}
