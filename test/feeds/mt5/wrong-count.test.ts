/** A count that is wrong once is refused: it does not turn the ticks that follow into duplicates that are acknowledged. */
import t from 'tap';
import { MT5_GAP_TICKS_MAX } from '../../../src/core/limits.js';
import { MQL_TICK_BYTES, MqlTick, writeMqlTick } from '../../../src/feeds/mql/mql-tick.js';
import { encodeBatchHeader, encodeSymbol } from '../../../src/feeds/mt5/framing.js';
import { Bench, type Peer } from './harness.js';

const SYMBOL = { local: 0, raw: 'EURUSD', digits: 5, negative: false, alias: '' };

function batch(first: number, ticks: number): Buffer {
  const bytes = Buffer.alloc(ticks * (4 + MQL_TICK_BYTES));
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const tick = Object.assign(new MqlTick(), { bid: 1, ask: 2, flags: 6, timeMs: 1e12 });
  for (let i = 0; i < ticks; i++) writeMqlTick(view, i * (4 + MQL_TICK_BYTES) + 4, tick);
  return Buffer.concat([encodeBatchHeader(first, ticks), bytes]);
}

async function connected(bench: Bench): Promise<Peer> {
  const peer = await bench.peer();
  await peer.hello();
  peer.socket.write(encodeSymbol(SYMBOL));
  return peer;
}

for (const first of [MT5_GAP_TICKS_MAX + 5, 1e12, 2 ** 51]) {
  t.test(`a jump to ${first}`, async (t) => {
    const bench = await new Bench().start();
    t.teardown(() => bench.server.stop());
    const peer = await connected(bench);
    peer.socket.write(batch(1, 3));
    peer.socket.write(batch(first, 2));
    t.equal(await peer.refusal(), 'bad_framing');
    t.match(peer.errors.at(-1)?.message, /begins at tick \d+, and 4 is due/);

    const again = await connected(bench);
    again.socket.write(batch(4, 5));
    await bench.reading(() => bench.ticks.length === 8, 'all are taken');
    t.match(bench.counters.totals(), { received: 8, duplicate: 0, rejected: 0 });
    t.notOk(
      bench.shards[0].ticks.some((tick) => tick.kind === 'gap'),
      'and no gap is claimed',
    );
    t.equal(bench.missing, 0, 'sums hold');
    again.socket.end();
  });
}

t.test('a jump that a terminal can make, and back', async (t) => {
  const bench = await new Bench().start();
  t.teardown(() => bench.server.stop());
  const peer = await connected(bench);
  peer.socket.write(batch(1, 3));
  peer.socket.write(batch(1_000_000, 2));
  peer.socket.write(batch(4, 5));
  t.equal(await peer.refusal(), 'bad_framing');
  t.match(peer.errors.at(-1)?.message, /ticks 4 to 8, and 4 to 999999 were passed over.*new stream id/);
  const again = await connected(bench);
  again.socket.write(batch(4, 5));
  t.equal(await again.refusal(), 'bad_framing', 'nor in another connection');
  bench.consume();
  t.match(bench.counters.totals(), { received: 5, duplicate: 0 });

  const anew = await bench.peer();
  await anew.hello({ streamId: 'a'.repeat(32) });
  anew.socket.write(encodeSymbol(SYMBOL));
  anew.socket.write(batch(1, 8));
  await bench.reading(() => bench.ticks.length === 13, 'a new stream is taken');
  t.equal(bench.missing, 0, 'sums hold');
  anew.socket.end();
});
