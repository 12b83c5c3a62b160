import type { Paused, Sought, Subscribed, WireError } from '../wire/ticks.js';
import { Backoff } from './backoff.js';
import { Deferred } from './deferred.js';
import { ServerError } from './errors.js';
import type { AnswerOf, RequestHandlers, RequestOf } from './pending-requests.js';
import type { ResumePosition, Target } from './resume-position.js';
import type { PausedAt, SeekOptions, SoughtAt } from './subscription.js';

/** Times that a seek is tried again because the server is busy, before it is given up. */
const SEEK_ATTEMPTS_MAX = 8;

/** What the control of a subscription needs of its client. */
export interface SubscriptionControlHost {
  /** Whether requests can be sent now. */
  readonly online: boolean;
  call<Op extends 'subscribe' | 'unsubscribe' | 'pause' | 'resume' | 'seek'>(
    request: RequestOf<Op>,
    handlers: RequestHandlers<AnswerOf<Op>>,
  ): void;
  /** Messages about `sub` are this subscription's from now on. */
  adopt(sub: number): void;
  /** Messages about `sub` are dropped from now on. */
  disown(sub: number): void;
}

/** What it reports to its subscription, in the order of the server's messages. */
export interface Steered {
  onSubscribed(answer: Subscribed, sought: boolean): void;
  onSought(): void;
  /** The server does not know the position `cursor`: the client asks for the newest ticks. */
  onAfresh(cursor: string, error: ServerError): void;
  /** It will be asked for again. */
  onRetry(error: ServerError): void;
  /** The server does not take it, and never will. */
  onRefused(error: ServerError): void;
}

interface Seek {
  target: Target;
  attempts: number;
  waiting: Deferred<SoughtAt>[];
}

/**
 * Brings a subscription from what it is on this connection (asked for, running, paused, neither) to what it
 * should be (running, paused, elsewhere). There is one request under way at a time, and `sync` takes the next
 * step. Without a connection nothing flows, so a pause holds by itself; it is taken up when it is resumed.
 */
export class SubscriptionControl {
  readonly #host: SubscriptionControlHost;
  readonly #steered: Steered;
  readonly #position: ResumePosition;
  readonly #retry = new Backoff({ initialDelayMs: 200, maxDelayMs: 10_000 });
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sub: number | undefined;
  /** Whether a request is under way. */
  #busy = false;
  /** What the server last heard about `#sub`. */
  #stopped = false;
  #isPaused = false;
  #full = false;
  #ended: Error | undefined;
  #seek: Seek | undefined;
  /** The seek whose answer is awaited. */
  #flight: Seek | undefined;
  #pauses: Deferred<PausedAt>[] = [];
  #resumes: Deferred<void>[] = [];

  constructor(host: SubscriptionControlHost, position: ResumePosition, steered: Steered) {
    this.#host = host;
    this.#position = position;
    this.#steered = steered;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  pause(): Promise<PausedAt> {
    this.#isPaused = true;
    return this.#wait(this.#pauses);
  }

  resume(): Promise<void> {
    this.#isPaused = false;
    return this.#wait(this.#resumes);
  }

  /** A later seek replaces one that is not answered; its answer answers both. */
  seek(options: SeekOptions): Promise<SoughtAt> {
    const waiting = this.#seek?.waiting ?? [];
    this.#seek = { target: this.#position.target(options), attempts: 0, waiting };
    return this.#wait(waiting);
  }

  /** The loop is behind, or has caught up. Takes effect at the next `sync`. */
  setFull(full: boolean): void {
    this.#full = full;
  }

