import t from 'tap';
import type { TickRecord } from '../../../src/core/tick-record.js';
import { CHECKPOINT_WORDS } from '../../../src/feeds/file/checkpoint.js';
import { FileFeed } from '../../../src/feeds/file/feed.js';
import { fileOptions } from '../../../src/feeds/file/index.js';
import { armFailpoint } from '../../../src/pipeline/memory/failpoint.js';
import { Harness } from './harness.js';
import { exportOf, write } from './scratch.js';

const LINES = 3_000;

/** Everything but when it was received. */
function content(ticks: TickRecord[]): string[] {
  return ticks.map(({ tsRecv: _, ...rest }) => JSON.stringify({ ...rest, tsEvent: String(rest.tsEvent) }));
}

t.test('a feed whose thread died continues after its last committed tick', async (t) => {
  const folder = t.testdir();
  const lines = exportOf(LINES).split('\r\n');
  lines[500] = 'broken';
  // From here on the ask is only carried on from line to line.
  for (let i = 600; i <= LINES; i++) lines[i] = lines[i].replace('1.50000', '');
  write(folder, 'EURUSD_1.csv', lines.join('\n'));
  write(folder, 'EURUSD_2.csv', exportOf(LINES));
  const options = fileOptions.parse({ path: folder, speed: 'max', shiftToNow: true });

  const whole = new Harness({ stateWords: CHECKPOINT_WORDS });
  const feed = new FileFeed(options);
  await feed.start(whole.context);
  const expected = content(await whole.takeUntil(() => feed.status().state === 'ended'));
  t.equal(expected.length, 2 * LINES - 1);

  let harness = new Harness({ stateWords: CHECKPOINT_WORDS });
  // Each life ends between two writes to shared memory, with ticks written that it never committed.
  for (const writes of [3, 333, 1_777, 2_050, 2_051, 2_052]) {
    const dying = new FileFeed(options);
    await dying.start(harness.context);
    armFailpoint(writes, () => {
      throw new Error('the thread dies');
    });
    while (dying.status().state === 'live') await new Promise((resolve) => setImmediate(resolve));
    armFailpoint(0, () => {});
    t.equal(dying.status().state, 'failed');
    harness.advance(1000);
    harness = new Harness({ stateWords: CHECKPOINT_WORDS, memory: harness.memory });
  }
  const last = new FileFeed(options);
  await last.start(harness.context);
  const got = await harness.takeUntil(() => last.status().state === 'ended');
  t.ok(content(got).join('\n') === expected.join('\n'));
  t.equal(harness.totals().received, 2 * LINES);
  t.equal(harness.imbalance(), '');
});
