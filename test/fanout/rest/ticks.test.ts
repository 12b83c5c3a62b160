/** The history of a symbol in pages: every tick of the range once and in order, in four media types. */
import t from 'tap';
import { REST_PAGE_JOBS_MAX } from '../../../src/core/limits.js';
import { cursorToText } from '../../../src/wire/cursor.js';
import { unpackMessage } from '../../../src/wire/msgpack.js';
import { LOG_ID, type Served, serve } from '../../helpers/fanout.js';
import type { TestLog } from '../../helpers/log/test-log.js';
import { smallMemory } from '../../helpers/memory.js';
import { TestShard } from '../../helpers/test-shard.js';

// biome-ignore lint/suspicious/noExplicitAny: bodies of any shape are what the tests look at
type Body = any;

const START_NS = 1_790_000_000n * 1_000_000_000n;
/** Time of receipt of the tick with a seq: see `TestShard`. */
const receivedNs = (seq: number): bigint => START_NS + BigInt(seq) * 1_000_000n + 12_345n;

/** A server with one shard of `count` ticks, of EURUSD and GBPUSD alternately. Every tenth tick is a trade. */
async function market(t: Tap, count: number, epoch = 1): Promise<Served & { get: Get }> {
  const served = await serve({ log: true, epoch });
  t.teardown(() => served.close());
  fill(served.shard, count);
  const get: Get = (path, headers = {}) =>
    fetch(`http://127.0.0.1:${served.port}${path}`, { headers: { connection: 'close', ...headers } });
  return { ...served, get };
}

type Tap = Pick<typeof t, 'teardown'>;
type Get = (path: string, headers?: Record<string, string>) => Promise<Response>;

function fill(shard: TestShard, count: number): void {
  const ids = [shard.define('EURUSD'), shard.define('GBPUSD', 5)];
  for (let i = 1; i <= count; i++) {
    const id = ids[i % 2];
    if (i % 10 === 0) shard.trade(id, 1.1, i);
    else shard.quote(id, 1.1, 1.10002);
  }
  shard.commit();
}

/** Adds an earlier epoch of `count` ticks to a log of the same symbols. */
function addPast(log: TestLog, epoch: number, count: number): void {
  const shard = new TestShard(smallMemory());
  fill(shard, count);
  log.past.push({
    info: { epoch, shards: 1, firstSeq: [1], lastSeq: [count] },
    records: shard.history,
  });
}

/** Requests all pages by their cursors; asserts that every answer is a page. */
async function allPages(
  t: Tap & { equal: typeof import('tap').t.equal },
  get: Get,
  query: string,
): Promise<Body[]> {
  const pages: Body[] = [];
  for (let cursor = ''; ; ) {
    const response = await get(`/v1/ticks/GBPUSD?${query}${cursor && `&cursor=${cursor}`}`);
    t.equal(response.status, 200);
    const page = (await response.json()) as Body;
    pages.push(page);
    if (!page.more) return pages;
    cursor = page.cursor;
  }
}

const seqsOf = (pages: Body[]): number[] => pages.flatMap((page) => page.ticks.map((tick: Body) => tick.seq));
const odd = (from: number, to: number): number[] =>
  Array.from({ length: to }, (_, i) => i + 1).filter((seq) => seq >= from && seq % 2 === 1);

t.test('pages together hold every tick once, in order, across epochs', async (t) => {
  const { log, get, shard } = await market(t, 100, 3);
  addPast(log!, 1, 55);
  addPast(log!, 2, 0);
  const pages = await allPages(t, get, 'limit=7');
  t.same(seqsOf(pages.filter((p) => p.epoch === 1)), odd(1, 55));
  t.same(seqsOf(pages.filter((p) => p.epoch === 3)), odd(1, 99));
  t.ok(pages.every((p) => p.ticks.length <= 7 && p.symbol === 'GBPUSD' && p.digits === 5 && p.shard === 0));
  t.match(pages[0].ticks[0], {
    kind: 'quote',
    symbol: 'GBPUSD',
    seq: 1,
    bid: 1.1,
    tsRecv: String(receivedNs(1)),
  });

  const { cursor } = pages[pages.length - 1];
  const nothing = (await (await get(`/v1/ticks/GBPUSD?cursor=${cursor}`)).json()) as Body;
  t.match(nothing, { ticks: [], more: false, cursor }, 'it stands where it was');
  shard.quote(2, 1.2, 1.3);
  shard.commit();
  const next = (await (await get(`/v1/ticks/GBPUSD?cursor=${cursor}`)).json()) as Body;
  t.same(seqsOf([next]), [101], 'the last cursor goes on with what came later');
});

