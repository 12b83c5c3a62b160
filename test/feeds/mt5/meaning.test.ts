/** What the flags and fields of a tick mean: quote, trade, both, or nothing that can be used. */
import t from 'tap';
import { Bench, type RawTick } from './harness.js';

const S = 1_700_000_000_000;

t.test('flags and fields', async (t) => {
  const bench = await new Bench().start();
  const terminal = bench.terminal();
  const fx = terminal.define('EURUSD', 5);
  const spread = terminal.define('SPREAD', 2, { negative: true });
  await terminal.start();
  const cases: [string, number, Parameters<typeof terminal.send>[2], number[], object[]][] = [
    [
      'both sides',
      fx,
      1030,
      [1.1, 1.2],
      [{ kind: 'quote', bid: 1.1, ask: 1.2, bidSize: null, askSize: null }],
    ],
    ['flags 0', fx, 0, [1.1, 1.2], [{ kind: 'quote', bid: 1.1, ask: 1.2 }]],
    ['only the undocumented bit', fx, 1024, [1.1, 1.2], [{ kind: 'quote', bid: 1.1 }]],
    ['buy and sell on FX', fx, 102, [1.1, 1.2], [{ kind: 'quote', flags: [] }]],
    ['locked', fx, 6, [1.1, 1.1], [{ kind: 'quote', bid: 1.1, ask: 1.1 }]],
    ['a side of 0 is missing', fx, 2, [1.1, 0], [{ kind: 'quote', bid: 1.1, ask: Number.MAX_VALUE }]],
    ['NaN goes on as it is', fx, 6, [Number.NaN, 1.2], [{ kind: 'quote', bid: Number.NaN, ask: 1.2 }]],
    ['so does infinity', fx, 6, [1.1, Infinity], [{ kind: 'quote', ask: Infinity }]],
    ['and a negative price', fx, 6, [-1.1, 1.2], [{ kind: 'quote', bid: -1.1 }]],
    [
      'buy',
      fx,
      56,
      [1.1, 1.2, 1.15, 3],
      [{ kind: 'trade', price: 1.15, size: 3, tradeId: null, flags: ['buy'] }],
    ],
    ['sell', fx, 88, [1.1, 1.2, 1.15, 0.5], [{ kind: 'trade', size: 0.5, flags: ['sell'] }]],
    ['no aggressor', fx, 120, [1.1, 1.2, 1.15, 0], [{ kind: 'trade', size: null, flags: [] }]],
    ['buy alone', fx, 32, [1.1, 1.2, 1.15, 1], [{ kind: 'trade', flags: ['buy'] }]],
    ['only a last price', fx, 0, [0, 0, 1.15, 1], [{ kind: 'trade', price: 1.15 }]],
    ['last named but 0', fx, 8, [1.1, 1.2], [{ kind: 'quote' }]],
    [
      'both',
      fx,
      30,
      [1.1, 1.2, 1.15, 2],
      [
        { kind: 'quote', ask: 1.2 },
        { kind: 'trade', price: 1.15 },
      ],
    ],
    ['nothing at all', fx, 6, [0, 0], []],
    ['a named zero may be a price', spread, 2, [0, 0.1], [{ kind: 'quote', bid: 0, ask: 0.1 }]],
    ['one not named may not', spread, 4, [0, 0.1], [{ kind: 'quote', bid: Number.MAX_VALUE, ask: 0.1 }]],
    ['a negative trade', spread, 24, [0, 0, -0.2, 1], [{ kind: 'trade', price: -0.2 }]],
  ];
  cases.forEach(([, symbol, flags, [bid, ask, last, volume]], i) => {
    terminal.send(symbol, S + i, flags, bid, ask, last, volume);
  });
  let isDrained = false;
  const drained = terminal.drain().then(() => {
    isDrained = true;
  });
  await bench.reading(() => isDrained, 'all acknowledged');
  await drained;
  const byCase = new Map<number, RawTick[]>();
  for (const tick of bench.ticks) {
    const i = Number(tick.tsEvent! / 1_000_000n) - S;
    byCase.set(i, [...(byCase.get(i) ?? []), tick]);
  }
  cases.forEach(([name, , , , expected], i) => {
    const got = byCase.get(i) ?? [];
    t.equal(got.length, expected.length, `${name}: records`);
    for (const [k, fields] of expected.entries()) t.match(got[k], fields, name);
  });
  const pair = byCase.get(cases.findIndex(([name]) => name === 'both'))!;
  t.equal(pair[1].position - pair[0].position, 1, 'the quote of a split tick stands one below its trade');
  const totals = bench.counters.totals();
  t.match(totals, { received: cases.length, split: 1, rejectedBy: { bad_price: 1 } });
  t.equal(bench.missing, 0, 'sums hold');
  await terminal.close();
  await bench.server.stop();
});
