/** Ticks of symbols that the terminal never defined are rejected one by one, and hold up no acknowledgement. */
import t from 'tap';
import { Bench } from './harness.js';

t.test('unknown symbols', async (t) => {
  const bench = await new Bench().start();
  const terminal = bench.terminal();
  const known = terminal.define('EURUSD', 5);
  await terminal.start();
  terminal.send(9, 1e12, 6, 1, 2);
  terminal.send(known, 1e12, 6, 1, 2);
  terminal.send(known, 1e12 + 1, 6, 1, 2);
  terminal.send(70_000, 1e12, 6, 1, 2);
  terminal.send(300, -5, 6, 1, 2);
  terminal.send(known, -5, 6, 1, 2);
  terminal.send(known, 5e12, 6, 1, 2);
  await bench.reading(() => terminal.counters.acked === 7, 'all acknowledged, though the last ones are bad');
  t.equal(bench.ticks.length, 2);
  const totals = bench.counters.totals();
  t.match(totals, { received: 7, rejected: 5, rejectedBy: { unknown_symbol: 3, bad_time: 2 } });
  t.equal(bench.missing, 0, 'sums hold');
  await terminal.close();
  await bench.server.stop();
});
