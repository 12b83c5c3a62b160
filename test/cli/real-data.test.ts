/**
 * Recorded ticks go the whole way: `ticks simulate mt5` → MT5 port → pipeline → log, and come out at
 * subscribers, over REST, from the table and from `ticks replay`, equal field by field and in order.
 */
import { join } from 'node:path';
import t from 'tap';
import { TickClient } from '../../src/client/index.js';
import { createEngine } from '../../src/engine/engine.js';
import { assertSums } from '../helpers/sums.js';
import { BI5_FOLDER, bi5Quotes, POLL_CSV, polledQuotes, quoteLine, SKIP } from './real-data.js';
import { freePort, run, temporaryFolder } from './support.js';

const BI5_TICKS = 136_741;
const POLLED_TICKS = 89;

interface ReplayLine {
  kind: string;
  symbol: string;
  seq: number;
  bid: number;
  ask: number;
  bidSize: number | null;
  askSize: number | null;
  tsEvent: string;
  tsRecv: string;
}

t.test('through the MT5 port', { skip: SKIP }, async (t) => {
  const dataFolder = join(temporaryFolder(t), 'data');
  const mt5Port = await freePort();
  const engine = await createEngine({
    feeds: [{ name: 'mt5', type: 'mt5', options: { port: mt5Port } }],
    dataFolder,
    http: { port: 0 },
  });
  t.teardown(() => engine.stop());
  await engine.start();

  const every: string[] = [];
  const seqs: number[] = [];
  let latest = { seq: 0, line: '' };
  const client = new TickClient(`ws://127.0.0.1:${engine.port}/v1/stream`);
  t.teardown(() => client.close());
  await client.connect();
  const everySubscription = client.subscribe({ symbols: ['*'], mode: 'every' }, (tick) => {
    if (tick.symbol !== 'EURUSD' || tick.kind !== 'quote' || tick.inSnapshot) return;
    const q = tick.toObject() as Extract<ReturnType<typeof tick.toObject>, { kind: 'quote' }>;
    every.push(quoteLine(q.bid, q.ask, q.bidSize, q.askSize, q.tsEvent));
    seqs.push(q.seq);
  });
  const latestSubscription = client.subscribe(
    { symbols: ['EUR*'], mode: 'latest', kinds: ['quote'] },
    (tick) => {
      const q = tick.toObject() as Extract<ReturnType<typeof tick.toObject>, { kind: 'quote' }>;
      latest = { seq: q.seq, line: quoteLine(q.bid, q.ask, q.bidSize, q.askSize, q.tsEvent) };
    },
  );
  await Promise.all([everySubscription.ready, latestSubscription.ready]);

  const played = await run(t, [
    ...['simulate', 'mt5', BI5_FOLDER, POLL_CSV],
    ...['--port', String(mt5Port), '--speed', 'max', '--json'],
  ]);
  t.equal(played.code, 0, played.stderr);
  const sent = JSON.parse(played.stdout) as { ticks: number; acked: number };
  t.match(sent, { ticks: BI5_TICKS + POLLED_TICKS, acked: BI5_TICKS + POLLED_TICKS });

  const expected = [...(await bi5Quotes(false)), ...polledQuotes()];
  t.equal(expected.length, BI5_TICKS + POLLED_TICKS);
  for (
    let tries = 0;
    tries < 200 && (every.length < expected.length || latest.seq !== seqs.at(-1));
    tries++
  ) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  sameLines(t, every, expected, 'the subscriber of every tick');
  t.equal(everySubscription.gaps, 0, 'no gaps');
  t.equal(everySubscription.repeats, 0, 'no repeats');

  const last = expected.at(-1)!;
  t.same(latest, { seq: seqs.at(-1), line: last }, 'the subscriber of the latest state');
  const { quote } = engine.last('EURUSD')!;
  t.equal(quote!.seq, seqs.at(-1), 'the table');
  t.equal(quoteLine(quote!.bid!, quote!.ask!, quote!.bidSize!, quote!.askSize!, quote!.tsEvent), last);
  const rest = await fetch(`http://127.0.0.1:${engine.port}/v1/quotes/EURUSD`);
  const body = (await rest.json()) as ReplayLine & { quote?: ReplayLine };
  const state = body.quote ?? body;
  t.equal(state.seq, seqs.at(-1), 'REST');
  t.equal(quoteLine(state.bid, state.ask, state.bidSize, state.askSize, state.tsEvent), last);

  const live = await run(t, ['replay', '--data', dataFolder, '--symbols', 'EURUSD']);
  sameLines(t, quotesOf(live.stdout), expected, 'a replay beside the running engine');
  client.close();
  await engine.stop();
  assertSums(t, engine.totals(), { logged: true });
  const csv = await run(t, ['replay', '--data', dataFolder, '--symbols', 'EURUSD', '--format', 'csv']);
  sameLines(t, quotesOfCsv(csv.stdout), expected, 'a replay as CSV, after the engine');
});

function sameLines(t: Tap, found: string[], wanted: string[], message: string): void {
  t.equal(found.length, wanted.length, `${message}: as many`);
  const at = wanted.findIndex((line, i) => found[i] !== line);
  t.equal(
    at < 0 ? '' : found[at],
    at < 0 ? '' : wanted[at],
    `${message}: equal in order (first difference: ${at})`,
  );
}
type Tap = Pick<typeof t, 'equal'>;

function quotesOf(ndjson: string): string[] {
  return ndjson
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ReplayLine)
    .filter((tick) => tick.kind === 'quote')
    .map((tick) => quoteLine(tick.bid, tick.ask, tick.bidSize, tick.askSize, tick.tsEvent));
}

function quotesOfCsv(csv: string): string[] {
  const [header, ...rows] = csv.trim().split('\n');
  const columns = header.split(',');
  const [kind, bid, ask, bidSize, askSize, tsEvent] = [
    'kind',
    'bid',
    'ask',
    'bidSize',
    'askSize',
    'tsEvent',
  ].map((name) => columns.indexOf(name));
  const orNull = (cell: string) => (cell === '' ? null : Number(cell));
  return rows
    .map((row) => row.split(','))
    .filter((cells) => cells[kind] === 'quote')
    .map((c) =>
      quoteLine(Number(c[bid]), Number(c[ask]), orNull(c[bidSize]), orNull(c[askSize]), c[tsEvent]),
    );
}
