/** The view is one object for all ticks: what a kind does not have is NaN, whatever came before it. */
import t from 'tap';
import { type PlainTick, TickClient, type TickView } from '../../src/client/index.js';
import { Flag, GapReason, StatusCode } from '../../src/core/tick.js';
import { ENCODINGS } from '../../src/wire/ticks.js';
import { serve } from '../helpers/fanout.js';
import type { TestShard } from '../helpers/test-shard.js';

const FIELDS = ['bid', 'ask', 'bidSize', 'askSize', 'price', 'size', 'tradeId', 'side', 'code'] as const;

/** What each kind says in the view, beside which all is NaN. */
const SAYS: Record<string, Partial<TickView>> = {
  quote: { bid: 1.5, ask: 1.625, bidSize: 3, askSize: 4 },
  sizeless: { bid: 1.25, ask: 1.375 },
  trade: { price: 1.75, size: 1, tradeId: 77, side: 'sell' },
  anonymous: { price: 1.875, size: 1 },
  status: { code: StatusCode.halted },
  gap: { code: GapReason.sourceSequence },
};
/** What each has as an object. */
const HAS: Record<string, object> = {
  quote: { kind: 'quote', ...SAYS.quote },
  sizeless: { kind: 'quote', ...SAYS.sizeless, bidSize: null, askSize: null },
  trade: { kind: 'trade', ...SAYS.trade },
  anonymous: { kind: 'trade', ...SAYS.anonymous, tradeId: null, side: null },
  status: { kind: 'status', ...SAYS.status, args: [9, 0, 0, 0] },
  gap: { kind: 'gap', reason: GapReason.sourceSequence, first: 3, last: 8, count: 6 },
};
const NAMES = Object.keys(SAYS);
/** Each of them after each of them. */
const ORDER = NAMES.flatMap((a) => NAMES.flatMap((b) => [a, b]));

function write(shard: TestShard, id: number, name: string): void {
  if (name === 'quote') shard.quote(id, 1.5, 1.625, 3, 4);
  else if (name === 'sizeless') shard.quote(id, 1.25, 1.375);
  else if (name === 'trade') shard.trade(id, 1.75, 77, Flag.sell);
  else if (name === 'anonymous') shard.trade(id, 1.875);
  else if (name === 'status') shard.status(id, StatusCode.halted, 9);
  else shard.gap(id, GapReason.sourceSequence, 3, 8);
}

function viewed(tick: TickView): unknown[] {
  return FIELDS.map((field) => tick[field]);
}

function due(name: string): unknown[] {
  const says = SAYS[name];
  return FIELDS.map((field) => says[field] ?? (field === 'side' ? null : Number.NaN));
}

function fields(tick: PlainTick): object {
  const {
    symbol,
    logId,
    epoch,
    shard,
    seq,
    symbolSeq,
    tsEvent,
    tsRecv,
    flags,
    inSnapshot,
    conflated,
    ...own
  } = tick;
  return own;
}

for (const encoding of ENCODINGS) {
  t.test(encoding, async (t) => {
    const served = await serve();
    t.teardown(() => served.close());
    const id = served.shard.define('EURUSD');
    const client = new TickClient(`ws://127.0.0.1:${served.port}/v1/stream`, { encoding });
    t.teardown(() => client.close());
    await client.connect();
    const views: unknown[] = [];
    const objects: object[] = [];
    let done = () => {};
    const all = new Promise<void>((resolve) => (done = resolve));
    const options = { symbols: ['*'], mode: 'every', snapshot: false } as const;
    const subscription = client.subscribe(options, (tick) => {
      views.push(viewed(tick));
      objects.push(fields(tick.toObject()));
      if (views.length === ORDER.length) done();
    });
    await subscription.ready;
    for (const name of ORDER) write(served.shard, id, name);
    served.shard.commit();
    await all;
    t.same(views, ORDER.map(due));
    t.same(
      objects,
      ORDER.map((name) => HAS[name]),
    );
  });
}
