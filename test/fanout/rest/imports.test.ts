/** Pages with imports have one order, whatever their size. Only live ticks follow a cursor of the stream. */
import t from 'tap';
import {
  copyRecord,
  RECORD_U32,
  Records,
  U32_SYMBOL,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
} from '../../../src/core/tick.js';
import { cursorFromText, cursorToText } from '../../../src/wire/cursor.js';
import { pageTokenFromText, pageTokenToText } from '../../../src/wire/page-token.js';
import { LOG_ID, serve } from '../../helpers/fanout.js';
import { smallMemory } from '../../helpers/memory.js';
import { Random } from '../../helpers/random.js';
import { TestShard } from '../../helpers/test-shard.js';

// biome-ignore lint/suspicious/noExplicitAny: bodies of any shape are what the tests look at
type Body = any;

const START_S = 1_790_000_000;
const PRESENT = 2;
const IMPORTS = [2 ** 31 + 5, 2 ** 31 + 900, 2 ** 31 + 17];

interface Seen {
  ms: number;
  epoch: number;
  seq: number;
}

/** A server whose log has live ticks of two epochs, and imports at random times around them. */
async function market(t: Pick<typeof import('tap').t, 'teardown'>, random: Random) {
  const served = await serve({ log: true, epoch: PRESENT });
  t.teardown(() => served.close());
  const wanted: Seen[] = [];
  const { shard, log } = served;
  const fill = (to: TestShard, epoch: number, count: number, fromMs: number): void => {
    const id = to.define('EURUSD');
    for (let seq = 1; seq <= count; seq++) to.quote(id, 1.1, 1.2);
    for (let seq = 1, ms = fromMs, max = 0; seq <= count; seq++) {
      // Some ticks were received a little earlier than the tick with the previous seq.
      ms += random.below(4);
      const at = random.chance(9) ? ms - 2 : ms;
      const w = (seq - 1) * RECORD_U32;
      to.history.u32[w + U32_TS_RECV_S] = START_S + Math.floor(at / 1000);
      to.history.u32[w + U32_TS_RECV_NS] = (at % 1000) * 1_000_000;
      max = Math.max(max, at);
      wanted.push({ ms: max, epoch, seq });
    }
  };
  const before = new TestShard(smallMemory());
  fill(before, 1, 60, 100);
  log!.past.push({ info: { epoch: 1, shards: 1, firstSeq: [1], lastSeq: [60] }, records: before.history });
  fill(shard, PRESENT, 80, 400);
  shard.commit();

  const imported: { records: Records; epochs: number[]; seqs: number[] } = {
    records: Records.allocate(300),
    epochs: [],
    seqs: [],
  };
  for (const epoch of IMPORTS) {
    let ms = random.below(200);
    for (let seq = 1; seq <= 100; seq++) {
      ms += random.below(10);
      const i = imported.epochs.length;
      copyRecord(before.history, 0, imported.records, i);
      const w = i * RECORD_U32;
      imported.records.u32[w + U32_SYMBOL] = 1;
      imported.records.u32[w + U32_TS_RECV_S] = START_S + Math.floor(ms / 1000);
      imported.records.u32[w + U32_TS_RECV_NS] = (ms % 1000) * 1_000_000;
      imported.epochs.push(epoch);
      imported.seqs.push(seq);
      wanted.push({ ms, epoch, seq });
    }
  }
  log!.imported = imported;
  wanted.sort((a, b) => a.ms - b.ms || a.epoch - b.epoch || a.seq - b.seq);
  const get = async (query: string): Promise<Body> => {
    const response = await fetch(`http://127.0.0.1:${served.port}/v1/ticks/EURUSD?${query}`, {
      headers: { connection: 'close' },
    });
    return { status: response.status, ...(await response.json()) };
  };
  return { ...served, wanted, get };
}

