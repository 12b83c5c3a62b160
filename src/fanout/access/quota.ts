/** Quotas: how much of one resource the server holds for one connection, for one address, and in all. */
import {
  ANSWER_BYTES_MAX,
  FILTER_BYTES_MAX,
  LOOKUPS_MAX,
  PATTERNS_MAX,
  REQUEST_BYTES_WAITING_MAX,
  UNKNOWN_NAMES_MAX,
} from '../../core/limits.js';

/** Share of the whole that one address may use, so that one client cannot take everything. */
const ADDRESS_SHARE = 1 / 4;
/** Share of the whole that one connection may use. */
const CONNECTION_SHARE = 1 / 16;
/** Share of one address for lookups, which are few and short. */
const LOOKUPS_SHARE = 1 / 2;

export class Quota {
  #total = 0;
  readonly #byAddress = new Map<string, number>();

  readonly perAddress: number;
  readonly perConnection: number;

  constructor(
    readonly inAll: number,
    addressShare = ADDRESS_SHARE,
  ) {
    this.perAddress = Math.ceil(inAll * addressShare);
    this.perConnection = Math.ceil(inAll * CONNECTION_SHARE);
  }

  get total(): number {
    return this.#total;
  }

  /** Addresses that use any of the quota. */
  get addresses(): number {
    return this.#byAddress.size;
  }

  /** The limit that `amount` more would exceed, as the end of a sentence; null where it fits. */
  exceededBy(address: string, amount: number): string | null {
    const ofAddress = this.#byAddress.get(address) ?? 0;
    if (ofAddress + amount > this.perAddress) return `of this address (limit ${this.perAddress})`;
    return this.#total + amount > this.inAll ? `in all (limit ${this.inAll})` : null;
  }

  /** Adds `amount`, which may be negative, without a check of the limits. */
  add(address: string, amount: number): void {
    if (amount === 0) return;
    this.#total += amount;
    const ofAddress = (this.#byAddress.get(address) ?? 0) + amount;
    // Deleted at 0: there may be any number of addresses over time.
    if (ofAddress > 0) this.#byAddress.set(address, ofAddress);
    else this.#byAddress.delete(address);
  }
}

export interface QuotaLimits {
  unknownNames?: number;
  patterns?: number;
  filterBytes?: number;
}

/** All quotas of one fan-out. */
export class Quotas {
  /** Requests that were refused because of a quota. */
  refused = 0;
  /** Names in subscriptions that no source has defined yet. */
  readonly unknownNames: Quota;
  readonly patterns: Quota;
  /** Bytes of the tables of symbol filters. */
  readonly filterBytes: Quota;
  /** Bytes of requests that wait to be carried out. */
  readonly requestBytes = new Quota(REQUEST_BYTES_WAITING_MAX);
  /** Bytes of answers that clients have not read. */
  readonly answerBytes = new Quota(ANSWER_BYTES_MAX);
  /** Lookups that run now: for `history`, and for `from` as a time. */
  readonly lookups = new Quota(LOOKUPS_MAX, LOOKUPS_SHARE);

  constructor(limits: QuotaLimits = {}) {
    this.unknownNames = new Quota(limits.unknownNames ?? UNKNOWN_NAMES_MAX);
    this.patterns = new Quota(limits.patterns ?? PATTERNS_MAX);
    this.filterBytes = new Quota(limits.filterBytes ?? FILTER_BYTES_MAX);
  }
}
