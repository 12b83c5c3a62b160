/**
 * A state that is too long for one flush. Quotes that change before its last part is sent must not be sent by it, unless
 * the subscription takes conflated quotes: the stream has them, or nobody asked for them.
 */
import t from 'tap';
import { cursorFromText } from '../../../src/wire/cursor.js';
import { ENCODINGS } from '../../../src/wire/ticks.js';
import { serve } from '../../helpers/fanout.js';

/** With a quote, a trade and a status each, more records than a flush encodes for a subscriber. */
const SYMBOLS = 6_000;
const CHANGES = 300;

for (const encoding of ENCODINGS) {
  t.test(encoding, async (t) => {
    const served = await serve({ plan: { maxSymbols: 8192, ringSlots: 65_536, criticalSlots: 65_536 } });
    t.teardown(() => served.close());
    const { shard } = served;
    const ids = Array.from({ length: SYMBOLS }, (_, i) => shard.define(`S${i}`));
    for (const [i, id] of ids.entries()) {
      shard.quote(id, 1.1, 1.2);
      shard.trade(id, 1.15, i + 1);
      if (i % 500 === 499) shard.commit();
    }
    let parts = 0;
    const client = await served.connect(encoding);
    client.onBatch = () => {
      if (client.ticks.at(-1)?.snapshot === true) parts++;
    };
    client.send({ op: 'subscribe', id: 'trades', symbols: ['*'], mode: 'latest', kinds: ['trade'] });
    client.send({ op: 'subscribe', id: 'all', symbols: ['*'], mode: 'every' });
    for (let i = 0; i < CHANGES; i++) {
      for (const id of ids.slice(0, 20)) shard.quote(id, 1.2 + i / 1e5, 1.4);
      shard.commit();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.until(() => client.ticks.some(({ seq, snapshot }) => !snapshot && seq === shard.head));
    const [trades, all] = ['trades', 'all'].map((name) => client.controls.find(({ id }) => id === name)!.sub);
    t.ok(parts > 2, `${parts} batches of state: more than one flush each`);
    const of = (sub: number) => client.ticks.filter((tick) => tick.sub === sub);
    t.same(
      of(trades).filter(({ kind }) => kind === 'quote'),
      [],
      'no quote without its kind',
    );
    t.equal(
      of(trades).filter(({ kind }) => kind === 'trade').length,
      SYMBOLS,
      'the last trade of each symbol',
    );
    const streamed = of(all).filter(({ snapshot }) => !snapshot);
    const { cursor } = client.controls.find(({ id }) => id === 'all')!;
    t.equal(streamed[0]?.seq, cursorFromText(cursor)!.seqs[0] + 1, 'from the cursor on');
    t.ok(
      streamed.every(({ seq }, i) => i === 0 || seq === streamed[i - 1].seq + 1),
      'every later tick once, in order',
    );
  });
}
