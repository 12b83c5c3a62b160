/**
 * Large answers on their way. A socket would take all of an answer and keep what its reader does not, out of
 * anyone's sight; here the body stays with us, is handed over as it is read, and all of them are bounded.
 */
import { HTTP_UNREAD_BYTES } from '../limits.js';
import type { HttpResponse } from './uws.js';

export class Outbox {
  /** Bytes of the bodies that were not taken in full. */
  bytes = 0;
  readonly #byResponse = new Map<HttpResponse, number>();

  constructor(readonly bytesMax = HTTP_UNREAD_BYTES) {}

  /** Whether a body of so many bytes may be sent. */
  hasRoom(bytes: number): boolean {
    return this.bytes === 0 || this.bytes + bytes <= this.bytesMax;
  }

  /** Ends a response whose head is written. */
  send(res: HttpResponse, body: Uint8Array): void {
    const start = res.getWriteOffset();
    const [, isDone] = res.tryEnd(body, body.length);
    if (isDone) return;
    this.#byResponse.set(res, body.length);
    this.bytes += body.length;
    res.onWritable((offset) => {
      const [isTaken, isEnd] = res.tryEnd(body.subarray(offset - start), body.length);
      if (isEnd) this.release(res);
      return isTaken;
    });
  }

  /** The response is over: read, or given up by its reader. */
  release(res: HttpResponse): void {
    this.bytes -= this.#byResponse.get(res) ?? 0;
    this.#byResponse.delete(res);
  }
}
