/** Limits connections: in all, per address, per key; and, counted apart, connections that have not shown a token yet. */
import { Lobby } from '../../core/lobby.js';
import { CloseCode } from '../../wire/ticks.js';
import type { Account } from '../contract/access.js';
import type { FanoutSettings } from '../contract/options.js';
import { type CloseReason, closeReasonFor } from './close-reason.js';
import { Quota } from './quota.js';
import type { RefusalCounters } from './refusal-counters.js';

/**
 * The slot of one connection among the allowed connections. On a server that requires tokens, the connection takes its
 * slot when its token is accepted. Until then it waits in the lobby, and takes no slot from others.
 */
export class ConnectionSlot {
  account: Account | null = null;
  /** Called when the lobby is full and this connection has waited longest: must close the connection. */
  onGiveWay: (closeReason: CloseReason) => void = () => {};
  #left = false;

  constructor(
    readonly admission: Admission,
    readonly address: string,
  ) {}

  /** Enters the lobby: the token is not shown or not checked yet. */
  wait(): void {
    this.admission.wait(this);
  }

  /** Takes a slot under an account. Returns why the connection must be closed where a limit is reached; else null. */
  join(account: Account): CloseReason | null {
    // The client may have left while the token was checked.
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
    /** Whether no token is required: then a connection takes its slot at once, and the lobby stays empty. */
    readonly isOpen: boolean,
  ) {
    const { inAll, perAddress } = new Quota(limits.unauthorised);
    this.#lobby = new Lobby({ inAll, perAddress });
  }

  /** Connections whose token has not been shown or not been checked yet. */
  get waiting(): number {
    return this.#lobby.size;
  }

  /** A slot for one more connection, or why there is none. */
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

/** Subtracts one, and deletes the key at 0: there may be any number of keys over time. */
function countDown(counts: Map<string, number>, key: string): void {
  const count = (counts.get(key) ?? 0) - 1;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
