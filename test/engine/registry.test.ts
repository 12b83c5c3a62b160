/** The log follows a registry that is compacted under it: across deaths of its thread, restarts and imports. */
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { LOG_STAGE } from '../../src/pipeline/memory/engine-memory.js';
import { assertSums } from '../helpers/sums.js';
import {
  assertLogEqualsMarket,
  MARKET,
  settle,
  startEngine,
  syntheticFeed,
  temporaryFolder,
} from './support.js';

const STREAMS = 4_000;

t.test('streams without end', { timeout: 120_000 }, async (t) => {
  const dataFolder = temporaryFolder(t);
  const options = {
    feeds: [syntheticFeed(2_000)],
    dataFolder,
    http: false as const,
    rings: { raw: 1024, broadcast: 16_384, critical: 16_384 },
    supervision: { deathsMax: Number.POSITIVE_INFINITY, execArgv: [] },
  };
  const engine = await startEngine(t, options);
  const { registry } = engine;
  const first = registry.defineSymbol({ name: 'FIRST', digits: 2 });
  let compacted = 0;
  let opened = 0;
  for (let round = 1; round <= 4; round++) {
    for (let i = 0; i < STREAMS; i++) {
      const before = registry.length;
      registry.defineSource({ feed: 'mt5', name: 'terminal', stream: `${opened++}`.padStart(128, '0') });
      if (registry.length < before) compacted++;
      if (i % 500 === 0) await delay(5);
    }
    registry.defineSymbol({ name: `LATE${round}`, digits: 2 });
    while (!(await engine.supervisor.terminate(LOG_STAGE))) await delay(5);
    await delay(100);
  }
  t.ok(compacted >= 4, `compacted ${compacted} times`);
  const numbered = engine.totals().sequenced;
  while (engine.totals().sequenced < numbered + 1_000) await delay(5);
  const count = await settle(engine);
  await engine.stop();
  assertSums(t, engine.totals(), { logged: true });

  const next = await startEngine(t, { ...options, feeds: [] });
  t.same(next.registry.symbols, registry.symbols, 'the log has every symbol, and ids stay');
  t.same(next.registry.sources, registry.sources, 'and the newest of every source');
  t.same(next.registry.bytesFrom(0), registry.bytesFrom(0), 'and not a byte more');
  t.equal(next.registry.symbolId('FIRST'), first);
  t.equal(next.registry.symbolCount, 1 + MARKET.symbols + 5);
  t.ok(next.registry.usage.bytes < 20_000);
  await next.stop();
  assertLogEqualsMarket(t, engine, dataFolder, count);
});

t.test('the operator is warned before it is full', async (t) => {
  const warnings: string[] = [];
  const logger = { info() {}, warn: (_: object, message: string) => void warnings.push(message), error() {} };
  await startEngine(t, {
    feeds: [syntheticFeed(100)],
    dataFolder: false,
    http: false,
    maxSymbols: 60,
    logger,
  });
  while (warnings.length === 0) await delay(20);
  t.same(warnings, [
    '50 of at most 59 symbols are defined (84 %). Raise maxSymbols before new ones are refused.',
  ]);
});
