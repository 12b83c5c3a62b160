/** All systems with the options as they are by default are measured in less than thirty minutes. */
import { Command } from 'commander';
import t from 'tap';
import { estimateSeconds, isSought, loadsOf, type Plan } from '../../../src/bench/e2e/plan.js';
import { e2e } from '../../../src/bench/e2e/scenario.js';
import { chooseSystems } from '../../../src/bench/e2e/systems.js';

const DEFAULTS = e2e.flags(new Command()).opts() as Plan & { symbols: number; peers: string; own: string };
const { symbols } = DEFAULTS;
const { systems, skipped } = chooseSystems('all', { watch: symbols, symbols, own: 'all' });

t.test('the whole comparison takes less than thirty minutes', async (t) => {
  for (const { name, why } of skipped) t.comment(`${name} is skipped: ${why}`);
  const seconds = estimateSeconds(systems, DEFAULTS);
  t.ok(seconds < 28 * 60, `${systems.length} systems: ${seconds} s`);
  t.ok(
    seconds > systems.length * DEFAULTS.passes * 5 * (DEFAULTS.seconds + DEFAULTS.warmup),
    'of rows alone',
  );
});

t.test('what the first table quotes is measured of every system', async (t) => {
  for (const system of systems)
    t.ok(
      [0.5, 0.9, 1].every((load) => loadsOf(system).includes(load)),
      system.name,
    );
  const [own] = systems;
  t.ok(loadsOf(own).length > 3, 'and more of those that are not another one with a thing changed');
});

t.test('each row counts', async (t) => {
  const plan: Plan = { rates: [100, 200], clients: 10, seconds: 1, warmup: 0, passes: 1 };
  const base = estimateSeconds(systems, plan);
  t.ok(estimateSeconds(systems, { ...plan, passes: 2 }) >= 2 * base - 1);
  t.ok(estimateSeconds(systems, { ...plan, rates: [1, 2, 3, 4] }) > base);
  t.ok(estimateSeconds(systems, { ...plan, rates: 'auto' }) > base, 'seeking takes time');
  t.equal(estimateSeconds([], plan), 0);
});

t.test('in mode latest no capacity is sought where there is that of every', async (t) => {
  const latest = systems.find(({ name }) => name === 'tickwire-latest')!;
  t.equal(isSought(latest, systems), false);
  t.equal(isSought(latest, [latest]), true);
  t.ok(systems.filter((system) => system !== latest).every((system) => isSought(system, systems)));
});
