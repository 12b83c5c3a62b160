import { bytesToText } from '../wire/cursor.js';
import type { From, Speed, Subscribed } from '../wire/ticks.js';
import type { RequestOf } from './pending-requests.js';
import type { SeekOptions, SubscribeOptions } from './subscription.js';

/** Where a subscription must begin, as the wire has it. */
export interface Target {
  /** Absent: to the newest, live. */
  from?: From;
  speed?: Speed;
}

/** Times as text: a number of nanoseconds is beyond what JSON carries exactly, and JSON has no BigInt. */
function wireFrom(from: From | Date): From {
  return from instanceof Date ? from.toISOString() : String(from);
}

/**
 * The position of a subscription, and so what it asks for when a connection takes it up: first what its options say, then,
 * on every further connection, that it continues where it was.
 */
export class ResumePosition {
  readonly #options: SubscribeOptions;
  readonly #mode: 'latest' | 'every';
  readonly #from: From | undefined;
  #cursor: string | Uint8Array | undefined;
  #speed: Speed | undefined;
  #begun = false;
  /** Whether it plays the past that was asked for, and has not reached the newest tick. */
  #past: boolean;
  /** In `latest`: whether a beginning was asked for, so that it continues there instead of with fresh state. */
  #told: boolean;
  /** A position sought without a connection. */
  #target: Target | undefined;

  /** @throws RangeError if `from` is a Date that is none */
  constructor(options: SubscribeOptions) {
    this.#options = options;
    this.#from = options.from === undefined ? undefined : wireFrom(options.from);
    this.#mode = options.mode ?? 'latest';
    this.#speed = options.speed;
    this.#told = this.#from !== undefined;
    this.#past = this.#told;
  }

  /** Everything up to the last batch; undefined before the server answered. */
  get cursor(): string | undefined {
    // Kept as bytes until somebody asks: batches are many, reconnects few.
    if (this.#cursor instanceof Uint8Array) this.#cursor = bytesToText(this.#cursor);
    return this.#cursor;
  }

  get past(): boolean {
    return this.#past;
  }

  moved(cursor: string | Uint8Array): void {
    this.#cursor = typeof cursor === 'string' ? cursor : cursor.slice();
  }

  /**
   * The server does not know the position to continue at. Forgets the position, so that the next `request` is
   * for the newest ticks. Returns the position; undefined before the first tick, when the options name the position.
   */
  forget(): string | undefined {
    if (!this.#begun) return undefined;
    const lost = String(this.#target?.from ?? this.cursor);
    this.#target = undefined;
    this.#cursor = undefined;
    this.#told = false;
    this.#past = false;
    return lost;
  }

  caughtUp(): void {
    this.#past = false;
  }

  /** A seek as it is sent: the speed stays as it was where none is given. */
  target({ from, speed }: SeekOptions): Target {
    if (from === undefined) return speed === undefined ? {} : { speed };
    const played = speed ?? this.#speed;
    return { from: wireFrom(from), ...(played !== undefined && { speed: played }) };
  }

  /** Keeps a position for the next `request`. */
  keep(target: Target): void {
    this.#target = target;
    this.#speed = target.speed ?? this.#speed;
  }

  /** The server has taken the subscription there. */
  sought(target: Target, answer: { cursor: string; speed: Speed }): void {
    this.#target = undefined;
    this.#cursor = answer.cursor;
    this.#speed = target.speed ?? this.#speed;
    this.#told = target.from !== undefined;
    this.#past = this.#told;
  }

  /** The server has accepted the request with `target`. Returns whether that was at a position sought. */
  began(answer: Subscribed, target = this.#target): boolean {
    if (target !== undefined) this.sought(target, answer);
    this.#cursor = answer.cursor;
    this.#begun = true;
    return target !== undefined;
  }

  /** @param target a position sought, instead of the present one */
  request(target = this.#target): RequestOf<'subscribe'> {
    const { symbols, kinds, intervalMs, deliver } = this.#options;
    return {
      op: 'subscribe',
      symbols: [...symbols],
      mode: this.#mode,
      ...(kinds !== undefined && { kinds: [...kinds] }),
      ...(intervalMs !== undefined && { intervalMs }),
      ...(deliver !== undefined && { deliver }),
      ...this.#start(target),
    };
  }

  #start(target: Target | undefined): Pick<RequestOf<'subscribe'>, 'from' | 'speed' | 'snapshot'> {
    if (target !== undefined) {
      return target.from === undefined ? { snapshot: this.#mode === 'latest' } : { ...target };
    }
    const { snapshot, speed } = this.#options;
    if (!this.#begun) {
      return {
        ...(snapshot !== undefined && { snapshot }),
        ...(this.#from !== undefined && { from: this.#from }),
        ...(speed !== undefined && { speed }),
      };
    }
    // Beginning again in `latest`, what was missed is in the state, whether that was asked for at first or not.
    if (this.#mode === 'latest' && !this.#told) return { snapshot: true };
    if (this.#cursor === undefined) return { ...(snapshot !== undefined && { snapshot }) };
    // What was missed while away is no recording: it comes as fast as it can.
    const plays = this.#past && this.#speed !== undefined;
    return { from: this.cursor!, ...(plays && { speed: this.#speed! }) };
  }
}
