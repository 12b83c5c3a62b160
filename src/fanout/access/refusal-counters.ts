/** Counts the connections and messages that the fan-out has refused or closed since its start. */
import { CloseCode } from '../../wire/ticks.js';
import { REFUSALS, type RefusalReason } from '../contract/access.js';

export class RefusalCounters {
  readonly refused = Object.fromEntries(REFUSALS.map((reason) => [reason, 0])) as Record<
    RefusalReason,
    number
  >;
  /** Connections that the server closed, by close code. */
  readonly closed: Record<string, number> = Object.fromEntries(
    Object.values(CloseCode).map((code) => [code, 0]),
  );
  /** Connections that ended without a closing handshake and were not closed by the server. */
  lost = 0;
  /** Messages that were no requests. */
  badMessages = 0;
  /** Tokens that were wrong, or were not checked after too many wrong ones of the address. */
  wrongTokens = 0;
}
