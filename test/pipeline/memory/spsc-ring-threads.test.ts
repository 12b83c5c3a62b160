/** Millions of records through a small ring between two threads: each arrives once, whole and in order. */
import t from 'tap';
import { RECORD_F64, RECORD_U32 } from '../../../src/core/tick.js';
import { CommitCells } from '../../../src/pipeline/memory/commit-cells.js';
import { allocateSlots, RingConsumer } from '../../../src/pipeline/memory/spsc-ring.js';
import { onThread } from '../../helpers/threads.js';
import { canary, type RingJob } from './threads/ring.js';

const THREAD = new URL('./threads/ring.js', import.meta.url).href;

for (const [from, count, slots] of [
  [0, 1_500_000, 1024],
  [2 ** 31 - 500_000, 1_000_000, 256],
  [2 ** 32 - 500_000, 1_000_000, 256],
  [2 ** 32 - 10_000, 20_000, 2],
]) {
  t.test(`${count} records from ${from} on, ${slots} slots`, async (t) => {
    const heads = CommitCells.allocate(1);
    const tails = CommitCells.allocate(1);
    for (const memory of [heads, tails]) {
      const cells = new CommitCells(memory, 1);
      cells.prime()[0] = from;
      cells.commit();
    }
    const job: RingJob = { slots: allocateSlots(slots), heads, tails, from, count };
    const done = onThread<number>(THREAD, 'produce', job);
    const cells = new CommitCells(tails, 1);
    const ring = new RingConsumer(
      job.slots,
      { cells: new CommitCells(heads, 1), word: 0 },
      { cells, word: 0 },
    );
    const { u32, f64 } = ring.records;
    let next = cells.prime();
    let broken = 0;
    while (next[0] < from + count) {
      const available = ring.available(next[0]);
      if (available === 0) {
        await new Promise((resolve) => setImmediate(resolve));
        continue;
      }
      if (available < 0 || available > slots) broken++;
      for (let i = 0; i < available; i++) {
        const n = next[0]++;
        const slot = ring.slot(n);
        if (u32[slot * RECORD_U32] !== canary(n)) broken++;
        for (let k = 1; k < RECORD_F64 - 1; k++) if (f64[slot * RECORD_F64 + k] !== n + k) broken++;
        if (u32[slot * RECORD_U32 + RECORD_U32 - 1] !== ~canary(n) >>> 0) broken++;
      }
      cells.commit();
      next = cells.prime();
    }
    await done;
    t.equal(broken, 0);
    t.equal(ring.available(next[0]), 0, 'and nothing more');
  });
}
