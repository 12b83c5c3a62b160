/** `ticks replay --serve`: what was logged goes back through an engine, and subscribers get it field by field. */
import { join } from 'node:path';
import t from 'tap';
import { type PlainTick, TickClient } from '../../src/client/index.js';
import { freePort, run, serve, start, temporaryFolder } from './support.js';

const COUNT = 2_000;

t.test('subscribers get what was logged, in order', async (t) => {
  const data = join(temporaryFolder(t), 'data');
  const feed = `synthetic={"rate":"max","symbols":8,"tradeShare":0.2,"count":${COUNT}}`;
  const { server } = await serve(t, ['--data', data, '--feed', feed]);
  const logged = async () =>
    (await run(t, ['replay', '--data', data])).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as PlainTick & { tsEvent: string; tsRecv: string })
      .filter(({ kind }) => kind === 'quote' || kind === 'trade');
  let wanted = await logged().catch(() => []);
  for (let tries = 0; tries < 50 && wanted.length < COUNT; tries++) wanted = await logged().catch(() => []);
  t.equal(wanted.length, COUNT);

  // The engine still runs on the folder: replay only reads.
  const port = await freePort();
  const replay = start(t, [
    'replay',
    '--data',
    data,
    '--serve',
    String(port),
    '--speed',
    'max',
    '--log-level',
    'silent',
  ]);
  const client = new TickClient(`ws://127.0.0.1:${port}/v1/stream`, { reconnect: { first: true } });
  await client.connect();
  const got: PlainTick[] = [];
  const subscription = client.subscribe({ symbols: ['*'], mode: 'every', kinds: ['quote', 'trade'] });
  for await (const tick of subscription) if (got.push(tick) === COUNT) break;
  client.close();

  const plain = (tick: object) => {
    const { symbol, kind, flags, tsEvent, tsRecv, ...rest } = tick as Record<string, unknown>;
    const { bid, ask, bidSize, askSize, price, size, side, tradeId } = rest;
    const prices = [bid, ask, bidSize, askSize, price, size, side, tradeId].map((x) => x ?? null);
    return JSON.stringify([symbol, kind, flags, String(tsEvent), String(tsRecv), ...prices]);
  };
  const at = wanted.findIndex((tick, i) => plain(tick) !== plain(got[i]));
  t.equal(at < 0 ? '' : plain(got[at]), at < 0 ? '' : plain(wanted[at]), `first difference: ${at}`);
  t.equal((await replay.stop()).code, 0);
  t.equal((await server.stop()).code, 0);
});
