/** `ticks replay --to-engine`: old ticks in a running engine, under names of their own. */
import { join } from 'node:path';
import t from 'tap';
import { parseTarget } from '../../src/cli/replay/to-engine.js';
import { freePort, run, serve, temporaryFolder } from './support.js';

const COUNT = 1_000;

interface Line {
  symbol: string;
  kind: string;
  bid: number;
  ask: number;
  price: number;
  tsEvent: string;
}

async function linesOf(data: string, ...more: string[]): Promise<Line[]> {
  const { stdout } = await run(t, ['replay', '--data', data, ...more]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
    .filter(({ kind }) => kind === 'quote' || kind === 'trade');
}

const key = ({ symbol, kind, bid, ask, price, tsEvent }: Line) =>
  JSON.stringify([symbol, kind, bid, ask, price, tsEvent.slice(0, -6)]);

t.test('every quote and trade gets there once, beside the live ones', async (t) => {
  const folder = temporaryFolder(t);
  const [old, live] = [join(folder, 'old'), join(folder, 'live')];
  const feed = `synthetic={"rate":"max","symbols":4,"tradeShare":0.2,"count":${COUNT}}`;
  const recorder = await serve(t, ['--data', old, '--feed', feed]);
  while ((await linesOf(old).catch(() => [])).length < COUNT);
  await recorder.server.stop();

  const port = await freePort();
  const { server } = await serve(t, ['--data', live, '--feed', `mt5={"port":${port}}`, '--feed', feed]);
  const to = `mt5://127.0.0.1:${port}`;
  const { code, stderr } = await run(t, [
    'replay',
    '--data',
    old,
    '--to-engine',
    to,
    '--speed',
    'max',
    '--json',
  ]);
  t.equal(code, 0, stderr);
  t.match(JSON.parse(stderr.trim().split('\n').at(-1)!), { ticks: COUNT, acked: COUNT });
  t.equal((await server.stop()).code, 0);

  const wanted = (await linesOf(old)).map((line) => key({ ...line, symbol: `replay.${line.symbol}` }));
  t.same((await linesOf(live, '--symbols', 'replay.*')).map(key), wanted, 'to the millisecond, in order');
  const own = (await linesOf(live)).filter(({ symbol }) => !symbol.startsWith('replay.'));
  t.equal(own.length, COUNT, 'live symbols have their own ticks and no others');
});

t.test('where one cannot replay to', async (t) => {
  t.same(parseTarget('mt5://[::1]:7'), { host: '::1', port: 7 });
  t.throws(() => parseTarget('ws://host:8080/v1/stream'), { code: 'bad_config', message: /tail --from/ });
  t.throws(() => parseTarget('host:8080'), { code: 'bad_config' });
});