t.test('without from, pages begin at the oldest tick that the log holds', async (t) => {
  const EMPTIED = 20;
  const { log, get } = await market(t, 100, EMPTIED + 2);
  // Retention has removed most epochs, and of one epoch all but the end.
  for (let epoch = 1; epoch <= EMPTIED + 1; epoch++) addPast(log!, epoch, 60);
  for (const { info } of log!.past) info.firstSeq = [info.epoch <= EMPTIED ? 61 : 41];
  const pages = await allPages(t, get, 'limit=7');
  t.same(seqsOf(pages.filter((p) => p.epoch === EMPTIED + 1)), odd(41, 60));
  t.same(seqsOf(pages.filter((p) => p.epoch === EMPTIED + 2)), odd(1, 99));
  t.same(
    pages.flatMap((p) => p.gaps),
    [],
    'what retention has removed before is no gap',
  );
  t.equal(pages[0].ticks[0].seq, 41, 'the first page has ticks');
});

t.test('times are those of receipt, from inclusive, to exclusive', async (t) => {
  const { log, get } = await market(t, 100, 2);
  addPast(log!, 1, 10);
  for (let i = 0; i < 10; i++) log!.past[0].records.u32[i * 16 + 6] = 1_780_000_000;
  const from = `from=${receivedNs(31)}`;
  t.same(seqsOf(await allPages(t, get, `${from}&to=${receivedNs(41)}&limit=2`)), odd(31, 39));
  t.same(seqsOf(await allPages(t, get, `${from}&to=${receivedNs(41) + 1n}`)), odd(31, 41));
  t.same(seqsOf(await allPages(t, get, `from=${receivedNs(31) + 1n}`)), odd(33, 99));
  t.same(
    seqsOf(await allPages(t, get, `from=2026-09-21T14:13:20.031Z&to=2026-09-21T14:13:20.035012346`)),
    odd(31, 35),
  );
  t.same(
    seqsOf(await allPages(t, get, `from=2026-09-21T16:13:20.031+02:00&to=${receivedNs(36)}`)),
    odd(31, 35),
  );
  t.same(seqsOf(await allPages(t, get, 'to=2026-09-01')), odd(1, 9), 'only the first epoch');
  t.same(seqsOf(await allPages(t, get, 'from=2026-09-01&to=2026-09-02')), [], 'between the epochs');
  t.same(seqsOf(await allPages(t, get, 'from=2027-01-01')), [], 'later than everything');

  const [future] = await allPages(t, get, 'from=2027-01-01');
  const later = (await (
    await get(`/v1/ticks/GBPUSD?from=2027-01-01&cursor=${future.cursor}`)
  ).json()) as Body;
  t.same(later.ticks, [], 'from holds for later pages too');
});

