/**
 * One writer, a gating reader and free readers on threads of their own. The gate loses nothing; a free
 * reader may be overtaken, but what it accepts is what was written under that seq.
 *
 * ```
 * writer ─▶ ring ─▶ gating reader ─▶ gate ─▶ writer
 *                ├▶ free reader
 *                └▶ free reader that rests
 * ```
 */
import t from 'tap';
import { allocateBroadcast } from '../../../src/pipeline/memory/broadcast-ring.js';
import { CommitCells } from '../../../src/pipeline/memory/commit-cells.js';
import { onThread } from '../../helpers/threads.js';
import type { BroadcastJob, ReaderReport } from './threads/broadcast.js';

const THREAD = new URL('./threads/broadcast.js', import.meta.url).href;

function cell(value: number): SharedArrayBuffer {
  const memory = CommitCells.allocate(1);
  const cells = new CommitCells(memory, 1);
  cells.prime()[0] = value;
  cells.commit();
  return memory;
}

for (const from of [0, 2 ** 31 - 50_000, 2 ** 32 - 50_000]) {
  t.test(`from ${from}`, async (t) => {
    const slots = 256;
    const count = 100_000;
    const memory = allocateBroadcast(slots);
    new Int32Array(memory.buffer, 0, 1)[0] = from | 0;
    const job: BroadcastJob = { memory, slots, heads: cell(from), gate: cell(from), from, count };
    const [, gating, quick, slow] = await Promise.all([
      onThread<number>(THREAD, 'write', job),
      onThread<ReaderReport>(THREAD, 'readGating', job),
      onThread<ReaderReport>(THREAD, 'readFree', { ...job, restEvery: 0 }),
      onThread<ReaderReport>(THREAD, 'readFree', { ...job, restEvery: 100 }),
    ]);
    t.same(gating, { accepted: count, overtaken: 0, torn: 0, wrong: 0 }, 'the gate holds the writer back');
    t.equal(quick.wrong, 0, `free reader: ${JSON.stringify(quick)}`);
    t.equal(slow.wrong, 0, `slow reader: ${JSON.stringify(slow)}`);
    t.ok(slow.overtaken > 0, 'the slow one was overtaken, and knew');
    t.ok(slow.torn > 0, 'what it threw away was not what it looked for');
    t.ok(quick.accepted > 0 && slow.accepted > 0);
  });
}
