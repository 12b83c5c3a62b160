/** An engine rolls its log over again and again, also when the log stage dies on the way, and lets old ticks go. */
import t from 'tap';
import { LogReader } from '../../src/log/reader.js';
import { openStore } from '../../src/log/store.js';
import { LOG_STAGE } from '../../src/pipeline/memory.js';
import { assertSums } from '../helpers/sums.js';
import { assertLogEqualsMarket, settle, startEngine, syntheticFeed, temporaryFolder } from './support.js';

const SEGMENT_MS = 300;

function segments(folder: string): number[] {
  const store = openStore(folder, { readOnly: true });
  const numbers = store.segments().map((r) => r.number);
  void store.close();
  return numbers;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

t.test('short segments, and deaths of the log stage', { timeout: 120_000 }, async (t) => {
  const folder = temporaryFolder(t);
  const engine = await startEngine(t, {
    feeds: [syntheticFeed(10_000)],
    dataFolder: folder,
    http: false,
    log: { segmentMs: SEGMENT_MS, commitDelayMs: 5 },
    supervision: { deathsMax: Number.POSITIVE_INFINITY, execArgv: [] },
  });
  let deaths = 0;
  engine.on('stageDeath', () => {
    deaths++;
  });
  for (let k = 1; k <= 4; k++) {
    const before = segments(folder).at(-1)!;
    await until(() => segments(folder).at(-1)! >= before + 2);
    engine.supervisor.control(LOG_STAGE).faultAt = 3 * k;
    await engine.supervisor.terminate(LOG_STAGE);
  }
  const count = await settle(engine);
  await engine.stop();
  t.ok(deaths >= 4, `${deaths} deaths`);
  assertSums(t, engine.totals(), { logged: true });
  assertLogEqualsMarket(t, engine, folder, count);
  t.ok(segments(folder).length >= 5, `${segments(folder).length} segments`);
});

t.test('retention beside live ticks', { timeout: 60_000 }, async (t) => {
  const folder = temporaryFolder(t);
  const engine = await startEngine(t, {
    feeds: [syntheticFeed(10_000)],
    dataFolder: folder,
    http: false,
    log: { segmentMs: SEGMENT_MS, commitDelayMs: 5, retention: { totalBytes: 1 } },
  });
  // The checkpoint has to cover a segment before it may go.
  await until(() => segments(folder)[0] > 2);
  const count = await settle(engine);
  await engine.stop();
  assertSums(t, engine.totals(), { logged: true });
  const reader = LogReader.open(folder);
  const { oldest, newest } = reader.bounds(engine.identity.epoch, 0);
  t.ok(oldest > 1 && newest >= count, `${oldest} to ${newest} of ${count} are left`);
  await reader.close();

  const again = await startEngine(t, { feeds: [syntheticFeed(100)], dataFolder: folder, http: false });
  const after = LogReader.open(folder);
  t.same(after.epochs()[0].last, [newest]);
  await after.close();
  await again.stop();
});
