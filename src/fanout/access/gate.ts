/** Guards one connection: limits the rate and size of its messages, and refuses requests until it is authorised. */
import { BAD_MESSAGES_MAX } from '../../core/limits.js';
import { CloseCode, type RequestId, type ServerMessage, type WireError } from '../../wire/ticks.js';
import type { FanoutSettings } from '../contract/options.js';
import type { ConnectionSlot } from './admission.js';
import type { Auth, Verdict } from './auth.js';
import { type CloseReason, closeReasonFor, RETRY_MS } from './close-reason.js';
import type { RefusalCounters } from './refusal-counters.js';
import { TokenBucket } from './token-bucket.js';

/** What the guards of all connections of a server share. */
export interface AccessContext {
  readonly settings: FanoutSettings;
  /** Absent: no token is required. */
  readonly auth: Auth | undefined;
  readonly refusals: RefusalCounters;
  /** Whether the server shuts down. */
  closing: boolean;
}

/** Name in the answer to `auth` on a server that requires no token. */
const ANYONE = 'anyone';

export class ConnectionGuard {
  readonly #bucket: TokenBucket;
  #bad = 0;
  #checking = false;
  #deadlineMs: number;

  constructor(
    readonly access: AccessContext,
    readonly slot: ConnectionSlot,
    nowMs: number,
  ) {
    const { messagesPerSecond } = access.settings.limits;
    this.#bucket = new TokenBucket(messagesPerSecond, messagesPerSecond, nowMs);
    this.#deadlineMs = nowMs + access.settings.authMs;
  }

  /** Whether requests are refused until `auth` has been answered. */
  get isLocked(): boolean {
    return this.access.auth !== undefined && this.slot.account === null;
  }

  /** Counts a message or a ping. Returns why the connection must be closed for it; else null. */
  take(bytes: number): CloseReason | null {
    const { messageBytes, messagesPerSecond } = this.access.settings.limits;
    if (!this.#bucket.take(performance.now())) {
      const sentence = `more than ${messagesPerSecond} messages a second`;
      return closeReasonFor(CloseCode.rate, sentence, this.#bucket.waitMs(messagesPerSecond));
    }
    if (bytes <= messageBytes) return null;
    this.access.refusals.badMessages++;
    return closeReasonFor(CloseCode.badRequest, `a message of ${bytes} bytes; the limit is ${messageBytes}`);
  }

  /** Counts a message that was no request. Returns why the connection must be closed for it; else null. */
  bad(): CloseReason | null {
    this.access.refusals.badMessages++;
    if (++this.#bad < BAD_MESSAGES_MAX) return null;
    return closeReasonFor(CloseCode.badRequest, `${BAD_MESSAGES_MAX} messages in a row were no requests`);
  }

  /** Why a request is refused before it is carried out; null where it is not. */
  refusal(id: RequestId, op: string): WireError | null {
    this.#bad = 0;
    if (this.access.closing) {
      const message = 'The server shuts down.';
      return { op: 'error', id, code: 'busy', message, temporary: true, retryMs: RETRY_MS };
    }
    if (!this.isLocked || op === 'auth') return null;
    const message = 'Authorise first: {op: "auth", id, token}.';
    const more = this.#checking ? { temporary: true, retryMs: RETRY_MS } : { temporary: false };
    return { op: 'error', id, code: 'unauthorised', message, ...more };
  }

  /** Answers `auth`, at once or when the authoriser has answered; or calls `close` with why the connection must close. */
  authorise(
    id: RequestId,
    token: string,
    answer: (message: ServerMessage) => void,
    close: (closeReason: CloseReason) => void,
  ): void {
    const { auth } = this.access;
    if (auth === undefined || this.slot.account !== null) {
      answer({ op: 'authorised', id, name: this.slot.account?.name ?? ANYONE });
      return;
    }
    if (this.#checking) {
      const message = 'The token sent before is still being checked.';
      answer({ op: 'error', id, code: 'bad_request', message, temporary: false });
      return;
    }
    const take = (verdict: Verdict) => this.#take(verdict, id, answer, close);
    const verdict = auth.check(token, this.slot.address);
    if (!(verdict instanceof Promise)) {
      take(verdict);
      return;
    }
    this.#checking = true;
    void verdict.then((found) => {
      this.#checking = false;
      take(found);
    });
  }

  #take(
    verdict: Verdict,
    id: RequestId,
    answer: (message: ServerMessage) => void,
    close: (closeReason: CloseReason) => void,
  ): void {
    if ('refused' in verdict && verdict.refused === 'failed') {
      this.#deadlineMs = performance.now() + this.access.settings.authMs;
      const message = 'The token could not be checked; try again.';
      answer({ op: 'error', id, code: 'unauthorised', message, temporary: true, retryMs: verdict.retryMs });
      return;
    }
    const closing = this.admit(verdict);
    if (closing === null && 'account' in verdict)
      answer({ op: 'authorised', id, name: verdict.account.name });
    else if (closing !== null) close(closing);
  }

  /** Admits the connection under its account. Returns why the connection must be closed where it may not; else null. */
  admit(verdict: Verdict): CloseReason | null {
    if ('account' in verdict) return this.slot.join(verdict.account);
    this.access.refusals.refused.token++;
    const sentence =
      verdict.refused === 'wrong'
        ? 'the token is wrong'
        : `too many wrong tokens of this address; wait ${verdict.retryMs} ms`;
    return closeReasonFor(CloseCode.unauthorised, sentence);
  }

  /** Why the connection must be closed because no token came in time; else null. */
  checkDeadline(nowMs: number): CloseReason | null {
    if (!this.isLocked || this.#checking || nowMs < this.#deadlineMs) return null;
    return closeReasonFor(CloseCode.unauthorised, `no token within ${this.access.settings.authMs} ms`);
  }
}
