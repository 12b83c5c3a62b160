/** The backlog: bounded, sent again from the last acknowledged tick, and never overwritten under a socket. */
import t from 'tap';
import { MqlTick, readMqlTick } from '../../../src/feeds/mql/mql-tick.js';
import { Backlog } from '../../../src/feeds/mt5/backlog.js';

function fill(backlog: Backlog, ticks: number): void {
  for (let i = 0; i < ticks; i++) backlog.add(0, Object.assign(new MqlTick(), { bid: backlog.count + 1 }));
}

function bids(bytes: Uint8Array): number[] {
  const tick = new MqlTick();
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return Array.from({ length: bytes.length / 64 }, (_, i) => {
    readMqlTick(view, i * 64 + 4, tick);
    return tick.bid;
  });
}

t.test('room comes with acknowledgements', async (t) => {
  const backlog = new Backlog(8);
  fill(backlog, 8);
  t.equal(backlog.free, 0);
  const { bytes, flushed } = backlog.take(backlog.nextBatch(5));
  t.strictSame(bids(bytes), [1, 2, 3, 4, 5]);
  backlog.acknowledge(3);
  t.equal(backlog.free, 0, 'not while the socket holds the bytes');
  flushed();
  t.equal(backlog.free, 3);
  fill(backlog, 3);
  t.equal(backlog.nextBatch(100), 3, 'a batch ends with the ring');
  t.strictSame(bids(backlog.take(3).bytes), [6, 7, 8]);
  t.strictSame(bids(backlog.take(backlog.nextBatch(100)).bytes), [9, 10, 11]);
  t.equal(backlog.nextBatch(100), 0);
});

t.test('after a reconnect', async (t) => {
  const backlog = new Backlog(8);
  fill(backlog, 8);
  const old = backlog.take(6);
  backlog.acknowledge(2);
  backlog.rewind();
  old.flushed();
  t.strictSame(
    bids(backlog.take(backlog.nextBatch(2)).bytes),
    [3, 4],
    'it starts after the acknowledged ones',
  );
  backlog.acknowledge(6);
  t.equal(backlog.nextBatch(100), 2, 'what became durable meanwhile is not sent again');
  t.equal(backlog.free, 2, 'what is being sent a second time stays');
  const last = backlog.take(2);
  last.flushed();
  t.equal(backlog.free, 6);
  backlog.acknowledge(8);
  t.ok(backlog.isDrained);
});
