/**
 * Sends large HTTP bodies in parts, as the client reads them. uWebSockets would buffer a whole body for a slow client,
 * without a limit. Here the server holds the body, and all unread bodies together are bounded.
 */
import { HTTP_UNREAD_BYTES, HTTP_UNREAD_BYTES_OF_CLIENT } from '../../core/limits.js';
import type { HttpResponse } from './uws.js';

export class LargeResponses {
  /** Bytes of all bodies that have not been sent in full. */
  bytes = 0;
  readonly #byResponse = new Map<HttpResponse, { client: string; bytes: number }>();
  readonly #byClient = new Map<string, number>();

  constructor(
    readonly bytesMax = HTTP_UNREAD_BYTES,
    readonly bytesOfClientMax = HTTP_UNREAD_BYTES_OF_CLIENT,
  ) {}

  /** Whether a body of `bytes` bytes may be sent to a client. */
  hasRoom(client: string, bytes: number): boolean {
    const own = this.#byClient.get(client) ?? 0;
    if (own > 0 && own + bytes > this.bytesOfClientMax) return false;
    return this.bytes === 0 || this.bytes + bytes <= this.bytesMax;
  }

  /** Sends the body of a response whose head has been written, and ends the response. */
  send(client: string, res: HttpResponse, body: Uint8Array): void {
    const start = res.getWriteOffset();
    const [, isDone] = res.tryEnd(body, body.length);
    if (isDone) return;
    this.#byResponse.set(res, { client, bytes: body.length });
    this.#byClient.set(client, (this.#byClient.get(client) ?? 0) + body.length);
    this.bytes += body.length;
    res.onWritable((offset) => {
      const [isTaken, isEnd] = res.tryEnd(body.subarray(offset - start), body.length);
      if (isEnd) this.release(res);
      return isTaken;
    });
  }

  /** Frees the body of a response that has been read or aborted. */
  release(res: HttpResponse): void {
    const unread = this.#byResponse.get(res);
    if (unread === undefined) return;
    this.#byResponse.delete(res);
    this.bytes -= unread.bytes;
    const left = this.#byClient.get(unread.client)! - unread.bytes;
    if (left > 0) this.#byClient.set(unread.client, left);
    else this.#byClient.delete(unread.client);
  }
}