t.test('four media types have the same content', async (t) => {
  const { get } = await market(t, 100);
  const path = '/v1/ticks/GBPUSD?limit=20&to=2027-01-01';
  const types = ['application/json', 'application/x-ndjson', 'text/csv', 'application/msgpack'];
  const answers = await Promise.all(types.map((accept) => get(path, { accept })));
  for (const [i, answer] of answers.entries()) t.equal(answer.headers.get('content-type'), types[i]);
  const json = (await answers[0].json()) as Body;
  const lines = (await answers[1].text())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.same(
    lines,
    json.ticks.map((tick: Body) => ({ epoch: 1, shard: 0, ...tick })),
  );
  const [header, ...rows] = (await answers[2].text()).trimEnd().split('\n');
  t.match(header, /^epoch,shard,seq,symbol,symbolSeq,kind,tsEvent,tsRecv,bid,ask/);
  t.equal(
    rows[0],
    `1,0,1,GBPUSD,1,quote,${receivedNs(1) - 12_345n},${receivedNs(1)},1.10000,1.10002,,,,,,,,,,,,,`,
  );
  t.equal(rows.length, 20);
  const packed = unpackMessage(new Uint8Array(await answers[3].arrayBuffer())) as Body;
  const { ticks, ...head } = packed;
  t.same(head, {
    symbol: 'GBPUSD',
    symbolId: 2,
    digits: 5,
    epoch: 1,
    shard: 0,
    cursor: json.cursor,
    more: true,
    gaps: [],
  });
  t.same(ticks[0], [0, 2, 1, 1, 0, receivedNs(1) - 12_345n, receivedNs(1), 1.1, 1.10002, null, null]);
  t.same(
    ticks.map((tick: Body) => tick[2]),
    seqsOf([json]),
  );

  for (const answer of answers) {
    t.equal(answer.headers.get('x-next-cursor'), json.cursor);
    t.equal(answer.headers.get('x-missing'), '0');
    const link = /^<(.+)>; rel="next"$/.exec(answer.headers.get('link') ?? '');
    t.same(seqsOf([await (await get(link?.[1] ?? '')).json()]), odd(41, 79), 'the link leads on, as asked');
  }
  const all = await get('/v1/ticks/GBPUSD');
  t.equal(all.headers.get('link'), null, 'the last page links nowhere');
  t.ok(all.headers.get('x-next-cursor'), 'and has a cursor all the same');

  const typeOf = async (query: string, accept: string) =>
    (await get(`/v1/ticks/GBPUSD?limit=1${query}`, { accept })).headers.get('content-type');
  t.equal(await typeOf('', 'text/html,application/xhtml+xml,*/*;q=0.8'), 'application/json');
  t.equal(await typeOf('', 'application/json;q=0.1, text/*'), 'text/csv');
  t.equal(await typeOf('', 'application/vnd.msgpack'), 'application/vnd.msgpack');
  t.equal(await typeOf('', 'application/x-msgpack'), 'application/x-msgpack');
  t.equal(await typeOf('&format=csv', 'text/html'), 'text/csv');
  t.equal(await typeOf('', 'text/html'), 'application/problem+json');
});

t.test('a request that cannot be answered gets a problem document that says what to do', async (t) => {
  const { get, log } = await market(t, 100, 2);
  const old = cursorToText({ logId: LOG_ID, epoch: 1, seqs: [5] });
  const foreign = cursorToText({ logId: 'f'.repeat(16), epoch: 2, seqs: [5] });
  const beyond = cursorToText({ logId: LOG_ID, epoch: 2, seqs: [101] });
  for (const [path, status, code, accept] of [
    ['NOPE', 404, 'unknown_symbol'],
    ['$engine', 404, 'unknown_symbol'],
    ['GBPUSD?limit=0', 400, 'bad_request'],
    ['GBPUSD?limit=10001', 400, 'bad_request'],
    ['GBPUSD?limit=1e3', 400, 'bad_request'],
    ['GBPUSD?limit=', 400, 'bad_request'],
    ['GBPUSD?from=yesterday', 400, 'bad_request'],
    ['GBPUSD?from=1790000000', 400, 'bad_request'],
    ['GBPUSD?from=2026-02-30', 400, 'bad_request'],
    ['GBPUSD?to=2026-09-21T24:00:00Z', 400, 'bad_request'],
    ['GBPUSD?from=2026-09-21T08:00:00%2B24:00', 400, 'bad_request'],
    ['GBPUSD?from=2026-01-02&to=2026-01-01', 400, 'bad_request'],
    ['GBPUSD?format=xml', 400, 'bad_request'],
    ['GBPUSD?limits=5', 400, 'bad_request'],
    ['GBPUSD?limit=5&limit=6', 400, 'bad_request'],
    ['GBPUSD?__proto__=5', 400, 'bad_request'],
    ['GBPUSD?from=%f', 400, 'bad_request'],
    ['%ff', 400, 'bad_request'],
    ['GBPUSD', 406, 'not_acceptable', 'text/html'],
    ['GBPUSD?cursor=nonsense', 400, 'cursor_invalid'],
    ['GBPUSD?cursor=', 400, 'cursor_invalid'],
    [`GBPUSD?cursor=${foreign}`, 404, 'cursor_unknown'],
    [`GBPUSD?cursor=${beyond}`, 404, 'cursor_unknown'],
    [`GBPUSD?cursor=${old}`, 410, 'cursor_expired'],
  ] as const) {
    const response = await get(`/v1/ticks/${path}`, accept === undefined ? {} : { accept });
    t.equal(response.headers.get('content-type'), 'application/problem+json');
    t.match(await response.json(), { type: 'about:blank', status, code, title: /\w/, detail: /\.$/ }, path);
  }
  const expired = (await (await get(`/v1/ticks/GBPUSD?cursor=${old}`)).json()) as Body;
  const again = (await (await get(`/v1/ticks/GBPUSD?cursor=${expired.oldest}`)).json()) as Body;
  t.same(seqsOf([again]), odd(1, 99), 'the oldest cursor begins at the oldest tick');

  log!.readRange = () => Promise.reject(new Error('no disk'));
  const failed = await get('/v1/ticks/GBPUSD');
  t.match(await failed.json(), { status: 503, code: 'log_failed' });
  t.equal(failed.headers.get('retry-after'), '1');

  const without = await serve();
  t.teardown(() => without.close());
  without.shard.define('EURUSD');
  const answer = await fetch(`http://127.0.0.1:${without.port}/v1/ticks/EURUSD`, {
    headers: { connection: 'close' },
  });
  t.match(await answer.json(), { status: 501, code: 'no_log' });
});

