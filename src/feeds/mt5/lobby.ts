/**
 * Connections that have not said hello yet. Anybody can make them, so they are bounded apart from the terminals: a
 * newcomer is always let in, and the one that has waited longest gives way. A terminal says hello at once.
 */
import { MT5_GREETING_MAX, MT5_GREETING_PER_ADDRESS_MAX } from '../../limits.js';
import type { Connection } from './connection.js';

export class Lobby {
  /** By address, the oldest connection first. */
  readonly #byAddress = new Map<string, Set<Connection>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Lets a connection in. Returns the one that has to go for it. */
  enter(connection: Connection): Connection | undefined {
    const key = connection.address;
    const own = this.#byAddress.get(key) ?? new Set();
    this.#byAddress.set(key, own.add(connection));
    this.#size++;
    if (own.size > MT5_GREETING_PER_ADDRESS_MAX) return first(own);
    if (this.#size <= MT5_GREETING_MAX) return undefined;
    let most = own;
    for (const others of this.#byAddress.values()) if (others.size > most.size) most = others;
    return most.size > 1 ? first(most) : first(this.#byAddress.values().next().value!);
  }

  /** The connection has said hello, or is over. */
  leave(connection: Connection): void {
    const key = connection.address;
    const own = this.#byAddress.get(key);
    if (own === undefined || !own.delete(connection)) return;
    this.#size--;
    if (own.size === 0) this.#byAddress.delete(key);
  }
}

function first(connections: ReadonlySet<Connection>): Connection {
  return connections.values().next().value!;
}
