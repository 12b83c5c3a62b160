/** A full ring pauses the terminals: little is buffered, nothing is lost, and all continues when there is room. */
import t from 'tap';
import { turn } from '../../../src/pipeline/memory/doorbell.js';
import { Bench, until } from './harness.js';

/** More bytes than the kernel's socket buffers hold. */
const BACKLOG = 180_000;
const SLOTS = 512;

t.test('back-pressure from the ring to the source', async (t) => {
  const bench = await new Bench({ rawSlots: SLOTS, idleTimeoutMs: 400 }).start();
  const terminal = bench.terminal({ backlogTicks: BACKLOG });
  const symbol = terminal.define('EURUSD', 5);
  await terminal.start();
  let sent = 0;
  const fill = async (): Promise<void> => {
    // The bid is the tick's count, so that what comes out shows what went in.
    while (terminal.send(symbol, 1e12 + sent, 6, sent + 1, sent + 2)) {
      if (++sent % 10_000 === 0) await turn();
    }
  };
  await fill();
  t.equal(sent, BACKLOG, 'the source is stopped by a full backlog');
  await until(() => bench.count('waits') > 0, 'the port finds the ring full');
  const from = performance.now();
  while (performance.now() - from < 900) await turn();
  t.match(bench.counters.totals(), { received: SLOTS - 2, generated: 1 }, 'no more is taken than fits');
  t.ok(terminal.counters.sent < BACKLOG, 'the socket took only a part');
  t.equal(bench.server.status().sources, 1, 'a terminal made to wait is not taken for silent');
  t.equal(terminal.counters.disconnects, 0);

  let hasRoom = false;
  const room = terminal.room().then(() => {
    hasRoom = true;
  });
  await bench.reading(() => hasRoom, 'the source may go on');
  await room;
  t.ok(terminal.send(symbol, 1e12, 6, ++sent, sent + 1));
  await bench.reading(() => terminal.counters.acked === sent, 'all comes through');
  bench.consume();
  const bids = bench.ticks.map((tick) => tick.bid!);
  t.equal(bids.length, sent);
  t.ok(
    bids.every((bid, i) => bid === i + 1),
    'each once, in order',
  );
  t.equal(bench.missing, 0, 'sums hold');
  await terminal.close();
  await bench.server.stop();
});
