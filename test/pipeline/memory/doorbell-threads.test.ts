/** No wake-up is lost: two threads answer each other's doorbell, and one that was missed would cost a minute's sleep. */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { allocateDoorbells, Doorbell } from '../../../src/pipeline/memory/doorbell.js';
import { onThread } from '../../helpers/threads.js';

const module = new URL('./threads/wait.js', import.meta.url).href;

t.test('20,000 rounds of ring and answer', { timeout: 50_000 }, async (t) => {
  const doorbells = allocateDoorbells(2);
  const cell = new SharedArrayBuffer(8);
  const rounds = 20_000;
  const lost = await Promise.all([
    onThread<number>(module, 'echo', { doorbells, cell, rounds }),
    onThread<number>(module, 'ask', { doorbells, cell, rounds }),
  ]);
  t.same(lost, [0, 0]);
});

t.test('a consumer that naps sleeps through rings that are not urgent', async (t) => {
  const doorbells = allocateDoorbells(1);
  const doorbell = new Doorbell(doorbells, 0);
  const sleepWord = new Int32Array(doorbells, 4, 1);
  const napped = onThread<number>(module, 'nap', { doorbells });
  while (sleepWord[0] === 0) await sleep(1);
  // Until its wait has begun a ring would be one that it had not seen before.
  await sleep(50);
  for (let i = 0; i < 100; i++) doorbell.ring(false);
  await sleep(50);
  t.not(sleepWord[0], 0);
  doorbell.ring();
  t.ok((await napped) < 59_000);
  t.equal(sleepWord[0], 0);
});
