/** Why the server closes a connection: a code, and a sentence with a hint when to come again. */
import { utf8Prefix } from '../../core/utf8.js';
import { CloseCode } from '../../wire/ticks.js';

/** Bytes of a reason that fit into a close frame. */
const REASON_BYTES_MAX = 123;
/** Milliseconds after which a client that was cut off for its slowness or silence may come again. */
export const RETRY_MS = 1_000;

export interface CloseReason {
  code: number;
  /** At most 123 bytes. */
  reason: string;
}

/** With a code of those that say "reconnect": when. */
export function closeReasonFor(code: number, sentence: string, retryMs = RETRY_MS): CloseReason {
  const hint = code < CloseCode.badRequest ? `; retry in ${Math.ceil(retryMs)} ms` : '';
  return { code, reason: utf8Prefix(sentence, REASON_BYTES_MAX - hint.length).toString() + hint };
}
