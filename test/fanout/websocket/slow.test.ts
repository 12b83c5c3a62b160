/** A client that stops reading costs a bounded number of bytes, and does not affect others. */
import t from 'tap';
import { WINDOW_BYTES } from '../../../src/core/limits.js';
import { serve } from '../../helpers/fanout.js';

t.test(
  'a client that stops reading gets at most its window, and loses no tick; others are not affected',
  async (t) => {
    const served = await serve({ log: true, plan: { ringSlots: 8192 } });
    t.teardown(() => served.close());
    const { shard, fanout } = served;
    const ids = Array.from({ length: 8 }, (_, i) => shard.define(`S${i}`));
    const slow = await served.connect();
    const quick = await served.connect();
    await slow.subscribe(['*'], { mode: 'every' });
    await quick.subscribe(['*'], { mode: 'every' });
    const before = fanout.stats().bytesSent;
    slow.socket.pause();
    const total = 60_000;
    while (shard.head < total) {
      for (let i = 0; i < 1000; i++) shard.quote(ids[i % 8], 1.5, 1.6, 1 / 3, 7);
      shard.commit();
      const { head } = shard;
      await quick.until(() => quick.ticks.length >= head);
    }
    const toSlow = fanout.stats().bytesSent - before - quick.bytes;
    t.ok(toSlow <= WINDOW_BYTES, `${toSlow} bytes went to the paused client`);
    t.ok(quick.bytes > 10 * WINDOW_BYTES);
    slow.socket.resume();
    await slow.until(() => slow.ticks.length >= total);
    const expected = Array.from({ length: total }, (_, i) => i + 1);
    t.same(
      slow.ticks.map((tick) => tick.seq),
      expected,
    );
    t.same(
      quick.ticks.map((tick) => tick.seq),
      expected,
    );
  },
);

t.test('pings do not pile up for a client that stopped reading, and it recovers', async (t) => {
  const served = await serve({ log: true, heartbeatMs: 10, plan: { ringSlots: 8192 } });
  t.teardown(() => served.close());
  const { shard } = served;
  const id = shard.define('EURUSD');
  const slow = await served.connect();
  const quick = await served.connect();
  for (const client of [slow, quick]) await client.subscribe(['*'], { mode: 'every', snapshot: false });
  slow.socket.pause();
  const ticks = async (count: number) => {
    for (let i = 0; i < count; i++) shard.quote(id, 1.5, 1.6, 1 / 3, 7);
    shard.commit();
    await quick.until(() => quick.ticks.length >= shard.head);
  };
  for (let i = 0; i < 20; i++) await ticks(1000);
  // The window has room only for some heartbeats, and a ping follows each of them.
  const heartbeats = () => quick.controls.filter(({ op }) => op === 'heartbeat').length;
  for (const before = heartbeats(); heartbeats() < before + 100; ) await ticks(1);
  let pings = 0;
  slow.socket.on('ping', () => pings++);
  slow.socket.resume();
  await slow.until(() => slow.ticks.length >= shard.head || slow.closeCode !== undefined);
  t.equal(slow.closeCode, undefined);
  t.equal(slow.ticks.length, shard.head);
  t.ok(pings > 10, `${pings} pings came`);
});
