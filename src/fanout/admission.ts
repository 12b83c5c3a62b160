/** How many connections there may be: in all, of one address, of one key. */
import { CloseCode } from '../wire/ticks.js';
import type { Account } from './auth.js';
import { type Closing, closingFor } from './closing.js';
import type { FanoutSettings } from './options.js';
import type { Tally } from './tally.js';

/** A connection's place among those that are allowed; it is given back once. */
export class Place {
  account: Account | null = null;
  #left = false;

  constructor(
    readonly admission: Admission,
    readonly address: string,
  ) {}

  /** Counts the connection under an account as well; why not, where it has as many as it may. */
  join(account: Account): Closing | null {
    // The client may have left while the authoriser thought.
    if (this.#left) return null;
    const refused = this.admission.join(account);
    if (refused === null) this.account = account;
    return refused;
  }

  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.admission.leave(this);
  }
}

export class Admission {
  #total = 0;
  readonly #byAddress = new Map<string, number>();
  readonly #byName = new Map<string, number>();

  constructor(
    readonly limits: FanoutSettings['limits'],
    readonly tally: Tally,
  ) {}

  /** Places taken, those of connections that are just being made included. */
  get total(): number {
    return this.#total;
  }

  /** A place for one more connection, or why there is none. */
  enter(address: string): Place | Closing {
    const { connections, connectionsPerAddress } = this.limits;
    if (this.#total >= connections) {
      this.tally.refused.total++;
      return closingFor(CloseCode.tooManyConnections, `too many connections in all (limit ${connections})`);
    }
    const ofAddress = this.#byAddress.get(address) ?? 0;
    if (ofAddress >= connectionsPerAddress) {
      this.tally.refused.address++;
      return closingFor(
        CloseCode.tooManyConnections,
        `too many connections of this address (limit ${connectionsPerAddress})`,
      );
    }
    this.#total++;
    this.#byAddress.set(address, ofAddress + 1);
    return new Place(this, address);
  }

  join({ name, connections = Number.POSITIVE_INFINITY }: Account): Closing | null {
    const ofName = this.#byName.get(name) ?? 0;
    if (ofName >= connections) {
      this.tally.refused.key++;
      return closingFor(
        CloseCode.tooManyConnections,
        `too many connections of this key (limit ${connections})`,
      );
    }
    this.#byName.set(name, ofName + 1);
    return null;
  }

  leave({ address, account }: Place): void {
    this.#total--;
    countDown(this.#byAddress, address);
    if (account !== null) countDown(this.#byName, account.name);
  }
}

/** Names that nobody uses any more are forgotten: there may be any number of them over time. */
function countDown(counts: Map<string, number>, key: string): void {
  const count = (counts.get(key) ?? 0) - 1;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