/** The ticks on all pages of a range, with epochs from `runs`. Asserts that each answer is a page. */
async function seenIn(
  t: Pick<typeof import('tap').t, 'equal'>,
  get: (query: string) => Promise<Body>,
  query: string,
  limit: number,
): Promise<{ seen: string[]; last: Body }> {
  const seen: string[] = [];
  for (let cursor = ''; ; ) {
    const page = await get(`${query}limit=${limit}${cursor && `&cursor=${cursor}`}`);
    t.equal(page.status, 200);
    const runs = page.runs ?? [{ epoch: page.epoch, shard: page.shard, count: page.ticks.length }];
    const epochs = runs.flatMap(({ epoch, count }: Body) => new Array(count).fill(epoch));
    t.equal(epochs.length, page.ticks.length);
    seen.push(...page.ticks.map((tick: Body, i: number) => `${epochs[i]}:${tick.seq}`));
    if (!page.more) return { seen, last: page };
    t.equal(page.cursor === cursor, false, 'it moves on');
    cursor = page.cursor;
  }
}

const named = (ticks: readonly Seen[]): string[] => ticks.map(({ epoch, seq }) => `${epoch}:${seq}`);
const isoOf = (ms: number): string => new Date(START_S * 1000 + ms).toISOString();

for (const seed of [1, 2, 3]) {
  t.test(`every tick once, in one order (seed ${seed})`, async (t) => {
    const { get, wanted } = await market(t, new Random(seed));
    for (const limit of [1, 7, 100, 10_000]) {
      const { seen, last } = await seenIn(t, get, '', limit);
      t.same(seen, named(wanted), `pages of ${limit}`);
      t.match(cursorFromText(last.cursor), { epoch: PRESENT }, 'the last cursor is one of the stream');
    }
    const range = wanted.filter(({ ms }) => ms >= 250 && ms < 450);
    const { seen } = await seenIn(t, get, `from=${isoOf(250)}&to=${isoOf(450)}&`, 13);
    // Live ticks are in seq order: a tick with an earlier time of receipt keeps its position.
    const isImport = (name: string) => Number(name.split(':')[0]) >= 2 ** 31;
    t.same(seen.filter(isImport), named(range).filter(isImport));
    t.equal(new Set(seen).size, seen.length);
  });
}

t.test('only live ticks follow a cursor of the stream', async (t) => {
  const { get } = await market(t, new Random(4));
  const cursor = cursorToText({ logId: LOG_ID, epoch: 1, seqs: [10] });
  const page = await get(`cursor=${cursor}`);
  t.same(
    [page.epoch, page.runs, page.ticks.map(({ seq }: Body) => seq)],
    [1, undefined, Array.from({ length: 50 }, (_, i) => 11 + i)],
  );
  t.match(cursorFromText(page.cursor), { epoch: 1 });
});

t.test('lines have the epoch of each tick, and the cursor of a page is not one of the stream', async (t) => {
  const { get, port, wanted } = await market(t, new Random(5));
  const answer = await fetch(`http://127.0.0.1:${port}/v1/ticks/EURUSD?limit=200&format=ndjson`);
  const lines = (await answer.text()).trimEnd().split('\n');
  t.same(
    lines.map((line) => JSON.parse(line)).map(({ epoch, shard, seq }) => [epoch, shard, seq]),
    wanted.slice(0, lines.length).map(({ epoch, seq }) => [epoch, 0, seq]),
  );
  const token = answer.headers.get('x-next-cursor')!;
  t.equal(cursorFromText(token), null);
  const { cursor, imports, recvMax } = pageTokenFromText(token)!;
  t.equal(pageTokenToText({ cursor, imports, recvMax }), token);
  for (const bad of [`${token}.x`, `${token}x`, `.${token.split('.')[1]}`, token.slice(0, -3)]) {
    t.equal(pageTokenFromText(bad), null);
    t.match(await get(`cursor=${bad}`), { status: 400, code: 'cursor_invalid' });
  }
});
