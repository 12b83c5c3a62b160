/** What a hello may say is bounded, and sources that have gone make room for others: the port never fills for good. */
import { randomBytes } from 'node:crypto';
import t from 'tap';
import { FEED_SOURCES_KEPT, FEED_SOURCES_MAX, MT5_SERVER_BYTES_MAX } from '../../../src/core/limits.js';
import { Bench } from './harness.js';

t.test('long names, and names that nobody could read', async (t) => {
  const bench = await new Bench().start();
  t.teardown(() => bench.server.stop());
  const bad = [
    { server: 'x'.repeat(MT5_SERVER_BYTES_MAX + 1) },
    { server: '\u0001'.repeat(100) },
    { name: 'x'.repeat(65) },
    { name: 'a\nb' },
  ];
  for (const details of bad) {
    const peer = await bench.peer();
    await t.rejects(Promise.race([peer.hello(details), peer.refusal().then((code) => Promise.reject(code))]));
    t.match(peer.errors, [{ code: 'bad_hello', message: /has \d to \d+ bytes/ }]);
  }
  t.equal(bench.registry.length, 0, 'nothing is kept of them');
  const peer = await bench.peer();
  await peer.hello({ server: '"'.repeat(MT5_SERVER_BYTES_MAX), name: 'n'.repeat(64) });
});

t.test('more sources than slots, one after the other', async (t) => {
  const bench = await new Bench().start();
  t.teardown(() => bench.server.stop());
  const rounds = FEED_SOURCES_MAX + 5;
  const stays = bench.terminal({ name: 'stays' });
  const symbol = stays.define('EURUSD', 5);
  await stays.start();
  const once = async (i: number) => {
    const terminal = bench.terminal({ name: `t${i}`, streamId: i.toString(16).padStart(32, '0') });
    terminal.define('EURUSD', 5);
    for (const n of [1, 2]) terminal.send(symbol, 1e12 + n, 6, n, n + 1);
    await terminal.start();
    await bench.reading(() => terminal.counters.acked === 2, `t${i} is acknowledged`);
    await terminal.close();
    await bench.reading(() => bench.server.status().sources === 1, `t${i} is down`);
  };
  for (let i = 0; i < rounds; i++) await once(i);
  t.equal(bench.ticks.length, 2 * rounds);
  // The same stream from its beginning: these ticks were dealt with.
  for (const i of [0, rounds - 1]) await once(i);
  t.equal(bench.ticks.length, 2 * rounds, 'one that comes back goes on where it was');
  t.match(bench.counters.totals(), { duplicate: 2, received: 2 * rounds + 2 });
  t.equal(bench.missing, 0, 'sums hold');
  stays.send(symbol, 1e12, 6, 1, 2);
  await bench.reading(() => stays.counters.acked === 1, 'who was there all the time goes on');
  t.equal(stays.counters.disconnects, 0);
  await stays.close();
});

t.test('names and streams without end', async (t) => {
  const bench = await new Bench().start();
  t.teardown(() => bench.server.stop());
  for (let i = 0; i < FEED_SOURCES_KEPT + 100; i++) {
    const peer = await bench.peer();
    await peer.hello({ name: `n${i}`, streamId: randomBytes(16).toString('hex') });
    peer.socket.destroy();
    await bench.reading(() => bench.server.status().sources < FEED_SOURCES_MAX / 2, 'some are gone');
  }
  bench.registry.refresh();
  t.equal(bench.registry.sources.length, FEED_SOURCES_KEPT + 1);
  const { bytes } = bench.registry.usage;
  for (let i = 0; i < 500; i++) {
    const peer = await bench.peer();
    await peer.hello({ name: 'n', streamId: randomBytes(16).toString('hex') });
    peer.socket.destroy();
    bench.consume();
  }
  t.ok(bench.registry.usage.bytes < bytes + 1_000, 'a stream more takes no more room');
});
