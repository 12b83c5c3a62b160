/** How much of one thing clients may have the server keep: one connection, those of one address, and all of them. */
import {
  ANSWER_BYTES_MAX,
  LOOKUPS_MAX,
  PATTERNS_MAX,
  REQUEST_BYTES_WAITING_MAX,
  UNKNOWN_NAMES_MAX,
  WATCH_BYTES_MAX,
} from '../../core/limits.js';

/** Part of what there may be in all that one address may take, so that nobody takes it from all others. */
const ADDRESS_SHARE = 1 / 4;
const CONNECTION_SHARE = 1 / 16;
/** Lookups are few, and over soon. */
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

  /** Addresses that hold any. */
  get addresses(): number {
    return this.#byAddress.size;
  }

  /** The bound that is in the way of so much more, as it ends a sentence; null where none is. */
  exceededBy(address: string, amount: number): string | null {
    const ofAddress = this.#byAddress.get(address) ?? 0;
    if (ofAddress + amount > this.perAddress) return `of this address (limit ${this.perAddress})`;
    return this.#total + amount > this.inAll ? `in all (limit ${this.inAll})` : null;
  }

  /** Counts so much more, whatever the bounds; less where it is negative. */
  add(address: string, amount: number): void {
    if (amount === 0) return;
    this.#total += amount;
    const ofAddress = (this.#byAddress.get(address) ?? 0) + amount;
    // Addresses that hold nothing are forgotten: there may be any number of them over time.
    if (ofAddress > 0) this.#byAddress.set(address, ofAddress);
    else this.#byAddress.delete(address);
  }
}

export interface QuotaLimits {
  unknownNames?: number;
  patterns?: number;
  filterBytes?: number;
}

/** Those of one fan-out. */
export class Quotas {
  /** Requests that were refused for one of them. */
  refused = 0;
  /** Names that subscriptions wait for, as no source has defined them. */
  readonly unknownNames: Quota;
  readonly patterns: Quota;
  /** Bytes of the tables by which subscriptions tell their symbols. */
  readonly filterBytes: Quota;
  /** Bytes of requests that wait for their turn. */
  readonly requestBytes = new Quota(REQUEST_BYTES_WAITING_MAX);
  /** Bytes of answers that their clients have not read. */
  readonly answerBytes = new Quota(ANSWER_BYTES_MAX);
  /** Answers to `history`, and places of a time, being looked for. */
  readonly lookups = new Quota(LOOKUPS_MAX, LOOKUPS_SHARE);

  constructor(limits: QuotaLimits = {}) {
    this.unknownNames = new Quota(limits.unknownNames ?? UNKNOWN_NAMES_MAX);
    this.patterns = new Quota(limits.patterns ?? PATTERNS_MAX);
    this.filterBytes = new Quota(limits.filterBytes ?? WATCH_BYTES_MAX);
  }
}
