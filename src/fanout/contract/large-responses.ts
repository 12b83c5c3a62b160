/**
 * Large answers on their way. A socket would take all of an answer and keep what its reader does not, out of
 * anyone's sight; here the payload stays with us, is handed over as it is read, and all of them are bounded.
 */
import { HTTP_UNREAD_BYTES, HTTP_UNREAD_BYTES_OF_CLIENT } from '../../core/limits.js';
import type { HttpResponse } from './uws.js';

export class LargeResponses {
  /** Bytes of the payloads that were not taken in full. */
  bytes = 0;
  readonly #byResponse = new Map<HttpResponse, { client: string; bytes: number }>();
  readonly #byClient = new Map<string, number>();

  constructor(
    readonly bytesMax = HTTP_UNREAD_BYTES,
    readonly bytesOfClientMax = HTTP_UNREAD_BYTES_OF_CLIENT,
  ) {}

  /** Whether a payload of so many bytes may be sent to a client. */
  hasRoom(client: string, bytes: number): boolean {
    const own = this.#byClient.get(client) ?? 0;
    if (own > 0 && own + bytes > this.bytesOfClientMax) return false;
    return this.bytes === 0 || this.bytes + bytes <= this.bytesMax;
  }

  /** Ends a response whose head is written. */
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

  /** The response is over: read, or given up by its reader. */
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