t.test('gaps name the seqs that the log does not hold', async (t) => {
  const { get, log } = await market(t, 100, 2);
  addPast(log!, 1, 10);
  log!.oldest = 51;
  const pages = await allPages(t, get, '');
  t.same(pages[0].gaps, []);
  t.same(seqsOf(pages.slice(1)), odd(51, 99));
  t.same(pages[1].gaps, [{ epoch: 2, shard: 0, first: 1, last: 50 }]);
  const from = `from=${receivedNs(20)}`;
  const [held] = await allPages(t, get, from);
  t.same(
    [held.gaps, seqsOf([held])],
    [[], odd(51, 99)],
    'a time stands for the first tick that is held after it',
  );

  const read = log!.readRange.bind(log!);
  log!.readRange = async (request) => ({
    ...(await read(request)),
    count: 0,
    nextSeq: request.fromSeq,
    gaps: [],
  });
  const [nothing] = await allPages(t, get, from);
  t.same(nothing.gaps, [{ epoch: 2, shard: 0, first: 51, last: 100 }], 'removed behind our back');
});

t.test('a page of a rare symbol ends after a limited number of jobs, and its cursor continues', async (t) => {
  const { get, log } = await market(t, 100);
  const read = log!.readRange.bind(log!);
  log!.readRange = (request) => read({ ...request, toSeq: Math.min(request.toSeq, request.fromSeq) });
  const pages = await allPages(t, get, '');
  t.equal(pages.length, Math.ceil(100 / REST_PAGE_JOBS_MAX));
  t.same(seqsOf(pages), odd(1, 99));
});

t.test('REST takes a cursor of the stream, and the stream takes a cursor of a page', async (t) => {
  const served = await market(t, 100);
  const client = await served.connect('json');
  const subscribed = await client.subscribe(['GBPUSD'], { mode: 'every', snapshot: false });
  served.shard.quote(2, 1.2, 1.3);
  served.shard.commit();
  await client.until(() => client.ticks.length > 0);
  const after = (await (await served.get(`/v1/ticks/GBPUSD?cursor=${subscribed.cursor}`)).json()) as Body;
  t.same(seqsOf([after]), [101]);
  const page = (await (await served.get('/v1/ticks/GBPUSD?limit=48')).json()) as Body;
  await client.subscribe(['GBPUSD'], { mode: 'every', from: page.cursor });
  await client.until(() => client.ticks.filter((tick) => tick.sub !== subscribed.sub).length >= 3);
  t.same(
    client.ticks.filter((tick) => tick.sub !== subscribed.sub).map((tick) => tick.seq),
    [97, 99, 101],
  );
});

t.test('a cursor of withdrawn ticks gets rewound', async (t) => {
  const { get, log } = await market(t, 10, 2);
  addPast(log!, 1, 10);
  const lost = cursorToText({ logId: LOG_ID, epoch: 1, seqs: [20] });
  const page = (await (await get(`/v1/ticks/GBPUSD?cursor=${lost}`)).json()) as Body;
  t.match(page, { rewound: { epoch: 1, lastSeq: [10] }, epoch: 2 });
  t.same(seqsOf([page]), odd(1, 9));
});

t.test('the largest page', async (t) => {
  const { get } = await market(t, 20_010);
  const response = await get('/v1/ticks/GBPUSD?limit=10000');
  const page = (await response.json()) as Body;
  t.equal(page.ticks.length, 10_000);
  t.equal(page.more, true);
  const packed = await get('/v1/ticks/GBPUSD?limit=10000&format=msgpack');
  const { ticks } = unpackMessage(new Uint8Array(await packed.arrayBuffer())) as Body;
  t.same(
    ticks.map((tick: Body) => tick[2]),
    seqsOf([page]),
  );
});
