/** Every scenario runs in its small size, and its result holds: nothing lost, order right, sums even. */
import t from 'tap';
import { smallOptions } from '../../../src/bench/cli.js';
import { runScenario } from '../../../src/bench/harness/scenario.js';
import { SCENARIOS } from '../../../src/bench/scenarios.js';

for (const scenario of SCENARIOS) {
  t.test(scenario.name, { timeout: 120_000 }, async (t) => {
    const { result, lines } = await runScenario(scenario, smallOptions(scenario), () => {});
    // On a busy machine the rows of a pinned scenario are not valid, and say so; nothing may be wrong with the ticks.
    const faults = result.why.filter((why) => why !== 'the rows say why');
    t.same(faults, []);
    t.ok(lines.length > 0);
    t.ok(Object.keys(result.figures).length > 0);
    for (const [name, { runs, median, min, max }] of Object.entries(result.figures)) {
      t.ok(runs.length > 0 && runs.every((value) => Number.isFinite(value) && value > 0), `${name}: ${runs}`);
      t.ok(min <= median && median <= max);
    }
    if (scenario.name === 'soak') t.match(result, { flat: null }, 'too short to judge memory, and says so');
    t.ok(scenario.diagram.includes('─'), 'its topology is drawn');
  });
}
