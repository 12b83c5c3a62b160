/** A thread that runs out of memory, or throws, is replaced; the connector goes on from its checkpoint. */
import t from 'tap';
import { assertSums } from '../helpers/sums.js';
import { startEngine, untilEnded } from './support.js';

const feeds = new URL('./feeds.js', import.meta.url);

t.test('a feed that runs out of memory', { timeout: 60_000 }, async (t) => {
  const engine = await startEngine(t, {
    feeds: [{ name: 'hungry', module: feeds, export: 'hungry' }],
    dataFolder: false,
    http: false,
    supervision: { maxOldGenerationMb: 64 },
  });
  const deaths: string[] = [];
  engine.on('stageDeath', ({ stage, reason }) => deaths.push(`${stage}: ${reason}`));
  await untilEnded(engine, 30_000);
  t.equal(deaths.length, 1);
  t.match(deaths[0], /feed hungry: .*memory/i);
  const totals = engine.totals();
  t.equal(totals.received, 10, 'the ten ticks came once each');
  assertSums(t, totals);
});

t.test('a feed with an unhandled rejection', { timeout: 60_000 }, async (t) => {
  const engine = await startEngine(t, {
    feeds: [{ name: 'jumpy', module: feeds, export: 'jumpy' }],
    dataFolder: false,
    http: false,
  });
  const deaths: string[] = [];
  engine.on('stageDeath', ({ stage, reason }) => deaths.push(`${stage}: ${reason}`));
  await untilEnded(engine, 30_000);
  t.match(deaths, [/feed jumpy: .*out of the blue/]);
  t.equal(engine.totals().received, 2);
  assertSums(t, engine.totals());
});
