/** A terminal that sends seconds as `time_msc` is logged; its ticks are refused and not read as of 1970. */
import t from 'tap';
import { Bench } from './harness.js';

const NOW_S = 1_718_776_800;

t.test('seconds instead of milliseconds', async (t) => {
  const bench = await new Bench().start();
  const terminal = bench.terminal();
  const eurusd = terminal.define('EURUSD', 5);
  await terminal.start();
  terminal.send(eurusd, NOW_S, 6, 1.1, 1.2);
  terminal.send(eurusd, NOW_S + 1, 6, 1.1, 1.2);
  terminal.send(eurusd, NOW_S * 1000, 6, 1.1, 1.2);
  await bench.reading(() => terminal.counters.acked === 3, 'all three are acknowledged');
  t.same(
    bench.ticks.map(({ tsEvent }) => tsEvent),
    [BigInt(NOW_S) * 1_000_000_000n],
  );
  t.match(bench.counters.totals(), { received: 3, rejected: 2, rejectedBy: { bad_time: 2 } });
  t.equal(bench.missing, 0);
  const told = bench.warnings.filter((warning) => warning.includes('time_msc'));
  t.equal(told.length, 1);
  t.match(told[0], `time_msc ${NOW_S} is no time in milliseconds, it looks like seconds`);
  await terminal.close();
  await bench.server.stop();
});
