/** An engine rolls its log over again and again, also when the log stage dies on the way, and lets old ticks go. */
import t from 'tap';
import { LogReader } from '../../src/log/read/log-reader.js';
import { type LogStore, openStore } from '../../src/log/storage/log-store.js';
import { LOG_STAGE } from '../../src/pipeline/memory/engine-memory.js';
import { assertSums } from '../helpers/sums.js';
import { assertLogEqualsMarket, settle, startEngine, syntheticFeed, temporaryFolder } from './support.js';

const SEGMENT_MS = 300;

/** Segments that hold ticks, and are closed. */
function closed(store: LogStore): number[] {
  store.refresh();
  return store
    .segments()
    .filter((r) => r.ranges !== undefined)
    .map((r) => r.number);
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
  const store = openStore(folder, { readOnly: true });
  let deaths = 0;
  engine.on('stageDeath', () => {
    deaths++;
  });
  for (let k = 1; k <= 4; k++) {
    const before = closed(store).length;
    await until(() => closed(store).length >= before + 2);
    engine.supervisor.control(LOG_STAGE).failpointAt = 3 * k;
    await engine.supervisor.terminate(LOG_STAGE);
  }
  const count = await settle(engine);
  // A stage that has just died takes its time to start on a busy machine: more than a stop waits for.
  await until(() => engine.unlogged() === 0);
  await engine.stop();
  t.ok(deaths >= 4, `${deaths} deaths`);
  assertSums(t, engine.totals(), { logged: true });
  assertLogEqualsMarket(t, engine, folder, count);
  t.ok(closed(store).length >= 8, `${closed(store).length} segments`);
  await store.close();
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
  const store = openStore(folder, { readOnly: true });
  await until(() => closed(store)[0] > 2);
  await store.close();
  const count = await settle(engine);
  // A stage that has just died takes its time to start on a busy machine: more than a stop waits for.
  await until(() => engine.unlogged() === 0);
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
