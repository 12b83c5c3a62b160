/** A feed has 64 sources open at once; the slot of one that has gone goes to another; the first continues where it was. */
import t from 'tap';
import { FEED_SOURCES_KEPT, FEED_SOURCES_MAX } from '../../../src/core/limits.js';
import { Take } from '../../../src/feeds/connector/feed-sink.js';
import { feedStage } from '../../../src/pipeline/memory/engine-memory.js';
import { Faults } from '../../helpers/faults.js';
import { offerTrade, SmallEngine } from '../../helpers/memory.js';
import { assertSums } from '../../helpers/sums.js';

t.test('sources come and go', async (t) => {
  const e = new SmallEngine();
  const id = e.define('A');
  const stays = e.sink.open('test', 'stays', 'x');
  for (let i = 0; i < 300; i++) {
    const source = e.sink.open('test', `s${i}`, 'x');
    t.equal(offerTrade(e.sink, source, id, i + 1, { position: source.base + 1 }), Take.accepted);
    e.sink.commit();
    e.work();
    e.sink.release(source);
  }
  t.equal(e.sink.open('test', 'stays', 'x').local, stays.local, 'who is open keeps its place');
  for (const [k, sink] of [e.sink, e.newSink()].entries()) {
    for (const i of [k, 100 + k, 298 + k]) {
      const again = sink.open('test', `s${i}`, 'x');
      t.equal(offerTrade(sink, again, id, 1, { position: again.base + 1 }), Take.duplicate, `s${i} is known`);
      t.equal(sink.reachedPosition(again), again.base + 1);
      sink.release(again);
      const next = sink.open('test', `s${i}`, 'y');
      t.equal(next.base, 1, 'and a new stream counts on');
      sink.release(next);
    }
    sink.commit();
  }
  e.work();
  assertSums(t, e.totals());
});

t.test('what is acknowledged to one is not acknowledged to the next in its slot', async (t) => {
  const e = new SmallEngine();
  const id = e.define('A');
  const open = Array.from({ length: FEED_SOURCES_MAX }, (_, i) => e.sink.open('test', `s${i}`, 'x'));
  for (let i = 1; i <= 5; i++) offerTrade(e.sink, open[7], id, i, { position: i });
  e.sink.commit();
  e.sink.durablePosition(open[7]);
  e.work();
  t.throws(() => e.sink.open('test', 'fresh', 'x'), { code: 'limit_exceeded', message: /at once/ });
  e.sink.durablePosition(open[7]);
  e.sink.durablePosition(open[7]);
  t.equal(e.sink.durablePosition(open[7]), 5);
  e.sink.release(open[7]);
  const fresh = e.sink.open('test', 'fresh', 'x');
  t.equal(fresh.local, open[7].local);
  for (let i = 0; i < 4; i++) t.equal(e.sink.durablePosition(fresh), 0, 'before it is committed too');
  offerTrade(e.sink, fresh, id, 1, { position: fresh.base + 1 });
  e.sink.commit();
  e.work();
  for (let i = 0; i < 3; i++) e.sink.durablePosition(fresh);
  t.equal(e.sink.durablePosition(fresh), 1);
});

t.test('names without end, each with its own ticks', async (t) => {
  const e = new SmallEngine();
  const id = e.define('A');
  const count = FEED_SOURCES_KEPT + 200;
  for (let i = 0; i < count; i++) {
    const source = e.sink.open('test', `s${i}`, 'x');
    for (const n of [1, 2]) {
      const taken = offerTrade(e.sink, source, id, i + 1, { position: source.base + n });
      if (taken !== Take.accepted) t.fail(`tick ${n} of s${i} is new`);
    }
    if (i >= FEED_SOURCES_KEPT) t.ok(source.base > 0, 'an id that is taken over counts on');
    e.sink.commit();
    e.work();
    e.sink.release(source);
  }
  t.equal(e.totals().duplicate, 0);
  t.equal(e.totals().received, 2 * count);
  assertSums(t, e.totals());
});

t.test('a feed thread that dies between two sources repeats nothing', async (t) => {
  for (let n = 1, died = true; died; n++) {
    const e = new SmallEngine({ rawSlots: 256, ringSlots: 256, criticalSlots: 256 });
    const id = e.define('A');
    const faults = new Faults(n);
    let done = 0;
    // Each round opens sources until slots are short, and sends again what those before have sent.
    const deliver = () => {
      for (; done < FEED_SOURCES_MAX + 6; done++) {
        for (const i of [done, Math.max(0, done - FEED_SOURCES_MAX)]) {
          const source = e.sink.open('test', `s${i}`, 'x');
          offerTrade(e.sink, source, id, i + 1, { position: source.base + 1 });
          e.sink.commit();
          e.sink.release(source);
        }
      }
    };
    while (!faults.run(deliver)) {
      e.registry.releaseIfHeldBy(feedStage(0));
      e.sinks[0] = e.newSink();
    }
    e.work();
    const prices = e.ticks().flatMap((x) => (x.kind === 'trade' ? [x.price] : []));
    const due = Array.from({ length: FEED_SOURCES_MAX + 6 }, (_, i) => i + 1);
    if (!t.same(prices, due, `death at probe ${n}`)) break;
    died = faults.deaths > 0;
  }
});
