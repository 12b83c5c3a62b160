/**
 * Faults of a peer: what an error frame says of them, and what becomes of the connection.
 */

/** What an error frame means for the connection. */
export const Severity = {
  /** It continues. */
  notice: 0,
  /** It is closed; the terminal may come back. */
  closed: 1,
  /** It is closed, and coming back would end the same way. */
  final: 2,
} as const;

/** Codes of error frames, with their severity. */
export const REFUSALS = {
  bad_framing: Severity.closed,
  wrong_version: Severity.final,
  unauthorised: Severity.final,
  bad_hello: Severity.final,
  bad_symbol: Severity.notice,
  taken_over: Severity.final,
  limit_exceeded: Severity.closed,
  idle: Severity.closed,
  failed: Severity.closed,
} as const;
export type RefusalCode = keyof typeof REFUSALS;

/** A fault of the peer, which an error frame reports to it. */
export class Refusal extends Error {
  constructor(
    readonly code: RefusalCode,
    message: string,
  ) {
    super(message);
    this.name = 'Refusal';
  }
}
