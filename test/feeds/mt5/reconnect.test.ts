/** A connection that breaks again and again: nothing is lost, nothing comes twice, and the sums hold. */
import t from 'tap';
import { Bench, seeded, until } from './harness.js';

const TICKS = 20_000;

t.test('broken connections', async (t) => {
  const bench = await new Bench({ rawSlots: 256, ackIntervalMs: 1 }).start();
  const random = seeded(11);
  const terminal = bench.terminal({ backlogTicks: 3_000 });
  const locals = Array.from({ length: 40 }, (_, i) => terminal.define(`SYM${i}`, 2));
  const unknown = 1_000;
  await terminal.start();
  const source = (async () => {
    for (let i = 1; i <= TICKS; i++) {
      // The bid is the tick's count, so that what comes out shows what went in.
      const symbol = random() < 0.01 ? unknown : locals[Math.floor(random() * locals.length)];
      const isBoth = random() < 0.1;
      while (!terminal.send(symbol, 1e12 + i, isBoth ? 30 : 6, i, i + 1, isBoth ? i : 0, 1))
        await terminal.room();
    }
    await terminal.drain();
  })();
  let isDone = false;
  let breakAt = 500;
  source.then(() => {
    isDone = true;
  });
  await until(() => {
    for (const shard of bench.shards) shard.consume(Math.floor(random() * 200));
    if (terminal.isLive && bench.counters.totals().received >= breakAt) {
      terminal.cut();
      breakAt += TICKS / 12;
    }
    return isDone;
  }, 'everything is acknowledged');
  await source;
  bench.consume();
  const { counters } = terminal;
  t.ok(counters.disconnects >= 10, `${counters.disconnects} breaks`);
  t.ok(counters.resent > 0, `${counters.resent} ticks were sent again`);
  const totals = bench.counters.totals();
  t.ok(totals.duplicate > 0, `${totals.duplicate} of them were known`);
  t.equal(totals.received, TICKS + totals.duplicate, 'every tick was new once');
  const quotes = bench.ticks.filter((tick) => tick.kind === 'quote').map((tick) => tick.bid!);
  t.equal(quotes.length + totals.rejected, TICKS);
  t.equal(new Set(quotes).size, quotes.length, 'none twice');
  t.ok(
    quotes.every((bid, i) => i === 0 || bid > quotes[i - 1]),
    'all in order',
  );
  t.equal(bench.missing, 0, 'sums hold');
  await terminal.close();
  await bench.server.stop();
});
