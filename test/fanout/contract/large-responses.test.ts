/** Large answers are held in the server until they are read, whole and in order. Their bytes are bounded. */
import t from 'tap';
import { LargeResponses } from '../../../src/fanout/contract/large-responses.js';
import type { HttpResponse } from '../../../src/fanout/contract/uws.js';

/** A response whose socket takes a few bytes at a time. */
class SlowResponse {
  readonly taken: number[] = [];
  #head = 100;
  #body = 0;
  #writable: (offset: number) => boolean = () => true;

  constructor(readonly bytesAtOnce: number) {}

  getWriteOffset(): number {
    return this.#head + this.#body;
  }

  tryEnd(chunk: Uint8Array, total: number): [boolean, boolean] {
    const taken = chunk.subarray(0, this.bytesAtOnce);
    this.taken.push(...taken);
    this.#body += taken.length;
    return [taken.length === chunk.length, this.#body === total];
  }

  onWritable(handler: (offset: number) => boolean): this {
    this.#writable = handler;
    return this;
  }

  /** The client has read what was sent. */
  drain(): boolean {
    return this.#writable(this.getWriteOffset());
  }
}

const answer = (bytes: number) => Uint8Array.from({ length: bytes }, (_, i) => i % 251);
const asResponse = (slow: SlowResponse) => slow as unknown as HttpResponse;

t.test('a body arrives whole, in the parts that the client reads', async (t) => {
  const outbox = new LargeResponses(1000, 1000);
  const slow = new SlowResponse(300);
  outbox.send('a', asResponse(slow), answer(1000));
  t.equal(outbox.bytes, 1000, 'it counts until all of it was taken');
  t.same([slow.drain(), slow.drain(), slow.drain()], [false, false, true]);
  t.same(slow.taken, [...answer(1000)]);
  t.equal(outbox.bytes, 0);
});

t.test('a body that is sent at once is not counted', async (t) => {
  const outbox = new LargeResponses(1000, 1000);
  outbox.send('a', asResponse(new SlowResponse(5000)), answer(900));
  t.equal(outbox.bytes, 0);
});

t.test('there is room for a limited number of bytes, but always for one answer', async (t) => {
  const outbox = new LargeResponses(1000, 1000);
  t.ok(outbox.hasRoom('a', 2000), 'one that is larger than all room goes alone');
  const [one, other] = [new SlowResponse(10), new SlowResponse(10)];
  outbox.send('a', asResponse(one), answer(600));
  t.notOk(outbox.hasRoom('a', 401));
  t.ok(outbox.hasRoom('a', 400));
  outbox.send('a', asResponse(other), answer(400));
  outbox.release(asResponse(one));
  outbox.release(asResponse(one));
  t.equal(outbox.bytes, 400, 'a reader that is gone gives its room back, once');
  t.ok(outbox.hasRoom('a', 600));
});

t.test('a client that does not read leaves room for others', async (t) => {
  const outbox = new LargeResponses(1000, 500);
  const [one, other] = [new SlowResponse(10), new SlowResponse(10)];
  t.ok(outbox.hasRoom('a', 800), 'a large answer goes alone');
  outbox.send('a', asResponse(one), answer(400));
  t.notOk(outbox.hasRoom('a', 101));
  t.ok(outbox.hasRoom('a', 100));
  t.ok(outbox.hasRoom('b', 600));
  outbox.send('b', asResponse(other), answer(600));
  t.notOk(outbox.hasRoom('b', 1), 'all room is taken');
  outbox.release(asResponse(one));
  t.ok(outbox.hasRoom('a', 400));
  t.notOk(outbox.hasRoom('b', 1), 'it has more than its share');
});
