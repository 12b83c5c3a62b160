/**
 * When to flush. While ticks come the loop polls with a turn of the event loop between looks; when they stop
 * it sleeps on the doorbell without blocking the thread. A round serves every connection once. One that costs
 * little goes out at once; as the work grows, so does the pause after it, up to a bound, and with it what one
 * round carries. A long round is cut into flushes with a turn of the event loop between them, and each takes in
 * what is new by then: so nobody waits for two rounds, and nothing else on the thread waits for a whole one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Doorbell } from '../pipeline/memory/doorbell.js';
import { turn } from '../pipeline/memory/doorbell.js';

/** Looks that found nothing before the loop sleeps. */
const POLLS = 32;
/** Milliseconds of sleep after which the loop looks again, doorbell or not. */
const SLEEP_MS = 50;
/** The same while some subscription waits for the log, which rings no bell. */
const SLEEP_LOG_MS = 5;
/** Milliseconds of work after which a round lets the event loop turn. */
const FLUSH_MS = 4;
/** New ticks per round below which the next one may follow at once. A loop that polls takes a core from the shards. */
const LIGHT_TICKS = 128;
/** Times as long as a round is the pause after it, up to the bound: so the loop leaves most of a core to the stages. */
const PAUSE_PER_WORK = 1.5;
/** Milliseconds of the shortest pause: what timers can do. */
const PAUSE_MS_MIN = 1;
/** New ticks per round from which on the stages before have much to do, and the least pause that leaves them the core. */
const FLOOD_TICKS = 4096;
const FLOOD_PAUSE_MS = 2;
const SMOOTHING = 0.25;

/** What is flushed: see `Stream`. */
export interface FlushSource {
  readonly head: number;
  readonly dueAtMs: number;
  readonly awaitsLog: boolean;
  moved(): boolean;
  beginRound(): void;
  advance(nowMs: number): void;
}

/** What came of serving connections. */
export interface Served {
  /** Whether the round has served them all. */
  isOver: boolean;
  /** Whether some of them could take more at once. */
  isMore: boolean;
}

export class FlushLoop {
  /** Milliseconds of work per round, smoothed. */
  workMs = 0;
  /** Ticks that were new to the last round. */
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
    /** Serves connections until some monotonic time: those of a new round, or the ones that are left of it. */
    readonly serve: (untilMs: number) => Served,
  ) {}

  /** Milliseconds between the end of one round and the next. */
  get intervalMs(): number {
    const { workMs, intervalMsMax } = this;
    if (this.#ticks < LIGHT_TICKS && workMs < PAUSE_MS_MIN) return 0;
    const least = this.#ticks < FLOOD_TICKS ? PAUSE_MS_MIN : FLOOD_PAUSE_MS;
    // A round that takes longer than the pause may be carries enough: pausing on would only add delay.
    const most = Math.min(PAUSE_PER_WORK * workMs, 2 * intervalMsMax - workMs);
    return Math.min(intervalMsMax, Math.max(least, most));
  }

  start(): void {
    this.#running = true;
    this.#done = this.#run();
  }

  /** Ends after the round at hand. */
  async stop(): Promise<void> {
    this.#running = false;
    this.wake();
    await this.#done;
    this.bell.lookIn(0);
  }

  /** Asks for a flush soon, ticks or not. */
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
        await this.#someone();
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

  /** In a flood nobody naps: waking up again for every few hundred ticks would cost more. */
  #announceFlush(inMs: number): void {
    this.bell.lookIn(this.#ticks < FLOOD_TICKS ? inMs : 0);
  }

  async #round(): Promise<void> {
    const { source } = this;
    const before = source.head;
    this.#urgent = false;
    this.#logWaited = false;
    source.beginRound();
    // What it takes in between is as old as it may be: stages before it may go by the next round.
    if (this.intervalMs > 0) this.#announceFlush(this.workMs + this.intervalMs);
    let workMs = 0;
    let isNews = true;
    for (let isFirst = true; ; isFirst = false) {
      const startedMs = performance.now();
      if (isNews) source.advance(startedMs);
      // Those that were served before it have not got it.
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

  /** With nobody to send to the loop stands still. */
  #someone(): Promise<void> {
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

/** Timers have a resolution of a millisecond: what is left of a pause may become as long as that. */
