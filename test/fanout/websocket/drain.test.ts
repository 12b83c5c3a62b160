/** Shutdown: every client that reads gets the last tick, then 4000. A client that does not read delays it only briefly. */

import uws from 'uWebSockets.js';
import { request } from 'node:http';
import t from 'tap';
import { DRAIN_GRACE_MS } from '../../../src/core/limits.js';
import { createFanout } from '../../../src/fanout/index.js';
import { HOST_STAGE } from '../../../src/pipeline/memory/engine-memory.js';
import { Registry } from '../../../src/pipeline/memory/registry.js';
import { CloseCode, subprotocolOf } from '../../../src/wire/ticks.js';
import { LOG_ID, serve } from '../../helpers/fanout.js';
import { smallMemory } from '../../helpers/memory.js';
import { Client } from '../../helpers/stream-client.js';
import { TestShard } from '../../helpers/test-shard.js';

const RETRY = /^the server shuts down; retry in 1000 ms$/;

t.test(
  'every client that reads gets the last tick; a stalled client delays the end only briefly',
  async (t) => {
    const served = await serve({ log: true, plan: { ringSlots: 8192 } });
    const { shard, fanout } = served;
    const ids = Array.from({ length: 8 }, (_, i) => shard.define(`S${i}`));
    const stalled = await served.connect();
    await stalled.subscribe(['*'], { mode: 'every' });
    stalled.socket.pause();
    const total = 40_000;
    const fill = async (upTo: number) => {
      while (shard.head < upTo) {
        for (let i = 0; i < 500; i++) shard.quote(ids[i % 8], 1.5 + shard.head / 1e5, 2.5, 1 / 3, 7);
        shard.commit();
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await fill(total / 2);
    const clients = [
      ...(await Promise.all(
        (['packed', 'msgpack', 'json'] as const).map((encoding) => served.connect(encoding)),
      )),
      ...(await Promise.all(
        (['packed', 'msgpack', 'json'] as const).map((encoding) => served.connect(encoding)),
      )),
    ];
    const from = shard.head;
    for (const [i, client] of clients.entries()) {
      await client.subscribe(['*'], i < 3 ? { mode: 'every' } : { mode: 'latest', intervalMs: 60_000 });
    }
    const idle = await served.connect();
    const late = await served.connect('json');
    await fill(total);
    const startedMs = performance.now();
    const closing = fanout.close();
    late.send({ op: 'subscribe', id: 1, symbols: ['*'] });
    for (const client of [...clients, idle]) {
      t.equal(await client.closed(), CloseCode.shutdown);
      t.match(client.closeReason, RETRY);
    }
    await closing;
    t.ok(performance.now() - startedMs < 10 * DRAIN_GRACE_MS, 'the stalled one did not hold it up');
    for (const client of clients.slice(0, 3)) {
      const seqs = client.ticks.filter((tick) => !tick.snapshot).map((tick) => tick.seq);
      t.same(
        seqs,
        Array.from({ length: total - from }, (_, i) => from + 1 + i),
        'every tick, none twice',
      );
    }
    for (const client of clients.slice(3)) {
      const newest = new Map(client.ticks.map((tick) => [tick.symbolId, tick.seq]));
      t.equal(Math.max(...newest.values()), total, 'the newest state, however long the interval');
      t.equal(newest.size, 8);
    }
    t.equal(await late.closed(), CloseCode.shutdown);
    t.match(late.controls.at(-1), { op: 'error', code: 'busy', temporary: true, retryMs: 1000 });
    stalled.socket.resume();
    await stalled.closed();
    t.match(fanout.stats(), { connections: 0, subscriptions: 0, groups: 0, symbolFilters: 0, catchingUp: 0 });
    t.equal(fanout.stats().closed[CloseCode.shutdown], 9);
  },
);

t.test('while the host still listens, an upgrade is refused with retry-after', async (t) => {
  const memory = smallMemory();
  const shard = new TestShard(memory);
  const app = uws.App();
  const fanout = createFanout({
    app,
    memory,
    registry: new Registry(memory.registry, memory.plan.maxSymbols, HOST_STAGE),
    identity: { logId: LOG_ID, epoch: 1 },
    logger: { info() {}, warn() {}, error() {} },
    feeds: () => [],
    readiness: () => ({ ready: true, reasons: [] }),
  });
  t.teardown(() => app.close());
  const port = await new Promise<number>((resolve) => {
    app.listen('127.0.0.1', 0, (socket) => resolve(uws.us_socket_local_port(socket || {})));
  });
  const client = await Client.open(port, 'packed');
  await client.subscribe(['*'], { mode: 'every' });
  shard.quote(shard.define('EURUSD'), 1.5, 1.6);
  shard.commit();
  const closing = fanout.close();
  const answer = await new Promise<{ status?: number | undefined; retry?: string | undefined }>((resolve) => {
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-protocol': subprotocolOf('packed'),
    };
    request({ port, host: '127.0.0.1', path: '/v1/stream', headers }, (res) => {
      res.resume();
      resolve({ status: res.statusCode, retry: res.headers['retry-after'] });
    }).end();
  });
  t.same(answer, { status: 503, retry: '1' });
  t.equal(await client.closed(), CloseCode.shutdown);
  t.equal(client.ticks.at(-1)?.seq, 1);
  await closing;
  t.equal(fanout.stats().refused.closing, 1);
});
