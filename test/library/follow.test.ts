/** In-process reads: the ring from now on, in order, and the table. */
import t from 'tap';
import { createEngine, type Engine, type LocalTick } from '../../src/index.js';
import { assertSums } from '../helpers/sums.js';

const COUNT = 20_000;

function market(options: object): Promise<Engine> {
  return createEngine({
    feeds: [
      { name: 'market', type: 'synthetic', options: { rate: 'max', symbols: 10, count: COUNT, ...options } },
    ],
    dataFolder: false,
    http: false,
    rings: { broadcast: 32_768 },
  });
}

async function untilEnded(engine: Engine): Promise<void> {
  await new Promise<void>((resolve) => {
    engine.on('feedStatus', (_feed, { state }) => {
      if (state === 'ended') resolve();
    });
  });
}

t.test('a follower sees every tick once, in order, and the table ends on its last', async (t) => {
  const engine = await market({});
  const ticks: LocalTick[] = [];
  engine.follow({}, (tick) => void ticks.push(tick));
  const ended = untilEnded(engine);
  await engine.start();
  await ended;
  await engine.stop();
  const totals = engine.totals();
  assertSums(t, totals);
  t.equal(ticks.length, totals.sequenced);
  t.ok(ticks.every((tick, i) => tick.seq === i + 1));
  const last = ticks.findLast((tick) => tick.kind === 'quote')!;
  const value = engine.last(last.symbol)!;
  t.match(value, { symbol: last.symbol, quote: { seq: last.seq, bid: last.bid, ask: last.ask } });
  t.equal(engine.last('NOPE'), undefined);
});

t.test('a tick has the fields of its kind alone', async (t) => {
  const engine = await market({ tradeShare: 0.5 });
  const head = [
    'kind',
    'symbolId',
    'sourceId',
    'symbolSeq',
    'flags',
    'tsEvent',
    'tsRecv',
    'symbol',
    'logId',
    'epoch',
    'shard',
    'seq',
  ];
  const own: Record<string, string[]> = {
    quote: ['bid', 'ask', 'bidSize', 'askSize'],
    trade: ['price', 'size', 'side', 'tradeId'],
    status: ['code', 'args'],
    gap: ['reason', 'first', 'last', 'count'],
  };
  const seen = new Set<string>();
  let wrong: LocalTick | undefined;
  engine.follow({}, (tick) => {
    const due = [...head, ...own[tick.kind]].sort().join();
    seen.add(tick.kind);
    if (Object.keys(tick).sort().join() !== due) wrong ??= tick;
  });
  const ended = untilEnded(engine);
  await engine.start();
  await ended;
  await engine.stop();
  t.same([...seen].sort(), ['quote', 'status', 'trade']);
  t.equal(wrong, undefined);
});

t.test('patterns choose symbols', async (t) => {
  const engine = await market({});
  const seen = new Set<string>();
  engine.follow({ symbols: ['EUR*'] }, (tick) => void seen.add(tick.symbol));
  const ended = untilEnded(engine);
  await engine.start();
  await ended;
  await engine.stop();
  t.ok(seen.size > 0);
  t.ok([...seen].every((name) => name.startsWith('EUR')));
});

t.test('a follower that is too slow is told how much it missed', async (t) => {
  const engine = await market({ count: 200_000 });
  let got = 0;
  let missed = 0;
  const ended = untilEnded(engine);
  const onOvertaken = (ticks: number) => {
    missed += ticks;
  };
  engine.follow({ onOvertaken }, () => {
    // Blocks the thread once, long enough for the ring to go round.
    if (got++ === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
  });
  await engine.start();
  await ended;
  await engine.stop();
  t.equal(got + missed, engine.totals().sequenced, `${missed} missed, all of them told`);
});

t.test('closing ends it', async (t) => {
  const engine = await market({});
  let got = 0;
  const following = engine.follow({}, () => {
    got++;
    following.close();
  });
  const ended = untilEnded(engine);
  await engine.start();
  await ended;
  await engine.stop();
  t.equal(got, 1, 'at once');
});
