/** Every kind of stage is killed in mid-stream, again and again: nothing is lost, nothing comes twice. */
import t from 'tap';
import { feedStage, LOG_STAGE } from '../../src/pipeline/memory/engine-memory.js';
import { assertSums } from '../helpers/sums.js';
import { assertLogEqualsMarket, settle, startEngine, syntheticFeed, temporaryFolder } from './support.js';

const TICKS_PER_SECOND = 10_000;
const KILLS_OF_EACH = 70;

t.test('stages that are terminated go on where they were', { timeout: 600_000 }, async (t) => {
  const folder = temporaryFolder(t);
  const engine = await startEngine(t, {
    feeds: [syntheticFeed(TICKS_PER_SECOND)],
    dataFolder: folder,
    http: false,
    rings: { raw: 1024, broadcast: 16_384, critical: 16_384 },
    // Without the test runner's hooks, which take a second of every thread's start.
    supervision: { deathsMax: Number.POSITIVE_INFINITY, execArgv: [] },
  });
  let deaths = 0;
  engine.on('stageDeath', () => deaths++);
  const killer = async (stage: number): Promise<void> => {
    for (let n = 0; n < KILLS_OF_EACH; ) {
      if (await engine.supervisor.terminate(stage)) n++;
      await new Promise((resolve) => setTimeout(resolve, 20 + ((n * 37) % 60)));
    }
  };
  await Promise.all([killer(feedStage(0)), killer(0), killer(LOG_STAGE)]);
  t.ok(deaths >= 3 * KILLS_OF_EACH, 'every kill was a death');
  const flowed = engine.totals().sequenced;
  while (engine.totals().sequenced < flowed + TICKS_PER_SECOND)
    await new Promise((resolve) => setTimeout(resolve, 5));
  const count = await settle(engine);
  await engine.stop();
  assertSums(t, engine.totals(), { logged: true });
  assertLogEqualsMarket(t, engine, folder, count);
});
