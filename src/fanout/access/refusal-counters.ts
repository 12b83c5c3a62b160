/** What the fan-out turned away or cut off, counted since its start. */
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
  /** Connections that ended without a closing handshake, and not by the server. */
  lost = 0;
  /** Messages that were no requests. */
  badMessages = 0;
  /** Tokens that were wrong, or not looked at because too many of that address were. */
  wrongTokens = 0;
}
