/** An operator holds the port and lets it continue: terminals stay connected and keep their ticks meanwhile. */
import t from 'tap';
import { turn } from '../../../src/pipeline/memory/doorbell.js';
import { Bench, until } from './harness.js';

t.test('pause and resume', async (t) => {
  const bench = await new Bench().start();
  t.match(bench.server.status(), { state: 'live', sources: 0 });
  const terminal = bench.terminal();
  const symbol = terminal.define('EURUSD', 5);
  await terminal.start();
  bench.server.pause();
  terminal.send(symbol, 1e12, 6, 1, 2);
  await until(() => bench.count('waits') === 1, 'the terminal waits');
  for (let i = 0; i < 50; i++) await turn();
  t.match(bench.server.status(), { state: 'paused', sources: 1 });
  t.equal(bench.counters.totals().received, 0);
  bench.server.resume();
  await bench.reading(() => terminal.counters.acked === 1, 'it goes on');
  t.match(bench.server.status(), { state: 'live', sources: 1 });
  await terminal.close();
  await bench.server.stop();
  t.match(bench.server.status(), { state: 'ended', sources: 0 });
});
