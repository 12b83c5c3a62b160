/** All commands together: `simulate` plays into `serve`, `tail` follows, `replay` reads beside and afterwards. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { freePort, run, serve, start, temporaryFolder } from './support.js';

// Compiled, this file lies one folder deeper than the sources.
const CAPTURE = fileURLToPath(
  new URL('../../../fixtures/ticks/EURUSD_202406190600_202406190615.csv.gz', import.meta.url),
);
const TICKS = 400;

interface Line {
  kind: string;
  symbol: string;
  seq: number;
  bid: number;
  ask: number;
  tsEvent: string;
  tsRecv: string;
}
const linesOf = (ndjson: string) =>
  ndjson
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
    .filter(({ kind }) => kind === 'quote');
const fields = ({ symbol, seq, bid, ask, tsEvent, tsRecv }: Line) => ({
  symbol,
  seq,
  bid,
  ask,
  tsEvent,
  tsRecv,
});

t.test('from the terminal to the replay', async (t) => {
  const data = join(temporaryFolder(t), 'data');
  const mt5Port = await freePort();
  const { server, url } = await serve(t, ['--data', data, '--feed', `mt5={"port":${mt5Port}}`]);
  const tail = start(t, [
    'tail',
    '--url',
    url,
    '--mode',
    'every',
    '--kinds',
    'quote',
    '--json',
    '--count',
    String(TICKS),
  ]);
  const simulation = ['--port', String(mt5Port), '--speed', 'max', '--count', String(TICKS), '--json'];
  const played = await run(t, ['simulate', 'mt5', CAPTURE, ...simulation]);
  t.equal(played.code, 0, played.stderr);
  t.match(JSON.parse(played.stdout), { ticks: TICKS, acked: TICKS, badRecords: 0 });

  const beside = await run(t, ['replay', '--data', data]);
  const replayed = linesOf(beside.stdout).map(fields);
  t.equal(replayed.length, TICKS, 'acknowledged means readable from the log');
  // A tail that connected late has the last state only; it ends by itself once it has seen all.
  if (linesOf(tail.stdout).length === TICKS)
    t.same(linesOf(tail.stdout).map(fields), replayed, 'tail saw the same');

  const { code, tookMs, stdout } = await server.stop('SIGTERM');
  t.equal(code, 0);
  t.ok(tookMs < 2000, `stopped in ${tookMs.toFixed(0)} ms`);
  t.match(JSON.parse(stdout.trim().split('\n').at(-1)!), { event: 'stopped', received: TICKS });
  const after = await run(t, ['replay', '--data', data]);
  t.equal(after.stdout, beside.stdout, 'the log after the engine is the log beside it');
});

t.test('several terminals with the synthetic market, and ranges of the log', async (t) => {
  const data = join(temporaryFolder(t), 'data');
  const mt5Port = await freePort();
  const { server } = await serve(t, ['--data', data, '--shards', '2', '--feed', `mt5={"port":${mt5Port}}`]);
  const market = ['--synthetic', '--symbols', '5', '--terminals', '3', '--speed', 'max', '--count', '300'];
  const played = await run(t, ['simulate', 'mt5', ...market, '--port', String(mt5Port), '--json']);
  t.match(JSON.parse(played.stdout), { terminals: 3, ticks: 900, acked: 900 });
  await server.stop();

  const all = (await run(t, ['replay', '--data', data])).stdout.trim().split('\n');
  const ticks = all.map((line) => JSON.parse(line) as Line & { shard: number; epoch: number });
  const part = await run(t, ['replay', '--data', data, '--from', '1:11,21', '--to', '1:20,30', '--json']);
  const seqs = part.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as (typeof ticks)[number]);
  t.same(
    seqs.filter(({ shard }) => shard === 0).map(({ seq }) => seq),
    [11, 12, 13, 14, 15, 16, 17, 18, 19, 20],
    'a place is inclusive on both sides',
  );
  t.match(JSON.parse(part.stderr), { ticks: seqs.length, missing: 0 });

  const isoOf = (ns: string) =>
    `${new Date(Number(ns.slice(0, -9)) * 1000).toISOString().slice(0, 19)}.${ns.slice(-9)}Z`;
  const [from, to] = [ticks[200].tsRecv, ticks[600].tsRecv];
  const between = await run(t, ['replay', '--data', data, '--from', isoOf(from), '--to', isoOf(to)]);
  // By the running maximum of each shard, as the merge orders them.
  const newest = [0n, 0n];
  const wanted = all.filter((_, i) => {
    const { shard, tsRecv } = ticks[i];
    if (BigInt(tsRecv) > newest[shard]) newest[shard] = BigInt(tsRecv);
    return newest[shard] >= BigInt(from) && newest[shard] < BigInt(to);
  });
  t.equal(between.stdout.trim(), wanted.join('\n'), 'a range of time: from inclusive, to exclusive');
  t.ok(wanted.length > 0 && wanted.length < all.length);
});
