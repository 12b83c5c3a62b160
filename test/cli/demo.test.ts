/** What `npm start` runs: real ticks over WebSocket and REST at once, and a clean end within two seconds. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { TickClient } from '../../src/client/index.js';
import { LogReader } from '../../src/log/read/log-reader.js';
import { run, serve, start, temporaryFolder } from './support.js';

t.test('the demo', async (t) => {
  const cwd = temporaryFolder(t);
  const demo = start(t, ['demo'], { cwd, env: { PORT: '0' } });
  const address = /http:\S+/.exec(await demo.line(/Live quotes:/))![0];
  const stream = /ws:\S+/.exec(await demo.line(/WebSocket:/))![0];
  await demo.line(/Ctrl-C/);
  t.equal(demo.stdout.match(/^ {4}\S.*/gm)?.length, 3, 'three commands to try');

  const client = new TickClient(stream);
  await client.connect();
  const ticks: { symbol: string; tsEvent: bigint | null }[] = [];
  for await (const tick of client.subscribe({ symbols: ['*'], mode: 'every', kinds: ['quote'] })) {
    ticks.push(tick);
    if (ticks.length === 50) break;
  }
  client.close();
  const newest = Number(ticks.at(-1)!.tsEvent! / 1_000_000n);
  t.ok(Math.abs(Date.now() - newest) < 60_000, 'times are shifted to now');

  const quotes = (await (await fetch(`${address}v1/quotes`)).json()) as unknown;
  t.match(JSON.stringify(quotes), ticks.at(-1)!.symbol, 'REST knows the same symbols');
  t.equal((await fetch(`${address}readyz`)).status, 200);

  const { code, tookMs } = await demo.stop('SIGINT');
  t.equal(code, 0);
  t.ok(tookMs < 2000, `stopped in ${tookMs.toFixed(0)} ms`);

  const reader = LogReader.open(join(cwd, 'data'));
  const [epoch] = reader.epochs();
  const { oldest, newest: last } = reader.bounds(epoch.epoch, 0);
  t.equal(oldest, 1);
  t.ok(last >= ticks.length, `${last} ticks in the log`);
  await reader.close();
  t.notOk(existsSync(join(cwd, 'data', 'engine.lock')), 'the folder is free again');

  const { server } = await serve(t, ['--data', join(cwd, 'data'), '--feed', 'synthetic={"rate":10}']);
  t.equal((await server.stop()).code, 0, 'another engine takes the folder over');
  const replay = await run(t, ['replay', '--data', join(cwd, 'data'), '--to', `1:${last}`]);
  t.equal(replay.stdout.trim().split('\n').length, last, 'and every tick is still there');
});

t.test('port 0 for terminals is a free one, which the simulated terminal finds', async (t) => {
  const demo = start(t, ['demo', '--mt5-port', '0'], { cwd: temporaryFolder(t), env: { PORT: '0' } });
  const stream = /ws:\S+/.exec(await demo.line(/WebSocket:/))![0];
  t.notMatch(await demo.line(/MT5 terminals:/), /:0 /);
  const client = new TickClient(stream);
  await client.connect();
  for await (const tick of client.subscribe({ symbols: ['*'], kinds: ['quote'] })) {
    t.equal(tick.kind, 'quote');
    break;
  }
  client.close();
  t.equal((await demo.stop('SIGINT')).code, 0);
});
