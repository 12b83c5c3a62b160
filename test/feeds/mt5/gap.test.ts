/** A terminal that had to drop ticks continues further in its count: a gap record says which are missing. */
import t from 'tap';
import { GapReason } from '../../../src/core/tick.js';
import { MQL_TICK_BYTES, MqlTick, writeMqlTick } from '../../../src/feeds/mql/mql-tick.js';
import { encodeBatchHeader, encodeSymbol } from '../../../src/feeds/mt5/framing.js';
import { Bench } from './harness.js';

function batch(first: number, ticks: number): Buffer {
  const bytes = Buffer.alloc(ticks * (4 + MQL_TICK_BYTES));
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const tick = Object.assign(new MqlTick(), { bid: 1, ask: 2, flags: 6, timeMs: 1e12 });
  for (let i = 0; i < ticks; i++) writeMqlTick(view, i * (4 + MQL_TICK_BYTES) + 4, tick);
  return Buffer.concat([encodeBatchHeader(first, ticks), bytes]);
}

t.test('a jump in the count', async (t) => {
  const bench = await new Bench().start();
  const peer = await bench.peer();
  await peer.hello();
  peer.socket.write(encodeSymbol({ local: 0, raw: 'EURUSD', digits: 5, negative: false, alias: '' }));
  for (const [first, ticks] of [
    [5, 3],
    [8, 2],
    [20, 1],
    [19, 3],
    [22, 0],
  ]) {
    peer.socket.write(batch(first, ticks));
  }
  await bench.reading(() => bench.counters.totals().received === 9, 'all received');
  const gaps = bench.shards[0].ticks.filter((tick) => tick.kind === 'gap');
  // What the count was before the port first heard of the stream is not known: no gap is claimed there.
  t.equal(gaps.length, 1);
  t.match(gaps[0], { reason: GapReason.sourceSequence, first: 10, last: 19, count: 10 });
  t.match(bench.counters.totals(), { duplicate: 2, sequenced: 9 });
  t.equal(bench.missing, 0, 'sums hold');
  peer.socket.end();
  await bench.reading(() => bench.count('gaps') === 1, 'counted');
  await bench.server.stop();
});
