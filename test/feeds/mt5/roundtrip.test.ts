/** Random ticks through the port come out field by field as they went in, times included. */
import t from 'tap';
import { MqlFlag } from '../../../src/feeds/mql/mql-tick.js';
import { Bench, seeded } from './harness.js';

t.test('random ticks, field by field', async (t) => {
  const bench = await new Bench({ rawSlots: 1024 }).start();
  const terminal = bench.terminal({ zone: 'America/New_York+7h' });
  const names = ['EURUSD.m', 'XAUUSDc', 'US500.cash'];
  const locals = names.map((name, i) => terminal.define(name, 2 + i));
  await terminal.start();
  const random = seeded(1);
  const sent: { name: string; ms: number; kind: string; values: (number | null)[]; flags: string[] }[] = [];
  let ms = Date.UTC(2024, 2, 8, 20, 0);
  for (let i = 0; i < 5000; i++) {
    const which = Math.floor(random() * 3);
    // The steps carry the ticks over the weekend in which US daylight saving begins.
    ms += Math.floor(random() * 60_000);
    const bid = 1 + random();
    const isTrade = random() < 0.3;
    const side = isTrade
      ? [MqlFlag.buy, MqlFlag.sell, MqlFlag.buy | MqlFlag.sell][Math.floor(random() * 3)]
      : 0;
    const flags = 1024 | side | (isTrade ? MqlFlag.last | MqlFlag.volume : MqlFlag.bid | MqlFlag.ask);
    const size = isTrade ? Math.round(random() * 1000) / 100 + 0.01 : 0;
    const last = isTrade ? bid + 0.001 : 0;
    while (!terminal.send(locals[which], ms, flags, bid, bid + 0.01, last, size)) await terminal.room();
    const name = names[which];
    if (isTrade) {
      const aggressor = side === MqlFlag.buy ? ['buy'] : side === MqlFlag.sell ? ['sell'] : [];
      sent.push({ name, ms, kind: 'trade', values: [last, size, null], flags: aggressor });
    } else {
      sent.push({ name, ms, kind: 'quote', values: [bid, bid + 0.01, null, null], flags: [] });
    }
  }
  let isDrained = false;
  const drained = terminal.drain().then(() => {
    isDrained = true;
  });
  await bench.reading(() => isDrained, 'all acknowledged');
  await drained;
  t.equal(bench.ticks.length, sent.length);
  const got = bench.ticks.map((tick) => ({
    name: bench.registry.symbols[tick.symbolId]?.name,
    ms: Number(tick.tsEvent! / 1_000_000n),
    kind: tick.kind as string,
    values:
      tick.kind === 'trade'
        ? [tick.price!, tick.size!, tick.tradeId!]
        : [tick.bid!, tick.ask!, tick.bidSize!, tick.askSize!],
    flags: tick.flags as string[],
  }));
  t.strictSame(got, sent);
  t.strictSame(
    bench.ticks.map((tick) => tick.position),
    sent.map((_, i) => 2 * (i + 1)),
    'positions count the stream, in half ticks',
  );
  t.equal(bench.missing, 0, 'sums hold');
  await terminal.close();
  await bench.server.stop();
});
