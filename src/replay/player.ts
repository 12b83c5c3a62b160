/**
 * Plays a log tick by tick: at a pace, with pauses, seeks and changes of speed, and at its end, where asked to,
 * on with whatever is added. It never waits by itself: `step` says whether a tick is due, `wait` waits.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ENGINE_SYMBOL, RECORD_U32, U32_SYMBOL, U32_TS_RECV_NS, U32_TS_RECV_S } from '../core/tick.js';
import { isEarlier, type Time } from '../core/time.js';
import type { LogGap, LogReader } from '../log/read/log-reader.js';
import type { ReplayControl } from './control.js';
import { Pace } from './pace.js';
import { type Bound, checkLog, type SeqBound } from './range.js';
import { LogStream } from './stream.js';
import type { LogSymbols } from './symbols.js';

export const Step = { tick: 0, wait: 1, end: 2 } as const;

/** Milliseconds between two looks at whether the log has grown. */
const FOLLOW_MS = 10;
/** The same for the keyboard while paused. */
const PAUSED_MS = 20;

export interface PlayerOptions {
  from?: Bound | undefined;
  to?: Bound | undefined;
  /** Go on live at the end of the log. */
  follow: boolean;
  /** Told of every part of the range that the log does not hold. */
  onGap?: ((epoch: number, shard: number, gap: LogGap) => void) | undefined;
}

export class ReplayPlayer {
  stream: LogStream;
  /** Whether the current tick is the first after a seek. */
  hasJumped = false;
  readonly pace: Pace;
  #isHeld = false;
  #played = 0;
  #seeks: number;
  #dueInMs = 0;
  #first: Time | undefined;
  #isStale = false;

  /** @throws TickwireError bad_input when a cursor belongs to another log */
  constructor(
    readonly reader: LogReader,
    readonly symbols: LogSymbols,
    readonly control: ReplayControl,
    readonly options: PlayerOptions,
  ) {
    checkLog(options.from, reader.logId);
    checkLog(options.to, reader.logId);
    this.pace = new Pace(control.speed);
    this.#seeks = control.seeks;
    this.stream = this.#open(options.from);
  }

  #open(from: Bound | undefined): LogStream {
    const { to, follow, onGap } = this.options;
    // What is defined while the log is followed is looked up here: the reader passes over ids that it was not told of.
    const filter = follow || this.symbols.wantsAll ? null : this.symbols.filter;
    return new LogStream(this.reader, { from, to, filter, ...(onGap === undefined ? {} : { onGap }) });
  }

  get played(): number {
    return this.#played;
  }

  /**
   * The position after the last tick of `step`, from which a replay can continue.
   * @param again whether the replay must repeat that tick
   */
  position(again = false): SeqBound | undefined {
    const { stream } = this;
    const position = stream.position();
    // A tick of an import has no position among those of the epochs.
    if (position?.epoch === stream.epoch && (again || this.#isHeld)) position.seqs[stream.shard] = stream.seq;
    return position;
  }

  /** Symbol id of the current tick. */
  get symbolId(): number {
    return this.stream.records.u32[this.stream.index * RECORD_U32 + U32_SYMBOL];
  }

  /**
   * Moves to the next tick that is due. `wait`: none is; call `wait`, then ask again. After `end` nothing comes,
   * unless a seek goes back.
   */
  step(): number {
    if (this.control.seeks !== this.#seeks) this.#seek();
    const { control, pace } = this;
    pace.isPaused = control.isPaused;
    if (control.isPaused) return Step.wait;
    pace.speed = control.speed;
    if (!this.#isHeld) {
      const found = this.#next();
      if (found !== Step.tick) return found;
    }
    const { stream } = this;
    if (!control.isLive && control.speed !== 'max') {
      this.#dueInMs = pace.dueInMs(stream.recvS, stream.recvNs);
      if (this.#dueInMs > 0) return Step.wait;
    }
    this.#isHeld = false;
    this.#reportPosition();
    return Step.tick;
  }

  #next(): number {
    const { stream, symbols, control } = this;
    for (;;) {
      if (!stream.next()) {
        if (!this.options.follow) return Step.end;
        // What was added since is read at once; only when there is nothing the end has been reached.
        stream.extend();
        if (!stream.next()) {
          control.isLive = true;
          this.#dueInMs = FOLLOW_MS;
          return Step.wait;
        }
      }
      this.#isHeld = true;
      const id = this.symbolId;
      if (id !== ENGINE_SYMBOL && !symbols.knows(id)) {
        this.#isStale = true;
        return Step.wait;
      }
      if (symbols.isWanted(id)) return Step.tick;
      this.#isHeld = false;
    }
  }

  /** Waits until `step` may say something else: until the tick is due, or for a moment. */
  async wait(): Promise<void> {
    if (this.#isStale) {
      this.#isStale = false;
      await this.symbols.refresh();
      if (!this.symbols.isWanted(this.symbolId)) this.#isHeld = false;
    } else if (this.control.isPaused) await sleep(PAUSED_MS);
    else if (this.control.isLive) await sleep(FOLLOW_MS);
    else await this.pace.wait(this.#dueInMs);
  }

  #seek(): void {
    const { control, options } = this;
    this.#seeks = control.seeks;
    const target = control.target;
    const isBefore = this.#first === undefined || isEarlier(target, this.#first);
    this.stream = this.#open(isBefore ? options.from : { kind: 'time', ...target });
    this.#isHeld = false;
    this.hasJumped = true;
    control.isLive = false;
    control.report(this.#played, target.seconds, target.nanos);
    this.pace.reset();
  }

  #reportPosition(): void {
    const { records, index } = this.stream;
    const w = index * RECORD_U32;
    const seconds = records.u32[w + U32_TS_RECV_S];
    const nanos = records.u32[w + U32_TS_RECV_NS];
    this.#first ??= { seconds, nanos };
    this.control.report(++this.#played, seconds, nanos);
  }
}
