/**
 * Connections that have not said who they are yet. Anybody can make them, so they are bounded apart from the others: a
 * newcomer is always let in, and the one that has waited longest gives way. Who means well says at once who it is.
 */

/** How many may wait. */
export interface LobbyLimits {
  inAll: number;
  perAddress: number;
}

export class Lobby<T extends { readonly address: string }> {
  /** By address, the oldest connection first. */
  readonly #byAddress = new Map<string, Set<T>>();
  #size = 0;

  constructor(readonly limits: LobbyLimits) {}

  get size(): number {
    return this.#size;
  }

  /** Lets a connection in. Returns the one that has to go for it. */
  enter(connection: T): T | undefined {
    const key = connection.address;
    const own = this.#byAddress.get(key) ?? new Set();
    this.#byAddress.set(key, own.add(connection));
    this.#size++;
    if (own.size > this.limits.perAddress) return first(own);
    if (this.#size <= this.limits.inAll) return undefined;
    let most = own;
    for (const others of this.#byAddress.values()) if (others.size > most.size) most = others;
    return most.size > 1 ? first(most) : first(this.#byAddress.values().next().value!);
  }

  /** The connection has said who it is, or is over. */
  leave(connection: T): void {
    const key = connection.address;
    const own = this.#byAddress.get(key);
    if (own === undefined || !own.delete(connection)) return;
    this.#size--;
    if (own.size === 0) this.#byAddress.delete(key);
  }
}

function first<T>(connections: ReadonlySet<T>): T {
  return connections.values().next().value!;
}
