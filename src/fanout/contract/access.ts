/** Who may connect, as a host says it, and why a connection did not come about. */

/** Whom a token stands for. */
export interface Account {
  /** Connections are counted under it. */
  name: string;
  /** Connections at once; absent: no bound of its own. */
  connections?: number | undefined;
}

/** A host's own authoriser: whom a token stands for, null for nobody. What it throws counts as temporary. */
export type Authorise = (
  token: string,
  details: { address: string },
) => Account | null | Promise<Account | null>;

/** Why a connection did not come about. */
export const REFUSALS = [
  /** The server shuts down. */
  'closing',
  /** A name that is not this server's. */
  'host',
  'origin',
  'query',
  'subprotocol',
  /** `limits.connections`, `limits.connectionsPerAddress`, the `connections` of a key. */
  'total',
  'address',
  'key',
  /** No token, and newcomers without one: who waited longest gave way. */
  'crowded',
  /** A token that is wrong, or not looked at because too many were. */
  'token',
  /** The authoriser failed. */
  'authoriser',
] as const;
export type RefusalReason = (typeof REFUSALS)[number];
