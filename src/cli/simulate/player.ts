/** Plays ticks into an MT5 port as a terminal would: at their own pace, faster, or as fast as they are taken. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SharedClock } from '../../core/clock.js';
import { Flag, NO_PRICE } from '../../core/tick.js';
import { EntryKind, type TickBatch } from '../../feeds/file/batch.js';
import { Checkpoint } from '../../feeds/file/checkpoint.js';
import { Pacer } from '../../feeds/file/pacer.js';
import type { TickFile } from '../../feeds/file/reader.js';
import { timeEntryOf } from '../../feeds/file/time-entry.js';
import { MqlFlag } from '../../feeds/mql/mql-tick.js';
import type { Mt5Terminal } from '../../feeds/mt5/index.js';
import { turn } from '../../pipeline/memory/doorbell.js';

/** A stop during a long silence of the recording is noticed within this time. */
const SLEEP_MS_MAX = 100;

export interface PlayOptions {
  /** Recorded seconds per second, or `max`. */
  speed: number | 'max';
  /** Begin again at the end, for ever; times continue from where they were. */
  loop: boolean;
  /** Shift the times so that the first tick happens now. */
  shiftToNow: boolean;
  /** Ticks to play at most. */
  count?: number | undefined;
  signal: AbortSignal;
  /** Called now and then while it plays. */
  onProgress?: () => void;
}

export class Player {
  /** Ticks given to the terminal. */
  played = 0;
  /** Lines or records that could not be read. */
  bad = 0;
  readonly #clock = new SharedClock(SharedClock.allocate());
  readonly #pacer: Pacer;
  readonly #times = new Checkpoint();
  /** The terminal's numbers by the open file's symbol index, and what was defined by raw name. */
  #locals: number[] = [];
  readonly #defined = new Map<string, { local: number; digits: number }>();

  constructor(
    readonly terminal: Mt5Terminal,
    readonly options: PlayOptions,
  ) {
    this.#pacer = new Pacer(options.speed, this.#clock);
  }

  /** Plays what the openers open, one after the other. Everything played has been given to the terminal then. */
  async play(openers: readonly (() => Promise<TickFile>)[]): Promise<void> {
    do {
      for (const open of openers) {
        if (this.#isOver) return;
        await this.#playFile(await open());
        this.#times.nextFile();
      }
      // Files without a single tick would be looped over for ever, doing nothing.
      if (this.#times.isFresh) return;
      this.#times.nextLoop();
    } while (this.options.loop && !this.#isOver);
  }

  get #isOver(): boolean {
    return this.options.signal.aborted || this.played >= (this.options.count ?? Number.POSITIVE_INFINITY);
  }

  async #playFile(file: TickFile): Promise<void> {
    this.#locals = [];
    try {
      for await (const batch of file.batches) {
        this.#define(file);
        for (let i = 0; i < batch.length && !this.#isOver; i++) await this.#playTick(batch, i);
        this.options.onProgress?.();
        if (this.#isOver) return;
        await turn();
      }
    } finally {
      await file.close();
    }
  }

  async #playTick(batch: TickBatch, i: number): Promise<void> {
    if (batch.kind[i] === EntryKind.bad) {
      this.bad++;
      return;
    }
    const eventS = batch.eventS[i];
    const eventNs = batch.eventNs[i];
    const times = this.#times;
    if (times.isFresh && this.options.shiftToNow) {
      this.#clock.stamp();
      const timeEntry = timeEntryOf(batch, i);
      times.shiftTo(
        batch.eventS[timeEntry],
        batch.eventNs[timeEntry],
        this.#clock.seconds,
        this.#clock.nanos,
      );
    }
    await this.#untilDue(batch, i);
    while (!this.options.signal.aborted && !this.#send(batch, i)) await this.terminal.room();
    times.done(eventS, eventNs);
    this.played++;
  }

  async #untilDue(batch: TickBatch, i: number): Promise<void> {
    for (;;) {
      if (this.options.speed !== 'max') this.#clock.stamp();
      const waitMs = this.#pacer.dueInMs(batch, i, this.#times);
      if (waitMs <= 0 || this.options.signal.aborted) return;
      this.options.onProgress?.();
      await sleep(Math.min(waitMs, SLEEP_MS_MAX));
    }
  }

  #send(batch: TickBatch, i: number): boolean {
    const utcMs = this.#times.eventS * 1000 + Math.floor(this.#times.eventNs / 1e6);
    const kind = batch.kind[i];
    let flags = 0;
    let bid = 0;
    let ask = 0;
    if ((kind & EntryKind.quote) !== 0) {
      flags |= MqlFlag.bid | MqlFlag.ask;
      bid = orMissing(batch.bid[i]);
      ask = orMissing(batch.ask[i]);
    }
    const local = this.#locals[batch.symbol[i]];
    if ((kind & EntryKind.trade) === 0) return this.terminal.send(local, utcMs, flags, bid, ask);
    flags |= MqlFlag.last | MqlFlag.volume;
    if ((batch.flags[i] & Flag.buy) !== 0) flags |= MqlFlag.buy;
    if ((batch.flags[i] & Flag.sell) !== 0) flags |= MqlFlag.sell;
    const size = Number.isNaN(batch.size[i]) ? 0 : batch.size[i];
    return this.terminal.send(local, utcMs, flags, bid, ask, batch.price[i], size);
  }

  /** Defines the file's symbols that are new, or have more digits than so far. */
  #define(file: TickFile): void {
    file.symbols.forEach(({ raw, digits }, i) => {
      let known = this.#defined.get(raw);
      if (known === undefined || known.digits < digits) {
        known = { local: this.terminal.define(raw, digits), digits };
        this.#defined.set(raw, known);
      }
      this.#locals[i] = known.local;
    });
  }
}

/** MT5 writes a side that is not there as 0. */
function orMissing(price: number): number {
  return price === NO_PRICE ? 0 : price;
}
