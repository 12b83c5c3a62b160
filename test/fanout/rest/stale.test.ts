/** `stale` is true for a quote that is too old, of an earlier epoch, or older than missing ticks. */
import t from 'tap';
import { RECORD_U32, StatusCode, U32_TS_RECV_S } from '../../../src/core/tick.js';
import { EntryF64, Slot, TableEntry } from '../../../src/pipeline/memory/last-value-table.js';
import { type Served, serve } from '../../helpers/fanout.js';

/** A `ttlMs` that no age exceeds: the test shard's times of receipt are synthetic. */
const LONG_MS = 1e12;

async function stateOf(served: Served, name: string) {
  const response = await fetch(`http://127.0.0.1:${served.port}/v1/quotes/${name}`, {
    headers: { connection: 'close' },
  });
  return { ...(await response.json()), etag: response.headers.get('etag') };
}

/** Turns the table's entry of a symbol into one carried over from an earlier epoch. */
function carryOver(served: Served, id: number): void {
  const entry = new TableEntry();
  served.shard.table.read(id, entry);
  for (const word of [EntryF64.seq, EntryF64.quoteSeq, EntryF64.tradeSeq, EntryF64.statusSeq])
    entry.f64[word] = 0;
  served.shard.table.write(id, entry);
}

/** Changes the time of receipt of a symbol's record. */
function received(served: Served, id: number, slot: number, s: number): void {
  const entry = new TableEntry();
  served.shard.table.read(id, entry);
  entry.records.u32[slot * RECORD_U32 + U32_TS_RECV_S] = s;
  served.shard.table.write(id, entry);
}

t.test('a quote of an earlier epoch is stale, until the first quote of this epoch', async (t) => {
  const served = await serve();
  t.teardown(() => served.close());
  const { shard } = served;
  for (const ttlMs of [undefined, LONG_MS]) {
    const name = `EUR${ttlMs ?? 0}`;
    const id = shard.define(name, 5, ttlMs);
    shard.quote(id, 1.1, 1.2);
    shard.trade(id, 1.1);
    shard.commit();
    t.match(await stateOf(served, name), { stale: false, quote: { bid: 1.1 } });
    carryOver(served, id);
    const old = await stateOf(served, name);
    t.match(old, { stale: true, quote: { seq: 0, bid: 1.1 } });
    const all = await (await fetch(`http://127.0.0.1:${served.port}/v1/quotes?symbols=${name}`)).json();
    t.match(all.quotes, [{ stale: true }]);
    shard.trade(id, 1.3);
    shard.commit();
    t.match(await stateOf(served, name), { stale: true, trade: { price: 1.3 } }, 'a trade renews no quote');
    shard.quote(id, 1.2, 1.3);
    shard.commit();
    const fresh = await stateOf(served, name);
    t.match(fresh, { stale: false, quote: { bid: 1.2 } });
    t.not(fresh.etag, old.etag, 'another tag');
  }
});

t.test('a quote that is too old is stale, even with newer trades', async (t) => {
  const served = await serve();
  t.teardown(() => served.close());
  const { shard } = served;
  const id = shard.define('EURUSD', 5, 10);
  const only = shard.define('BTCUSD', 2, 10);
  shard.quote(id, 1.1, 1.2);
  shard.trade(id, 1.1);
  shard.trade(only, 7);
  shard.commit();
  const nowS = Math.ceil(Date.now() / 1000) + 3600;
  received(served, id, Slot.quote, nowS - 7200);
  received(served, id, Slot.trade, nowS);
  received(served, only, Slot.trade, nowS);
  t.match(await stateOf(served, 'EURUSD'), { stale: true, ageMs: 0 }, 'the age is that of the trade');
  t.match(await stateOf(served, 'BTCUSD'), { stale: false, quote: null }, 'without quotes, trades decide');
});

t.test('a quote is stale after its source reports missing ticks, until the next quote', async (t) => {
  const served = await serve();
  t.teardown(() => served.close());
  const { shard } = served;
  const id = shard.define('EURUSD', 5);
  shard.quote(id, 1.1, 1.2);
  shard.status(id, StatusCode.symbolStale);
  shard.commit();
  t.match(await stateOf(served, 'EURUSD'), { stale: true });
  shard.quote(id, 1.1, 1.3);
  shard.commit();
  t.match(await stateOf(served, 'EURUSD'), { stale: false });
  shard.status(id, StatusCode.halted);
  shard.commit();
  t.match(await stateOf(served, 'EURUSD'), { stale: false }, 'a halt misses nothing');
});
