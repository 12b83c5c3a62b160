/** Listening and closing: a taken port is a clear error, and clients get a close code before the server ends. */
import t from 'tap';
import { CloseCode } from '../../src/wire/ticks.js';
import { serve } from '../helpers/fanout.js';

t.test('a taken port', async (t) => {
  const served = await serve();
  t.teardown(() => served.close());
  await t.rejects(serve({ port: served.port }), {
    code: 'port_taken',
    message: new RegExp(`${served.port}`),
  });
});

t.test('an address of another machine is not reported as a taken port', async (t) => {
  for (const host of ['203.0.113.7', '2001:db8::7', 'nobody.invalid'])
    await t.rejects(serve({ host }), { code: 'bad_config', message: new RegExp(`^http\\.host: .*${host}`) });
});

t.test('bad settings name the setting', async (t) => {
  await t.rejects(serve({ heartbeatMs: -1 }), { code: 'bad_config', message: /heartbeatMs/ });
});

t.test('close sends the last ticks, then 4000; the port is free again', async (t) => {
  const found = await serve();
  await found.close();
  const served = await serve({ port: found.port });
  const eur = served.shard.define('EURUSD');
  const client = await served.connect();
  await client.subscribe(['*'], { mode: 'every' });
  served.shard.quote(eur, 1.5, 1.6);
  served.shard.commit();
  const closing = served.fanout.close();
  t.equal(await client.closed(), CloseCode.shutdown);
  t.equal(client.ticks.length, 1);
  await closing;
  const again = await serve({ port: served.port });
  await again.close();
});
