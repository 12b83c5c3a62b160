/** Several terminals at once, one of them talking nonsense: each keeps its own order, names and positions. */
import t from 'tap';
import { Bench } from './harness.js';

const TICKS = 3_000;
const TERMINALS = 8;

t.test('several terminals', async (t) => {
  const bench = await new Bench({ rawSlots: 256, shards: 3 }).start();
  const terminals = Array.from({ length: TERMINALS }, (_, i) => bench.terminal({ name: `term${i}` }));
  const nonsense = await bench.peer();
  nonsense.socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  for (const [i, terminal] of terminals.entries()) {
    await terminal.start();
    // Two symbols of its own and one that all share; the raw names differ, the canonical one does not.
    terminal.define(`OWN${i}`, 2);
    terminal.define(`EURUSD.${i}`, 5, { alias: 'EURUSD' });
  }
  for (let k = 1; k <= TICKS; k++) {
    for (const terminal of terminals) terminal.send(k % 2, 1e12 + k, 6, k, k + 1);
  }
  await bench.reading(() => terminals.every((x) => x.counters.acked === TICKS), 'all acknowledged');
  t.equal(bench.server.status().sources, TERMINALS);
  const ticks = bench.shards.flatMap((shard) => shard.ticks).filter((tick) => tick.kind === 'quote');
  t.equal(ticks.length, TICKS * TERMINALS);
  for (let i = 0; i < TERMINALS; i++) {
    const source = bench.registry.sources.find((s) => s?.name === `term${i}`)!;
    const name = (k: number): string => (k % 2 === 0 ? `OWN${i}` : 'EURUSD');
    const own = ticks.filter((tick) => tick.sourceId === source.id).sort((a, b) => a.position - b.position);
    t.ok(
      own.every((x, k) => x.bid === k + 1 && bench.registry.symbols[x.symbolId]?.name === name(k + 1)),
      `terminal ${i}`,
    );
    t.match(source.info, { account: 7, server: 'Test-Server', zone: 'UTC' });
  }
  t.ok(
    bench.registry.aliases.some((a) => a.raw === 'EURUSD.3'),
    'the raw name is kept',
  );
  t.equal(await nonsense.refusal(), 'bad_framing');
  t.equal(bench.missing, 0, 'sums hold');
  await Promise.all(terminals.map((terminal) => terminal.close()));
  await bench.server.stop();
});
