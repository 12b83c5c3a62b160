/** How many connections there may be: in all, of one address, of one key; and apart from them, without a token. */
import { Lobby } from '../../core/lobby.js';
import { CloseCode } from '../../wire/ticks.js';
import type { Account } from '../contract/access.js';
import type { FanoutSettings } from '../contract/options.js';
import { type CloseReason, closeReasonFor } from './close-reason.js';
import { Quota } from './quota.js';
import type { RefusalCounters } from './refusal-counters.js';

/**
 * A connection's place among those that are allowed; it is given back once. Where a token is wanted, it is taken when
 * the token has been shown: until then the connection waits in the lobby, and takes nothing from the others.
 */
export class ConnectionSlot {
  account: Account | null = null;
  /** Ends the connection, which has waited too long for its token while newcomers came. */
  onGiveWay: (closeReason: CloseReason) => void = () => {};
  #left = false;

  constructor(
    readonly admission: Admission,
    readonly address: string,
  ) {}

  /** Its token is still to come, or to be checked. */
  wait(): void {
    this.admission.wait(this);
  }

  /** Gives the connection its place, under an account; why not, where there are as many as there may be. */
  join(account: Account): CloseReason | null {
    // The client may have left while the authoriser thought.
    if (this.#left) return null;
    const refused = this.admission.join(this, account);
    if (refused === null) this.account = account;
    return refused;
  }

  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.admission.leave(this);
  }

  giveWay(closeReason: CloseReason): void {
    this.leave();
    this.onGiveWay(closeReason);
  }
}

export class Admission {
  #total = 0;
  readonly #byAddress = new Map<string, number>();
  readonly #byName = new Map<string, number>();
  readonly #lobby: Lobby<ConnectionSlot>;

  constructor(
    readonly limits: FanoutSettings['limits'],
    readonly refusals: RefusalCounters,
    /** Whoever connects may ask: nobody waits, all have their places at once. */
    readonly isOpen: boolean,
  ) {
    const { inAll, perAddress } = new Quota(limits.unauthorised);
    this.#lobby = new Lobby({ inAll, perAddress });
  }

  /** Connections whose token has not been shown, or not been checked. */
  get waiting(): number {
    return this.#lobby.size;
  }

  /** A place for one more connection, or why there is none. */
  enter(address: string): ConnectionSlot | CloseReason {
    const refused = this.isOpen ? this.#take(address) : null;
    return refused ?? new ConnectionSlot(this, address);
  }

  wait(slot: ConnectionSlot): void {
    if (this.isOpen) return;
    const oldest = this.#lobby.enter(slot);
    if (oldest === undefined) return;
    this.refusals.refused.crowded++;
    const sentence = 'too many connections have shown no token, this one for longest';
    oldest.giveWay(closeReasonFor(CloseCode.crowded, sentence));
  }

  join(slot: ConnectionSlot, { name, connections = Number.POSITIVE_INFINITY }: Account): CloseReason | null {
    const ofName = this.#byName.get(name) ?? 0;
    if (ofName >= connections) {
      this.refusals.refused.key++;
      return tooMany('of this key', connections);
    }
    const refused = this.#take(slot.address);
    if (refused !== null) return refused;
    this.#byName.set(name, ofName + 1);
    this.#lobby.leave(slot);
    return null;
  }

  #take(address: string): CloseReason | null {
    const { connections, connectionsPerAddress } = this.limits;
    if (this.#total >= connections) {
      this.refusals.refused.total++;
      return tooMany('in all', connections);
    }
    const ofAddress = this.#byAddress.get(address) ?? 0;
    if (ofAddress >= connectionsPerAddress) {
      this.refusals.refused.address++;
      return tooMany('of this address', connectionsPerAddress);
    }
    this.#total++;
    this.#byAddress.set(address, ofAddress + 1);
    return null;
  }

  leave(slot: ConnectionSlot): void {
    const { address, account } = slot;
    this.#lobby.leave(slot);
    if (!this.isOpen && account === null) return;
    this.#total--;
    countDown(this.#byAddress, address);
    if (account !== null) countDown(this.#byName, account.name);
  }
}

function tooMany(whose: string, limit: number): CloseReason {
  return closeReasonFor(CloseCode.tooManyConnections, `too many connections ${whose} (limit ${limit})`);
}

/** Names that nobody uses any more are forgotten: there may be any number of them over time. */
function countDown(counts: Map<string, number>, key: string): void {
  const count = (counts.get(key) ?? 0) - 1;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
