/** Every kind of stage is killed in mid-stream, again and again: nothing is lost, nothing comes twice. */
import t from 'tap';
import { feedStage, LOG_STAGE } from '../../src/pipeline/memory.js';
import { assertSums } from '../helpers/sums.js';
import { assertLogEqualsMarket, startEngine, syntheticFeed, temporaryFolder, untilEnded } from './support.js';

const COUNT = 400_000;
const KILLS_OF_EACH = 70;

t.test('stages that are terminated go on where they were', { timeout: 240_000 }, async (t) => {
  const folder = temporaryFolder(t);
  const engine = await startEngine(t, {
    feeds: [syntheticFeed(COUNT, 25_000)],
    dataFolder: folder,
    http: false,
    rings: { raw: 1024, broadcast: 16_384, critical: 16_384 },
    supervision: { deathsMax: Number.POSITIVE_INFINITY },
  });
  const kills = new Map<number, number>();
  const deaths = { count: 0 };
  engine.on('stageDeath', () => deaths.count++);
  const killer = async (stage: number): Promise<void> => {
    for (let n = 0; n < KILLS_OF_EACH; ) {
      if (await engine.supervisor.terminate(stage)) {
        n++;
        kills.set(stage, n);
      }
      await new Promise((resolve) => setTimeout(resolve, 20 + ((n * 37) % 60)));
    }
  };
  await Promise.all([killer(feedStage(0)), killer(0), killer(LOG_STAGE)]);
  t.ok(engine.totals().numbered < COUNT, 'the stream was still flowing at the last kill');
  t.ok(deaths.count >= 3 * KILLS_OF_EACH, 'every kill was a death');
  await untilEnded(engine, 120_000);
  await engine.stop();
  assertSums(t, engine.totals(), { logged: true });
  t.equal(engine.totals().received, COUNT, 'every tick of the source was received once');
  assertLogEqualsMarket(t, engine, folder, COUNT);
});
