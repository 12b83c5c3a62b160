/** A client that stops reading costs a bounded number of bytes, and the others nothing. */
import t from 'tap';
import { WINDOW_BYTES } from '../../src/limits.js';
import { serve } from '../helpers/fanout.js';

t.test('a paused reader is held to its window; it loses nothing and others notice nothing', async (t) => {
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
});
