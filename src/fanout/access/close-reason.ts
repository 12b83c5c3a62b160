/** Why the server closes a connection: a close code, and a sentence that may say when to reconnect. */
import { utf8Prefix } from '../../core/utf8.js';
import { CloseCode } from '../../wire/ticks.js';

/** Bytes of a reason that fit into a close frame. */
const REASON_BYTES_MAX = 123;
/** Milliseconds after which a client may reconnect, by default. */
export const RETRY_MS = 1_000;

export interface CloseReason {
  code: number;
  /** At most 123 bytes of UTF-8. */
  reason: string;
}

/** A close reason of at most 123 bytes. With a code below 4500, the reason says when to reconnect. */
export function closeReasonFor(code: number, sentence: string, retryMs = RETRY_MS): CloseReason {
  const hint = code < CloseCode.badRequest ? `; retry in ${Math.ceil(retryMs)} ms` : '';
  return { code, reason: utf8Prefix(sentence, REASON_BYTES_MAX - hint.length).toString() + hint };
}
