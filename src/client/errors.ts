import type { WireError } from '../wire/ticks.js';

/** The server refused a request, or gave up a subscription. `code` is one of docs/protocol.md. */
export class ServerError extends Error {
  readonly code: string;
  /** Whether the same request may succeed later. */
  readonly temporary: boolean;
  /** Where `temporary`: milliseconds after which, at the earliest. */
  readonly retryMs: number | undefined;
  /** With `cursor_expired`: the oldest cursor that the server still holds. */
  readonly oldest: string | undefined;

  constructor(error: Omit<WireError, 'op' | 'id'>) {
    super(error.message);
    this.name = 'ServerError';
    this.code = error.code;
    this.temporary = error.temporary;
    this.retryMs = error.retryMs;
    this.oldest = error.oldest;
  }
}

/** The connection is over for good. `closeCode` says why: 4500–4999 by the server, 1006 lost, 1000 by `close()`. */
export class ConnectionClosedError extends Error {
  readonly code = 'connection_closed';
  readonly closeCode: number;

  constructor(closeCode: number, message: string) {
    super(message);
    this.name = 'ConnectionClosedError';
    this.closeCode = closeCode;
  }
}
