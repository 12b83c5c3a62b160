/** Random ticks, good and bad, through sinks and shards, against a plain model; the sums hold at every step. */
import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import { ShardWord } from '../../../src/pipeline/memory/counters.js';
import { EntryU32, Slot, TableEntry } from '../../../src/pipeline/memory/last-value-table.js';
import { SmallEngine } from '../../helpers/memory.js';
import { Model, type ModelSymbol } from '../../helpers/model.js';
import { Random } from '../../helpers/random.js';
import { assertSums } from '../../helpers/sums.js';
import { offer, randomTick, recordTick, sequencedTick } from '../../helpers/ticks.js';

for (const seed of [1, 2, 3, 4]) {
  t.test(`seed ${seed}`, async (t) => {
    const random = new Random(seed);
    const shards = seed % 2 === 0 ? 3 : 1;
    const e = new SmallEngine({ shards, rawSlots: 128 });
    const symbols = new Map<number, ModelSymbol>();
    const define = (name: string, digits: number, negative: boolean) => {
      const id = e.define(name, digits, { negative });
      symbols.set(id, { digits: e.registry.digits[id], negative, version: e.registry.version[id] });
    };
    for (let i = 0; i < 8; i++) define(`S${i}`, i % 6, i % 4 === 3);
    const source = e.sink.open('test', 's');
    const models = e.shards.map(() => new Model(symbols));
    let bad = 0;
    for (let position = 1; position <= 2500; position++) {
      const tick = randomTick(random, symbols, position);
      // A symbol that nobody defined has bucket 0, as the engine's own has.
      const shard = symbols.has(tick.symbol) ? e.shardOf(tick.symbol) : 0;
      if (!offer(e.sink, source, tick)) bad++;
      models[shard].take(tick);
      if (random.chance(20)) e.sink.commit();
      if (random.chance(10)) e.shards[random.below(shards)].doWork();
      if (position % 50 === 0) {
        e.sink.commit();
        assertSums(t, e.totals());
        e.work();
        assertSums(t, e.totals());
        // A redefinition counts from the moment at which the shard learns of it, so all must be done before.
        if (random.chance(5)) define(`S${random.below(8)}`, random.below(6), false);
      }
    }
    e.sink.commit();
    e.work();
    t.equal(bad, 0, 'the ring was never full');
    let pending = 0;
    let generated = 0;
    let conflated = 0;
    models.forEach((model, shard) => {
      const reader = e.reader(shard);
      t.equal(reader.head(), model.ticks.length);
      let criticals = 0;
      for (let seq = 1; seq <= reader.head(); seq++) {
        const { seqLow, ...tick } = sequencedTick(reader, seq);
        if (tick.kind !== 'quote') {
          const critical = e.criticalReader(shard);
          const there = recordTick(critical.records, critical.slot(++criticals));
          const { position, ...rest } = tick;
          if (!isDeepStrictEqual(there, { ...rest, seqLow: seq }))
            t.same(there, rest, 'in the critical ring');
        }
        if (seqLow !== seq) t.fail(`seqLow ${seqLow} of ${seq}`);
        if (!isDeepStrictEqual(tick, model.ticks[seq - 1])) {
          t.same(tick, model.ticks[seq - 1], `tick ${seq}`);
          return;
        }
      }
      t.equal(e.shardWord(ShardWord.criticalHead, shard), criticals);
      t.equal(e.table.applied(shard), reader.head());
      pending += model.pending;
      generated += model.generated;
      conflated += model.conflated;
    });
    t.match(e.totals(), {
      pendingOneSided: pending,
      generated: generated + countGenerated(models),
      conflated,
      inFlight: 0,
      received: countReceived(models),
    });
    const rejectedBy: Record<string, number> = {};
    for (const model of models)
      for (const [reason, n] of model.rejected) rejectedBy[reason] = (rejectedBy[reason] ?? 0) + n;
    t.match(e.totals().rejectedBy, rejectedBy);
    const entry = new TableEntry();
    for (const id of symbols.keys()) {
      const state = models[e.shardOf(id)].state(id);
      t.ok(e.table.read(id, entry));
      t.equal(entry.seq, state.lastSeq);
      t.equal(entry.u32[EntryU32.symbolSeq], state.symbolSeq);
      const shown = [state.quote, state.trade, state.status];
      for (const slot of Object.values(Slot)) {
        const expected = shown[slot];
        t.equal(entry.has(slot), expected !== undefined);
        if (expected === undefined) continue;
        const { seqLow, ...tick } = recordTick(entry.records, slot);
        t.same({ ...tick, position: expected.position }, expected, `symbol ${id}, slot ${slot}`);
      }
    }
  });
}

/** Status and gap records that the test itself wrote: the sink counts them as generated. */
function countGenerated(models: Model[]): number {
  const all = models.flatMap((m) => m.ticks).filter((x) => x.kind === 'status' || x.kind === 'gap').length;
  return all - models.reduce((sum, m) => sum + m.generated, 0);
}

function countReceived(models: Model[]): number {
  return 2500 - countGenerated(models);
}
