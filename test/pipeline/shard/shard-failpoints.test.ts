/**
 * A shard dies at its n-th failpoint, for every n, and again soon after while its successor recovers. What is
 * numbered, shown and counted in the end is what an undisturbed shard leaves, bit for bit.
 */
import t from 'tap';
import { Flag, RECORD_U32 } from '../../../src/core/tick.js';
import { ShardWord } from '../../../src/pipeline/memory/counters.js';
import { ENTRY_U32, EntryF64 } from '../../../src/pipeline/memory/last-value-table.js';
import { Faults } from '../../helpers/faults.js';
import { SmallEngine } from '../../helpers/memory.js';
import type { ModelSymbol } from '../../helpers/model.js';
import { Random } from '../../helpers/random.js';
import { assertSums } from '../../helpers/sums.js';
import { offer, randomTick } from '../../helpers/ticks.js';

const SYMBOLS = 5;
/** Words that may differ: versions of the seqlock, and the mean move, which starts again in a torn entry. */
const FREE_WORDS = new Set([0, EntryF64.deviation * 2, EntryF64.deviation * 2 + 1]);
/** Second words of the records in an entry, where `suspicious` follows from the mean move. */
const FLAG_WORDS = new Set([17, 33, 49]);

interface Outcome {
  engine: SmallEngine;
  faults: Faults;
  ring: number[];
  critical: number[];
  positions: number[];
  table: number[];
  torn: number;
}

/** What is offered: so many ticks in each of so many steps, to a shard with a ring of so many slots. */
interface Load {
  steps: number;
  ticks: number;
  ringSlots: number;
  log: boolean;
}
/** Each step is a batch, and the ring holds all of them. */
const CALM: Load = { steps: 7, ticks: 12, ringSlots: 512, log: true };
/** Each step is several batches, so that the table is brought up to date for more than one of them at once. */
const CROWDED: Load = { steps: 3, ticks: 40, ringSlots: 64, log: false };

function run({ steps, ticks, ringSlots, log }: Load, seed: number, ...deaths: number[]): Outcome {
  const random = new Random(seed);
  const faults = new Faults(...deaths);
  const e = new SmallEngine({ rawSlots: 128, ringSlots, criticalSlots: 512, maxSymbols: 64, log });
  const symbols = new Map<number, ModelSymbol>();
  const define = (name: string, digits: number) => {
    const id = e.define(name, digits, { negative: name === 'S3' });
    symbols.set(id, { digits, negative: name === 'S3', version: 1 });
  };
  for (let i = 0; i < SYMBOLS; i++) define(`S${i}`, i + 1);
  const source = e.sink.open('test', 's');
  let position = 0;
  for (let step = 0; step < steps; step++) {
    for (let i = 0; i < ticks; i++) offer(e.sink, source, randomTick(random, symbols, ++position));
    if (step === steps - 2) define('S1', 4);
    e.sink.commit();
    for (;;) {
      const lived = faults.run(() => {
        while (e.shards[0].doWork() > 0);
      });
      if (lived) break;
      while (!faults.run(() => (e.shards[0] = e.newShard())));
    }
  }
  const reader = e.reader();
  const ring: number[] = [];
  const positions: number[] = [];
  for (let seq = Math.max(1, reader.head() - ringSlots + 1); seq <= reader.head(); seq++) {
    const slot = reader.slot(seq);
    for (let k = 0; k < RECORD_U32; k++) {
      const word = reader.records.u32[slot * RECORD_U32 + k];
      ring.push(k === 1 ? word & ~Flag.suspicious : word);
    }
    positions.push(reader.positions[slot], reader.tags[slot]);
  }
  const criticals = e.criticalReader();
  const critical: number[] = [];
  for (let n = 1; n <= criticals.head(); n++) {
    const at = criticals.slot(n) * RECORD_U32;
    critical.push(...criticals.records.u32.subarray(at, at + RECORD_U32));
  }
  const table: number[] = [e.table.applied(0)];
  let torn = 0;
  for (let id = 0; id <= SYMBOLS; id++) {
    if (e.table.isTorn(id)) torn++;
    for (let k = 0; k < ENTRY_U32; k++) {
      const word = e.table.u32[id * ENTRY_U32 + k];
      if (!FREE_WORDS.has(k)) table.push(FLAG_WORDS.has(k) ? word & ~Flag.suspicious : word);
    }
  }
  return { engine: e, faults, ring, critical, positions, table, torn };
}

function firstDifference(a: number[], b: number[]): number {
  if (a.length !== b.length) return Math.min(a.length, b.length);
  return a.findIndex((x, i) => x !== b[i]);
}

for (const [load, seed, again] of [
  [CALM, 1, undefined],
  [CALM, 2, 1],
  [CALM, 3, 4],
  [CROWDED, 4, undefined],
  [CROWDED, 5, 4],
] as const) {
  const also = again === undefined ? '' : `, and ${again} probes later`;
  t.test(`seed ${seed}, ${load.ticks} ticks at a time: at every failpoint${also}`, async (t) => {
    const calm = run(load, seed);
    t.equal(calm.faults.deaths, 0);
    t.ok(calm.ring.length > 50 * RECORD_U32);
    assertSums(t, calm.engine.totals());
    let n = 1;
    for (; ; n++) {
      const stormy = run(load, seed, n, ...(again === undefined ? [] : [n + again]));
      if (stormy.faults.deaths === 0) break;
      const differences = {
        ring: firstDifference(stormy.ring, calm.ring),
        critical: firstDifference(stormy.critical, calm.critical),
        positions: firstDifference(stormy.positions, calm.positions),
        table: firstDifference(stormy.table, calm.table),
        torn: stormy.torn,
      };
      const none = { ring: -1, critical: -1, positions: -1, table: -1, torn: 0 };
      if (!t.same(differences, none, `death at probe ${n}`)) break;
      const { suspicious, ...totals } = stormy.engine.totals();
      t.match(calm.engine.totals(), totals, 'and the counters');
      assertSums(t, stormy.engine.totals());
      if (stormy.engine.shardWord(ShardWord.criticalHead) * RECORD_U32 !== calm.critical.length)
        t.fail('head');
    }
    t.equal(n, calm.faults.passed + 1, 'every probe was tried');
    t.ok(n > 100, `${n - 1} probes`);
  });
}
