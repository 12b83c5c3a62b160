/** Types of access: the account of a token, a host's own authoriser, and why a connection was refused. */

/** The account that a token belongs to. */
export interface Account {
  /** Connections are counted under it. */
  name: string;
  /** Connections at once; absent: no limit of its own. */
  connections?: number | undefined;
}

/** A host's own authoriser: returns the account of a token, null for a wrong token. An error counts as temporary. */
export type Authorise = (
  token: string,
  details: { address: string },
) => Account | null | Promise<Account | null>;

/** Why a connection was refused. */
export const REFUSALS = [
  /** The server shuts down. */
  'closing',
  /** The `Host` is not a name of this server. */
  'host',
  'origin',
  'query',
  'subprotocol',
  /** `limits.connections`, `limits.connectionsPerAddress`, the `connections` of a key. */
  'total',
  'address',
  'key',
  /** Too many connections without a token: the one that waited longest was closed. */
  'crowded',
  /** The token was wrong, or was not checked after too many wrong ones. */
  'token',
  /** The authoriser failed. */
  'authoriser',
] as const;
export type RefusalReason = (typeof REFUSALS)[number];
