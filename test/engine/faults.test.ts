/** Each kind of stage dies between two of its writes to shared memory, by the fault hook in its own thread. */
import t from 'tap';
import { feedStage, LOG_STAGE } from '../../src/pipeline/memory/engine-memory.js';
import { assertSums } from '../helpers/sums.js';
import { assertLogEqualsMarket, settle, startEngine, syntheticFeed, temporaryFolder } from './support.js';

const DEATHS_OF_EACH = 40;

t.test('a stage that dies inside a batch leaves it undone or done', { timeout: 600_000 }, async (t) => {
  const folder = temporaryFolder(t);
  const engine = await startEngine(t, {
    feeds: [syntheticFeed(10_000)],
    dataFolder: folder,
    http: false,
    rings: { raw: 1024, broadcast: 16_384, critical: 16_384 },
    // Without the test runner's hooks, which take a second of every thread's start.
    supervision: { deathsMax: Number.POSITIVE_INFINITY, execArgv: [] },
  });
  const stages = new Map([
    ['feed market', feedStage(0)],
    ['shard 0', 0],
    ['log', LOG_STAGE],
  ]);
  const deaths = new Map([...stages.keys()].map((name) => [name, 0]));
  engine.on('stageDeath', ({ stage }) => {
    const n = (deaths.get(stage) ?? 0) + 1;
    deaths.set(stage, n);
    // The next life of the stage ends at another of its writes. The log makes few of them a second.
    const probes = stage === 'log' ? 1 + (n % 14) : 1 + n * 3 + (n % 3);
    if (n <= DEATHS_OF_EACH) engine.supervisor.control(stages.get(stage) ?? 0).failpointAt = probes;
  });
  for (const stage of stages.values()) {
    while (!(await engine.supervisor.terminate(stage)))
      await new Promise((resolve) => setTimeout(resolve, 5));
  }
  while ([...deaths.values()].some((n) => n <= DEATHS_OF_EACH)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const count = await settle(engine);
  t.ok(count > 0, `${count} ticks flowed through ${DEATHS_OF_EACH} deaths of each stage`);
  await engine.stop();
  assertSums(t, engine.totals(), { logged: true });
  assertLogEqualsMarket(t, engine, folder, count);
});
