/** A reader on another thread never sees half of a commit, and never an older one after a newer one. */
import t from 'tap';
import { CommitCells } from '../../../src/pipeline/memory/commit-cells.js';
import { onThread } from '../../helpers/threads.js';

const THREAD = new URL('./threads/cells.js', import.meta.url).href;
const WORDS = 50;

for (const from of [0, 2 ** 32 - 5_000]) {
  t.test(`commits counted from ${from}`, async (t) => {
    const memory = CommitCells.allocate(WORDS);
    new CommitCells(memory, WORDS).prime().fill(from);
    const owner = new CommitCells(memory, WORDS);
    owner.prime().fill(from);
    owner.commit();
    const commits = 300_000;
    const done = onThread(THREAD, 'commitMany', { memory, words: WORDS, commits, from });
    const reader = new CommitCells(memory, WORDS);
    const copy = new Float64Array(WORDS);
    let halves = 0;
    let backwards = 0;
    let last = 0;
    while (last < from + commits) {
      for (let i = 0; i < 1000; i++) {
        reader.readInto(copy);
        for (let w = 1; w < WORDS; w++) if (copy[w] !== copy[0]) halves++;
        if (copy[0] < last) backwards++;
        last = copy[0];
        const one = reader.read(i % WORDS);
        if (one < last) backwards++;
        last = one;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await done;
    t.equal(halves, 0, 'no half commit');
    t.equal(backwards, 0, 'no older commit after a newer one');
  });
}
