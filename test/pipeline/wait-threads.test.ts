/** No wake-up is lost: two threads answer each other's bell, and one that was missed would cost a minute's sleep. */
import t from 'tap';
import { allocateBells } from '../../src/pipeline/wait.js';
import { onThread } from '../helpers/threads.js';

t.test('20,000 rounds of ring and answer', { timeout: 50_000 }, async (t) => {
  const bells = allocateBells(2);
  const cell = new SharedArrayBuffer(8);
  const rounds = 20_000;
  const module = new URL('./threads/wait.js', import.meta.url).href;
  const lost = await Promise.all([
    onThread<number>(module, 'echo', { bells, cell, rounds }),
    onThread<number>(module, 'ask', { bells, cell, rounds }),
  ]);
  t.same(lost, [0, 0]);
});
