/** A tick is acknowledged when the log has it for good, and not before. */
import t from 'tap';
import { turn } from '../../../src/pipeline/memory/doorbell.js';
import { Bench, until } from './harness.js';

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

t.test('acknowledged only when durable', async (t) => {
  const bench = await new Bench({ log: true, ackIntervalMs: 1, shards: 2 }).start();
  const terminal = bench.terminal();
  const symbols = ['A', 'B', 'C', 'D'].map((name) => terminal.define(name, 2));
  await terminal.start();
  for (let i = 0; i < 100; i++) terminal.send(symbols[i % 4], 1e12 + i, 6, 1, 2);
  await until(() => bench.counters.totals().received === 100, 'all received');
  await turns(200);
  t.equal(terminal.counters.acked, 0, 'not when received');
  bench.consume();
  await turns(200);
  t.equal(terminal.counters.acked, 0, 'not when numbered');
  bench.makeDurable();
  await until(() => terminal.counters.acked === 100, 'when durable');

  terminal.send(symbols[0], 1e12, 6, 1, 2);
  await bench.reading(() => bench.counters.totals().received === 101, 'one more');
  terminal.cut();
  await until(() => terminal.counters.connects === 2, 'reconnected');
  t.equal(terminal.counters.acked, 100, 'the welcome tells no more than is durable');
  await bench.reading(() => bench.counters.totals().duplicate === 1, 'the rest comes again');
  bench.makeDurable();
  await until(() => terminal.counters.acked === 101, 'until it is durable too');
  t.equal(bench.missing, 0, 'sums hold');
  await terminal.close();
  await bench.server.stop();
});
