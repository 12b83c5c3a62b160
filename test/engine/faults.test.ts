/** Each kind of stage dies between two of its writes to shared memory, by the fault hook in its own thread. */
import t from 'tap';
import { feedStage, LOG_STAGE } from '../../src/pipeline/memory.js';
import { assertSums } from '../helpers/sums.js';
import { assertLogEqualsMarket, startEngine, syntheticFeed, temporaryFolder, untilEnded } from './support.js';

const COUNT = 200_000;
const DEATHS_OF_EACH = 40;

t.test('a stage that dies inside a batch leaves it undone or done', { timeout: 240_000 }, async (t) => {
  const folder = temporaryFolder(t);
  const engine = await startEngine(t, {
    feeds: [syntheticFeed(COUNT, 15_000)],
    dataFolder: folder,
    http: false,
    rings: { raw: 1024, broadcast: 16_384, critical: 16_384 },
    supervision: { deathsMax: Number.POSITIVE_INFINITY },
  });
  const stages = new Map([
    ['feed market', feedStage(0)],
    ['shard 0', 0],
    ['log', LOG_STAGE],
  ]);
  const injected = new Map<string, number>();
  engine.on('stageDeath', ({ stage }) => {
    const n = (injected.get(stage) ?? 0) + 1;
    injected.set(stage, n);
    // The next life of the stage ends at another of its writes. The log makes few of them a second.
    const probes = stage === 'log' ? 1 + (n % 14) : 1 + n * 3 + (n % 3);
    if (n <= DEATHS_OF_EACH) engine.supervisor.control(stages.get(stage) ?? 0).faultAt = probes;
  });
  for (const stage of stages.values()) {
    while (!(await engine.supervisor.terminate(stage)))
      await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await untilEnded(engine, 180_000);
  await engine.stop();
  for (const name of stages.keys()) {
    t.ok((injected.get(name) ?? 0) > DEATHS_OF_EACH, `${name} died ${injected.get(name)} times`);
  }
  assertSums(t, engine.totals(), { logged: true });
  assertLogEqualsMarket(t, engine, folder, COUNT);
});
