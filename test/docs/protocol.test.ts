/** The protocol page names every code and flag of the source, and nothing else; and what it says of the protocol layer holds. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import WebSocket from 'ws';
import { Flag, GapReason, StatusCode } from '../../src/core/tick.js';
import { PROBLEMS } from '../../src/fanout/contract/answers.js';
import { CloseCode, WIRE_ERRORS } from '../../src/wire/ticks.js';
import { serve } from '../helpers/fanout.js';
import { asker } from '../helpers/http.js';

const PAGE = readFileSync(fileURLToPath(new URL('../../../docs/protocol.md', import.meta.url)), 'utf8');

/** The cells of a table under a heading, row by row, without its head. */
function rowsUnder(heading: string): string[][] {
  const section = PAGE.split(/^#+ /m).find((part) => part.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`the page has no section ${heading}`);
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const wordsIn = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word);
const numbersIn = (cell: string) => [...cell.matchAll(/\d+/g)].map(([digits]) => Number(digits));

t.test('errors of the stream', async (t) => {
  const told = rowsUnder('Errors').flatMap(([codes]) => wordsIn(codes));
  t.same(told.sort(), [...WIRE_ERRORS].sort());
});

t.test('close codes', async (t) => {
  const told = rowsUnder('Closing').flatMap(([codes]) => numbersIn(codes));
  const LOST = 1006;
  t.same(told.sort(), [...Object.values(CloseCode), LOST].sort());
});

t.test('problems of REST, with their status', async (t) => {
  const told = rowsUnder('Problems').flatMap(([statuses, codes]) =>
    numbersIn(statuses).flatMap((status) => wordsIn(codes).map((code) => `${status} ${code}`)),
  );
  const known = Object.entries(PROBLEMS).flatMap(([code, statuses]) => statuses.map((s) => `${s} ${code}`));
  t.same(told.sort(), known.sort());
});

t.test('flags, with their bits', async (t) => {
  const told = rowsUnder('Flags').flatMap(([names, bits]) => {
    const numbers = numbersIn(bits);
    return wordsIn(names).map((name, i) => [name, numbers[i]]);
  });
  t.same(Object.fromEntries(told), Flag);
});

t.test('statuses, and reasons of gaps', async (t) => {
  const told = rowsUnder('Statuses').flatMap(([codes]) => numbersIn(codes));
  t.same(told, Object.values(StatusCode));
  const reasons = rowsUnder('Gaps').flatMap(([codes]) => numbersIn(codes));
  t.same(reasons, Object.values(GapReason));
});

t.test('no extension is agreed to, and fragmented requests are taken', async (t) => {
  const served = await serve();
  t.teardown(() => served.close());
  const url = `ws://127.0.0.1:${served.port}/v1/stream`;
  const socket = new WebSocket(url, 'ticks.json.v1', { perMessageDeflate: true });
  const messages: string[] = [];
  socket.on('message', (data) => messages.push(String(data)));
  const until = async (count: number) => {
    while (messages.length < count) await new Promise((resolve) => socket.once('message', resolve));
  };
  await until(1);
  t.equal(socket.extensions, '');
  const request = JSON.stringify({ op: 'ping', id: 7 });
  socket.send(request.slice(0, 5), { fin: false });
  socket.send(request.slice(5, 9), { fin: false });
  socket.send(request.slice(9));
  await until(2);
  t.match(JSON.parse(messages[1]), { op: 'pong', id: 7 });
  socket.terminate();
});

t.test('a time that lies ahead is the place behind the newest tick', async (t) => {
  const served = await serve({ log: true, plan: { shards: 1 } });
  t.teardown(() => served.close());
  const { shard } = served;
  const id = shard.define('EURUSD');
  for (let i = 0; i < 5; i++) shard.quote(id, 1.1, 1.2);
  shard.commit();
  const client = await served.connect();
  for (const mode of ['every', 'latest']) {
    const { op } = await client.subscribe(['*'], { mode, from: '2099-01-01' });
    t.equal(op, 'subscribed');
  }
  await client.until(() => client.controls.filter(({ op }) => op === 'caught_up').length === 2);
  shard.quote(id, 1.3, 1.4);
  shard.commit();
  await client.until(() => client.ticks.length === 2);
  t.ok(client.ticks.every(({ seq }) => seq === 6));
  const page = await asker(served.port)('/v1/ticks/EURUSD?from=2099-01-01');
  t.match(JSON.parse(page.body), { ticks: [], more: false });
  const { cursor } = JSON.parse(page.body);
  await client.subscribe(['*'], { mode: 'every', from: cursor });
  shard.quote(id, 1.5, 1.6);
  shard.commit();
  await client.until(() => client.ticks.length === 5);
  t.same(
    client.ticks.slice(2).map(({ seq }) => seq),
    [7, 7, 7],
    'and so is that of a page',
  );
});

t.test('history without an epoch is of the present one, and says which', async (t) => {
  const served = await serve({ log: true, epoch: 3 });
  t.teardown(() => served.close());
  const { shard } = served;
  const id = shard.define('EURUSD');
  for (let i = 0; i < 5; i++) shard.quote(id, 1.1, 1.2);
  shard.commit();
  const client = await served.connect('json');
  const ask = (more: object) =>
    client.request({ op: 'history', symbol: 'EURUSD', fromSymbolSeq: 2, toSymbolSeq: 3, ...more });
  t.match(await ask({}), { epoch: 3, missing: 0, ticks: [{ symbolSeq: 2 }, { symbolSeq: 3 }] });
  t.match(await ask({ epoch: 2 }), { epoch: 2, missing: 2, ticks: [] });
});

t.test('a cursor is good for other symbols, kinds, modes and encodings', async (t) => {
  const served = await serve({ log: true, plan: { shards: 2 } });
  t.teardown(() => served.close());
  const ids = ['A', 'B', 'C', 'D'].map((name) => served.shard.define(name));
  const write = () => {
    for (const id of ids) served.shards[served.shardOf(id)].trade(id, 1);
    for (const shard of served.shards) shard.commit();
  };
  const first = await served.connect('packed');
  await first.subscribe(['A'], { mode: 'every', kinds: ['trade'] });
  write();
  await first.until(() => first.ticks.length === 1);
  const { cursor } = first;
  write();
  for (const encoding of ['msgpack', 'json'] as const) {
    for (const mode of ['every', 'latest']) {
      const client = await served.connect(encoding);
      await client.subscribe(['*'], { mode, from: cursor });
      await client.until(() => client.ticks.length >= ids.length);
      t.equal(client.ticks.length, ids.length, 'of all shards, what follows the batch');
    }
  }
});

t.test(
  'latest with an interval: a trade that was sent before a quote that waits comes again after resuming',
  async (t) => {
    const served = await serve();
    t.teardown(() => served.close());
    const { shard } = served;
    const id = shard.define('EURUSD');
    shard.quote(id, 1.1, 1.2);
    shard.commit();
    const first = await served.connect();
    await first.subscribe(['*'], { intervalMs: 3_600_000 });
    await first.until(() => first.ticks.length === 1);
    shard.quote(id, 1.2, 1.3);
    shard.trade(id, 1.25);
    shard.commit();
    await first.until(() => first.ticks.length === 2);
    t.match(first.ticks[1], { kind: 'trade', seq: 3 });
    const second = await served.connect();
    await second.subscribe(['*'], { from: first.cursor });
    await second.until(() => second.ticks.length === 2);
    t.match(second.ticks, [
      { kind: 'quote', seq: 2 },
      { kind: 'trade', seq: 3 },
    ]);
  },
);
