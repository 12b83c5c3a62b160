/** The port starts again, with the engine's memory or without: nothing is lost, nothing comes twice. */
import t from 'tap';
import { MqlFlag } from '../../../src/feeds/mql/mql-tick.js';
import { turn } from '../../../src/pipeline/memory/doorbell.js';
import { Registry } from '../../../src/pipeline/memory/registry.js';
import { bucketOfName } from '../../../src/pipeline/memory/registry-entries.js';
import { Bench, until } from './harness.js';

t.test('the feed thread dies and is started again', async (t) => {
  const first = await new Bench({ rawSlots: 64 }).start();
  const terminal = first.terminal();
  const symbol = terminal.define('EURUSD', 5);
  await terminal.start();
  for (let i = 1; i <= 1000; i++) terminal.send(symbol, 1e12 + i, 6, i, i + 1);
  await first.reading(() => terminal.counters.acked > 300, 'some is acknowledged');
  const { port } = first.server;
  // What a dying thread does not do is to commit: the sockets are cut, and the memory stays as it is.
  await first.server.stop();
  const second = await new Bench({ memory: first.memory, port }).start();
  await second.reading(() => terminal.counters.acked === 1000, 'all acknowledged');
  second.consume();
  const bids = [...first.ticks, ...second.ticks].map((tick) => tick.bid!);
  t.equal(bids.length, 1000);
  t.ok(
    bids.every((bid, i) => bid === i + 1),
    'each once, in order',
  );
  t.equal(second.missing, 0, 'sums hold');
  await terminal.close();
  await second.server.stop();
});

t.test('the process is killed, and the log has more of one shard than of the other', async (t) => {
  const names = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'];
  const ahead = names.find((name) => bucketOfName(name) % 2 === 0)!;
  const behind = names.find((name) => bucketOfName(name) % 2 === 1)!;
  const before = await new Bench({ shards: 2, log: true }).start();
  const terminal = before.terminal();
  const [a, b] = [terminal.define(ahead, 2), terminal.define(behind, 2)];
  await terminal.start();
  for (let i = 1; i <= 100; i++) terminal.send(i % 2 === 0 ? a : b, 1e12 + i, 6, i, i + 1);
  await before.reading(() => before.counters.totals().received === 100, 'all received');
  const { port } = before.server;
  await before.server.stop();

  // Of the even shard the log kept everything, of the odd one only up to tick 51. Positions count half ticks.
  const after = new Bench({ shards: 2, log: true, port });
  after.registry.load(new Registry(before.memory.registry, 256).bytesFrom(0));
  const buckets = new Array<number>(16).fill(0);
  buckets[bucketOfName(ahead)] = 2 * 100;
  buckets[bucketOfName(behind)] = 2 * 51;
  after.memory.positions.push({ sourceId: 1, buckets });
  await after.start();
  await until(() => terminal.counters.connects === 2, 'reconnected');
  t.equal(terminal.counters.acked, 0, 'nothing is taken for durable by the highest position alone');
  await after.reading(() => after.counters.totals().received === 100, 'all comes again');
  for (let i = 0; i < 100; i++) await turn();
  t.equal(terminal.counters.acked, 0, 'and nothing before the lost ones are durable');
  after.makeDurable();
  await until(() => terminal.counters.acked === 100, 'all acknowledged');
  t.match(after.counters.totals(), { received: 100, duplicate: 76, rejected: 0 });
  const lost = after.shards.flatMap((s) => s.ticks).filter((tick) => tick.kind === 'quote');
  t.strictSame(
    lost.map((tick) => tick.bid),
    Array.from({ length: 24 }, (_, i) => 53 + 2 * i),
    'exactly the lost ticks come in',
  );
  t.equal(after.missing, 0, 'sums hold');
  await terminal.close();
  await after.server.stop();
});

t.test('the process is killed between the two records of a split tick', async (t) => {
  const before = await new Bench({ log: true }).start();
  const terminal = before.terminal();
  const symbol = terminal.define('WIN', 0);
  await terminal.start();
  const both = MqlFlag.bid | MqlFlag.ask | MqlFlag.last | MqlFlag.volume;
  for (let i = 1; i <= 3; i++) terminal.send(symbol, 1e12 + i, both, 10 * i, 10 * i + 2, 10 * i + 1, i);
  await before.reading(() => before.counters.totals().received === 3, 'all received');
  const { port } = before.server;
  await before.server.stop();

  // The log kept the first tick, and the quote of the second.
  const after = new Bench({ log: true, port });
  after.registry.load(new Registry(before.memory.registry, 256).bytesFrom(0));
  const buckets = new Array<number>(16).fill(0);
  buckets[bucketOfName('WIN')] = 2 * 2 - 1;
  after.memory.positions.push({ sourceId: 1, buckets });
  await after.start();
  await after.reading(() => after.counters.totals().received === 3, 'all comes again');
  const ticks = after.shards.flatMap((s) => s.ticks).filter((tick) => tick.kind !== 'status');
  t.strictSame(
    ticks.map((tick) => [tick.kind, tick.bid ?? tick.price]),
    [
      ['trade', 21],
      ['quote', 30],
      ['trade', 31],
    ],
    'the trade that was missing comes in, its quote does not come twice',
  );
  t.match(after.counters.totals(), { received: 3, duplicate: 1, split: 1 });
  t.equal(after.missing, 0, 'sums hold');
  await terminal.close();
  await after.server.stop();
});
