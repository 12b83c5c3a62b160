/** Decides who may connect: compares a token with the keys of the settings, or asks the host's own authoriser. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { messageOf } from '../../core/errors.js';
import {
  AUTHORISER_MS_MAX,
  TOKEN_BYTES_MAX,
  WRONG_TOKEN_ADDRESSES_MAX,
  WRONG_TOKENS_PER_MINUTE,
} from '../../core/limits.js';
import type { Logger } from '../../core/logger.js';
import type { Account, Authorise } from '../contract/access.js';
import type { FanoutSettings } from '../contract/options.js';
import type { RefusalCounters } from './refusal-counters.js';
import { TokenBucket } from './token-bucket.js';

/** The result of checking a token; `retryMs`: milliseconds after which the client may try again. */
export type Verdict = { account: Account } | { refused: 'wrong' | 'too_many' | 'failed'; retryMs: number };

/** Milliseconds after which to try again when the authoriser failed. */
const RETRY_FAILED_MS = 1_000;
const BEARER = /^bearer +([^ ]+) *$/i;

export class Auth {
  readonly #authorise: Authorise;
  /** By address: how many wrong tokens are still checked. The oldest address is dropped first. */
  readonly #attempts = new Map<string, TokenBucket>();

  constructor(
    keys: readonly AuthKey[] | Authorise,
    readonly refusals: RefusalCounters,
    readonly logger: Logger,
  ) {
    this.#authorise = typeof keys === 'function' ? keys : byKeys(keys);
  }

  /** Checks a token. Returns a promise only where the host's authoriser does; the promise never rejects. */
  check(token: string, address: string): Verdict | Promise<Verdict> {
    const nowMs = performance.now();
    const attempts = this.#attempts.get(address);
    if (attempts !== undefined && !attempts.has(nowMs)) {
      this.refusals.wrongTokens++;
      return { refused: 'too_many', retryMs: attempts.waitMs(1) };
    }
    if (Buffer.byteLength(token) > TOKEN_BYTES_MAX) return this.#judge(null, address);
    try {
      const found = this.#authorise(token, { address });
      return found instanceof Promise ? this.#wait(found, address) : this.#judge(found, address);
    } catch (error) {
      return this.#failed(error);
    }
  }

  async #wait(found: Promise<Account | null>, address: string): Promise<Verdict> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const error = new Error(`no answer within ${AUTHORISER_MS_MAX} ms`);
      timer = setTimeout(() => reject(error), AUTHORISER_MS_MAX);
    });
    try {
      return this.#judge(await Promise.race([found, late]), address);
    } catch (error) {
      return this.#failed(error);
    } finally {
      clearTimeout(timer);
    }
  }

  #failed(error: unknown): Verdict {
    this.logger.error({ error: messageOf(error) }, 'The authoriser failed.');
    return { refused: 'failed', retryMs: RETRY_FAILED_MS };
  }

  #judge(account: Account | null, address: string): Verdict {
    if (account) return { account };
    this.refusals.wrongTokens++;
    const nowMs = performance.now();
    let attempts = this.#attempts.get(address);
    if (attempts === undefined) {
      attempts = new TokenBucket(WRONG_TOKENS_PER_MINUTE, WRONG_TOKENS_PER_MINUTE / 60, nowMs);
      if (this.#attempts.size >= WRONG_TOKEN_ADDRESSES_MAX) {
        for (const oldest of this.#attempts.keys()) {
          this.#attempts.delete(oldest);
          break;
        }
      }
      this.#attempts.set(address, attempts);
    }
    attempts.take(nowMs);
    return { refused: 'wrong', retryMs: 0 };
  }
}

type AuthKey = NonNullable<FanoutSettings['auth']>['keys'][number];

function byKeys(keys: readonly AuthKey[]): Authorise {
  const known = keys.map(({ name, connections, token, tokenSha256 }) => ({
    account: { name, connections },
    hash: token === undefined ? Buffer.from(tokenSha256 ?? '', 'hex') : sha256(token),
  }));
  return (token) => {
    const given = sha256(token);
    let found: Account | null = null;
    // Every key is compared, each in constant time, so that the duration reveals nothing about the keys.
    for (const { account, hash } of known) if (timingSafeEqual(hash, given)) found = account;
    return found;
  };
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** The token of an `Authorization` header; undefined when it has none. */
export function bearerToken(header: string): string | undefined {
  return BEARER.exec(header)?.[1];
}
