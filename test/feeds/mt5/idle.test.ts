/** Silence closes a connection; heartbeats keep it. */
import t from 'tap';
import { FrameType, HEARTBEAT } from '../../../src/feeds/mt5/framing.js';
import { turn } from '../../../src/pipeline/memory/doorbell.js';
import { Bench, until } from './harness.js';

t.test('silence', async (t) => {
  const bench = await new Bench({ idleTimeoutMs: 150 }).start();
  const terminal = bench.terminal();
  await terminal.start();
  const silent = await bench.peer();
  await silent.hello({ name: 'silent' });
  const mute = await bench.peer();
  const slow = await bench.peer();
  const drip = setInterval(() => slow.socket.write(Buffer.alloc(0)), 20);
  t.equal(await silent.refusal(), 'idle', 'after a hello');
  t.ok(silent.types.includes(FrameType.heartbeat), 'it was sent heartbeats itself');
  t.equal(await mute.refusal(), 'idle', 'before one');
  t.equal(await slow.refusal(), 'idle', 'and in the middle of one');
  clearInterval(drip);

  const talker = await bench.peer();
  await talker.hello({ name: 'talker' });
  const beat = setInterval(() => talker.socket.write(HEARTBEAT), 30);
  const from = performance.now();
  await until(() => performance.now() - from > 400, 'time passes');
  clearInterval(beat);
  t.notOk(talker.isClosed, 'heartbeats keep a connection');
  t.equal(terminal.counters.disconnects, 0, 'and a terminal sends them by itself');
  await turn();
  await terminal.close();
  await bench.server.stop();
});