  /** Takes the next step towards what it should be. */
  sync(): void {
    if (this.#ended !== undefined || this.#busy) return;
    const stops = this.#isPaused || this.#full;
    if (this.#sub === undefined) {
      if (stops) this.#rest();
      else if (this.#host.online && this.#timer === undefined) this.#subscribe();
    } else if (this.#seek !== undefined && this.#timer === undefined) {
      this.#sendSeek(this.#sub, this.#seek);
    } else if (stops !== this.#stopped) {
      this.#turn(this.#sub, stops);
    } else {
      this.#settle();
    }
  }

  /** Ticks came: the server does its work. */
  worked(): void {
    this.#retry.succeeded();
  }

  /** The connection is gone, and what was asked on it. */
  detach(): void {
    this.#forget();
    this.#busy = false;
    if (this.#flight !== undefined) this.#putBack(this.#flight);
    this.sync();
  }

  /** The server gave the running subscription up. */
  lost(error: WireError): void {
    this.#forget();
    this.#failed(error);
  }

  /** Ends it for good. Resolves when the server has confirmed, or there is nothing to confirm. */
  end(reason: Error): Promise<void> {
    if (this.#ended !== undefined) return Promise.resolve();
    this.#ended = reason;
    clearTimeout(this.#timer);
    const seeks = [...(this.#seek?.waiting ?? []), ...(this.#flight?.waiting ?? [])];
    for (const waiting of [...this.#pauses, ...this.#resumes, ...seeks]) waiting.reject(reason);
    return this.#leave();
  }

  #wait<T>(waiting: Deferred<T>[]): Promise<T> {
    const deferred = new Deferred<T>();
    if (this.#ended !== undefined) deferred.reject(this.#ended);
    else waiting.push(deferred);
    this.sync();
    return deferred.promise;
  }

  #subscribe(): void {
    const seek = this.#takeSeek();
    const { target } = seek ?? {};
    this.#call(this.#position.request(target), {
      onAnswer: (answer) => {
        if (this.#ended !== undefined) {
          void this.#release(answer.sub);
          return;
        }
        this.#sub = answer.sub;
        this.#stopped = false;
        this.#host.adopt(answer.sub);
        const sought = this.#position.began(answer, target);
        this.#answerSeek(seek, answer);
        this.#steered.onSubscribed(answer, sought);
      },
      onError: (error) => {
        if (seek === undefined) this.#failed(error);
        else this.#seekFailed(seek, error);
      },
    });
  }

  #sendSeek(sub: number, seek: Seek): void {
    this.#takeSeek();
    this.#call({ op: 'seek', sub, ...seek.target } as RequestOf<'seek'>, {
      onAnswer: (answer) => {
        if (this.#ended !== undefined) return;
        this.#position.sought(seek.target, answer);
        this.#answerSeek(seek, answer);
        this.#steered.onSought();
      },
      onError: (error) => this.#seekFailed(seek, error),
    });
  }

  #turn(sub: number, stop: boolean): void {
    const op = stop ? 'pause' : 'resume';
    this.#call<'pause' | 'resume'>({ op, sub } as RequestOf<'pause' | 'resume'>, {
      onAnswer: (answer) => {
        this.#stopped = stop;
        if (stop) this.#position.moved((answer as Paused).cursor);
      },
      // It is not as the server has it. Taken up again from where it is, it is.
      onError: () => void this.#leave(),
    });
  }

  /** Sends a request; the step after its answer follows by itself. */
  #call<Op extends 'subscribe' | 'pause' | 'resume' | 'seek'>(
    request: RequestOf<Op>,
    { onAnswer, onError }: RequestHandlers<AnswerOf<Op>>,
  ): void {
    this.#busy = true;
    this.#host.call<Op>(request, {
      onAnswer: (answer) => {
        this.#busy = false;
        onAnswer(answer);
        this.sync();
      },
      onError: (error) => {
        this.#busy = false;
        if (this.#ended !== undefined) return;
        onError(error);
        this.sync();
      },
    });
  }

  /** The subscription was refused, or has ended on the server's side. */
  #failed(error: WireError): void {
    const cause = new ServerError(error);
    const lost = error.code === 'cursor_unknown' ? this.#position.forget() : undefined;
    if (lost !== undefined) {
      this.#steered.onAfresh(lost, cause);
      return;
    }
    const delayMs = error.temporary ? this.#retry.next(error.retryMs) : undefined;
    if (delayMs === undefined) {
      this.#steered.onRefused(cause);
      return;
    }
    this.#later(delayMs);
    this.#steered.onRetry(cause);
  }

  /** A seek was refused: the subscription stays, or continues, where it was. */
  #seekFailed(seek: Seek, error: WireError): void {
    this.#flight = undefined;
    if (error.temporary && ++seek.attempts < SEEK_ATTEMPTS_MAX) {
      this.#putBack(seek);
      this.#later(this.#retry.next(error.retryMs)!);
    } else {
      for (const waiting of seek.waiting) waiting.reject(new ServerError(error));
    }
  }

  #later(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.sync();
    }, delayMs);
  }

  #takeSeek(): Seek | undefined {
    this.#flight = this.#seek;
    this.#seek = undefined;
    return this.#flight;
  }

  #putBack(seek: Seek): void {
    this.#flight = undefined;
    if (this.#seek === undefined) this.#seek = seek;
    else this.#seek.waiting.push(...seek.waiting);
  }

  #answerSeek(seek: Seek | undefined, { speed, epoch, cursor }: Sought | Subscribed): void {
    this.#flight = undefined;
    for (const waiting of seek?.waiting ?? []) waiting.resolve({ speed, epoch, cursor });
  }

  /** Paused without a connection: a position sought is kept until the subscription continues. */
  #rest(): void {
    const seek = this.#takeSeek();
    this.#flight = undefined;
    if (seek !== undefined) {
      this.#position.keep(seek.target);
      const speed = seek.target.speed ?? 'max';
      for (const waiting of seek.waiting) waiting.resolve({ speed, epoch: undefined, cursor: undefined });
    }
    this.#settle();
  }

  #settle(): void {
    const { cursor } = this.#position;
    for (const waiting of this.#pauses.splice(0)) waiting.resolve({ cursor });
    for (const waiting of this.#resumes.splice(0)) waiting.resolve();
  }

  #forget(): void {
    if (this.#sub !== undefined) this.#host.disown(this.#sub);
    this.#sub = undefined;
    this.#stopped = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #leave(): Promise<void> {
    const sub = this.#sub;
    this.#forget();
    return sub === undefined ? Promise.resolve() : this.#release(sub);
  }

  #release(sub: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => resolve();
      this.#host.call({ op: 'unsubscribe', sub }, { onAnswer: done, onError: done, onLost: done });
    });
  }
}
