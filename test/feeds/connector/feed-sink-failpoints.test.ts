/**
 * A feed's thread dies at its n-th failpoint, for every n; the next one continues from the checkpoint committed
 * with the ticks. A source that can resend loses nothing and repeats nothing; one that cannot loses what
 * the conflation buffer held, and says how much.
 */
import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import { feedStage } from '../../../src/pipeline/memory/engine-memory.js';
import { Faults } from '../../helpers/faults.js';
import { SmallEngine } from '../../helpers/memory.js';
import { Random } from '../../helpers/random.js';
import { assertSums } from '../../helpers/sums.js';
import { offer, randomTick } from '../../helpers/ticks.js';

function run(policy: 'block' | 'conflate', deaths: number[]) {
  const e = new SmallEngine({
    feeds: [{ name: 'test', policy, stateWords: 4 }],
    rawSlots: policy === 'block' ? 16 : 8,
    ringSlots: 512,
    criticalSlots: 512,
    maxSymbols: 64,
    log: true,
  });
  const symbols = new Map(
    [1, 2, 3].map((digits) => {
      const id = e.define(`S${digits}`, digits);
      return [id, { digits, negative: false, version: 1 }] as const;
    }),
  );
  const random = new Random(7);
  // Ticks of the source alone: what the feed makes itself has no position to be resent by.
  const stream = Array.from({ length: 400 }, (_, i) => randomTick(random, symbols, i + 1))
    .filter((x) => x.position > 0 && symbols.has(x.symbol))
    .slice(0, 150);
  const faults = new Faults(...deaths);
  /** The connector: what it must send next is in its checkpoint. */
  const deliver = () => {
    const source = e.sink.open('test', 's', 'stream');
    for (;;) {
      const at = e.sink.state()[0];
      if (at === stream.length) return;
      let i = at;
      while (i < Math.min(at + 10, stream.length) && offer(e.sink, source, stream[i])) i++;
      e.sink.state()[0] = i;
      e.sink.commit();
      const left = policy === 'conflate' && i % 30 !== 0;
      if (!left) e.work();
    }
  };
  const settle = () => {
    do {
      e.sink.commit();
      e.work();
    } while (e.sink.conflating > 0);
    e.sink.commit();
  };
  const restart = () => {
    e.registry.releaseIfHeldBy(feedStage(0));
    e.sinks[0] = e.newSink();
  };
  while (
    !faults.run(() => {
      deliver();
      settle();
    })
  ) {
    // The shard is another thread: it does not die with the feed, but here it may have been inside its work.
    e.shards[0] = e.newShard();
    while (!faults.run(restart));
  }
  e.work();
  return { e, faults };
}

t.test('a source that can resend', async (t) => {
  const calm = run('block', []);
  const expected = calm.e.ticks();
  t.ok(expected.length > 100);
  for (let n = 1; ; n++) {
    const { e, faults } = run('block', [n, n + 3]);
    if (faults.deaths === 0) {
      t.equal(n, calm.faults.passed + 1, 'every probe was tried');
      break;
    }
    const ticks = e.ticks().map((x) => ({ ...x, flags: x.flags.filter((f) => f !== 'suspicious') }));
    const same = isDeepStrictEqual(
      ticks,
      expected.map((x) => ({ ...x, flags: x.flags.filter((f) => f !== 'suspicious') })),
    );
    if (!t.ok(same, `death at probe ${n}`)) break;
    const { suspicious, ...totals } = e.totals();
    t.match(calm.e.totals(), totals);
    assertSums(t, e.totals());
  }
});

t.test('a source that cannot', async (t) => {
  const calm = run('conflate', []);
  t.ok(calm.e.totals().conflated > 0);
  let lossy = 0;
  for (let n = 1; ; n++) {
    const { e, faults } = run('conflate', [n, n + 5]);
    if (faults.deaths === 0) break;
    assertSums(t, e.totals());
    const marked = e
      .ticks()
      .filter((x) => x.kind === 'gap')
      .reduce((sum, x) => sum + x.count!, 0);
    if (!t.equal(marked, e.totals().dropped, `death at probe ${n}: what was dropped is marked, once`)) break;
    if (marked > 0) lossy++;
  }
  t.ok(lossy > 0, 'some deaths took with them what stood aside');
});
