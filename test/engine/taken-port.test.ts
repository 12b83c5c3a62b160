/** A feed that can never begin is not tried again and again: the engine says why, once, and stops. */
import { createServer } from 'node:net';
import t from 'tap';
import { createEngine } from '../../src/engine/engine.js';

t.test('an MT5 port that is taken', async (t) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.teardown(() => other.close());
  const { port } = other.address() as { port: number };
  const engine = await createEngine({
    feeds: [{ name: 'terminals', type: 'mt5', options: { port } }],
    dataFolder: false,
    http: false,
  });
  const deaths: string[] = [];
  engine.on('stageDeath', ({ reason }) => deaths.push(reason));
  const failed = new Promise<Error>((resolve) => engine.once('failed', resolve));
  const stopped = new Promise<void>((resolve) => engine.once('stopped', resolve));
  await engine.start();
  t.match(await failed, { code: 'port_taken', message: new RegExp(`feed terminals: .*${port}`) });
  t.same(deaths, [], 'no fresh start was tried');
  t.match(engine.readiness(), { ready: false, reasons: [/terminals/] });
  await stopped;
});
