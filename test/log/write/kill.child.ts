/**
 * The process that `kill.test.ts` kills: it logs ticks with positions until it dies, and prints how far it
 * was durable. Arguments: data folder, seed; `all`: how far the epochs before it are is told first.
 */
import { readEpochs } from '../../../src/log/storage/catalog.js';
import { LogWord } from '../../../src/pipeline/memory/counters.js';
import { turn } from '../../../src/pipeline/memory/doorbell.js';
import { FakeShard, Market, openRig } from '../support.js';

/** Short, so that some are killed in a roll-over. */
const SEGMENT_MS = 250;

const [folder, seed, tells] = process.argv.slice(2);
const rig = await openRig(folder, 20, { ringSlots: 8192 });
const shard = new FakeShard(rig.memory, 0, new Market(20, Number(seed)), 4_000_000, true);
// A source that can resend continues after the highest acknowledged position.
const known = rig.opened.positions.find((p) => p.sourceId === 1);
shard.position = Math.max(0, ...(known?.buckets ?? []));
const from = shard.position;
const tell = (epoch: number, durable: number) =>
  process.stdout.write(`${JSON.stringify({ epoch, from, durable })}\n`);
if (tells === 'all') {
  for (const { epoch, last } of readEpochs(rig.opened.store.catalog)) {
    if (last !== undefined) tell(epoch, last[0]);
  }
}
void rig.stage({ commitDelayMs: 1, segmentMs: SEGMENT_MS });
let told = -1;
for (;;) {
  shard.publish(1 + (shard.head % 700));
  const durable = rig.counters.log(LogWord.durable);
  if (durable !== told) {
    told = durable;
    tell(rig.opened.epoch, durable);
  }
  await turn();
}
