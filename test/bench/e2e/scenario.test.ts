/** Scenario `e2e` runs small against every system that is installed: every client gets every tick, and the last state. */
import t, { type Test } from 'tap';
import { benchE2e, type E2eOptions } from '../../../src/bench/e2e/scenario.js';
import type { E2eRun } from '../../../src/bench/e2e/types.js';
import { LatencySamples, type LatencyUs, type RecordedLatency } from '../../../src/bench/harness/latency.js';
import { STAGES } from '../../../src/bench/harness/traced.js';

function summaryOf(recorded: RecordedLatency): LatencyUs {
  const samples = new LatencySamples();
  samples.add(recorded);
  return samples.summary();
}

const SMALL: E2eOptions = {
  peers: 'nats,jetstream,redis-single,mosquitto-single,ws-single,socketio-single,uws',
  own: 'tickwire,tickwire-latest',
  clients: 4,
  watch: 12,
  symbols: 12,
  rates: [400],
  seconds: 0.3,
  warmup: 0.1,
  passes: 1,
  seed: 3,
  skew: 0.9,
  pin: false,
};

function checkRows(t: Test, rows: E2eRun[]): void {
  for (const row of rows) {
    const name = `${row.system}, ${row.phase}`;
    t.match(row, { lost: 0, reordered: 0, disconnected: 0, wrongFinalState: 0 }, `${name}: no fault`);
    t.ok(row.achievedPerSecond > 0 && row.latencyUs.samples > 0, `${name}: ticks were delivered`);
    t.equal(row.latencyUs.negative, 0, `${name}: none before it was due`);
    t.ok(row.bytesPerTick >= 24, `${name}: of at least the smallest record each`);
    t.ok(row.stalenessUs!.samples > 0, `${name}: staleness was looked at`);
    if (row.system.startsWith('tickwire')) {
      for (const stage of STAGES)
        t.ok(summaryOf(row.stages![stage]).samples > 0, `${name}: ticks were followed through ${stage}`);
      t.same(new Set(STAGES.map((stage) => summaryOf(row.stages![stage]).samples)).size, 1, 'all of them');
    } else t.equal(row.stages, null, `${name}: has no stages of ours`);
    t.ok(row.latencyHdr.startsWith('HISTFAAA'), `${name}: the histogram is in the form that tools read`);
    for (const { name: process, gc, role } of row.processes) {
      const isNode = !/^(nats-server|redis-server|mosquitto)$/.test(process);
      t.equal(gc !== null, isNode, `${name}: pauses of ${process} are known where it is a program of Node`);
      if (role === 'load') t.ok(gc!.ms >= gc!.msMax && gc!.count >= 0, `${name}: pauses add up`);
    }
    t.ok(
      row.processes.some(({ role }) => role === 'server'),
      `${name}: its servers are known`,
    );
    t.ok(row.why.includes('the processes were not pinned to a core each'), `${name}: says what it lacks`);
  }
}

t.test('each system, from feed to subscriber', { timeout: 400_000 }, async (t) => {
  const result = await benchE2e(SMALL, () => {});
  t.same(result.failures, []);
  for (const { name, why } of result.skipped) t.comment(`${name} is skipped: ${why}`);
  const names = result.systems.map((summary) => summary.system);
  t.ok(names.includes('tickwire') && names.includes('ws') && names.includes('uws-batch'));
  for (const name of names) {
    const rows = result.rows.filter((row) => row.system === name);
    t.same(
      rows.map((row) => row.phase),
      ['sweep', 'overload', 'slow'],
      name,
    );
    checkRows(t, rows);
  }
  t.equal(result.cells.length, 3 * names.length);
  t.ok(
    result.systems.every((summary) => !summary.valid),
    'nothing that was not pinned may be quoted',
  );
});

t.test('each client with symbols of its own, and rates that are sought', { timeout: 200_000 }, async (t) => {
  const options = { ...SMALL, peers: 'ws', own: 'none', watch: 3, symbols: 40, clients: 400 };
  const result = await benchE2e({ ...options, rates: 'auto' }, () => {});
  t.same(result.failures, []);
  t.same(
    result.skipped.map(({ name }) => name),
    ['ws-batch'],
    'a batch of the full book is nothing for those who watch some of it',
  );
  const [summary] = result.systems;
  t.ok(summary.capacityRate! > 0);
  t.equal(result.commonRate, Math.round(summary.capacityRate! / 2));
  t.same(
    new Set(result.rows.map((row) => row.phase)),
    new Set(['probe', 'sweep', 'common', 'slow', 'overload']),
  );
});

t.test('what cannot be measured is said before anything runs', async (t) => {
  const refused = (options: Partial<E2eOptions>) => benchE2e({ ...SMALL, ...options }, () => {});
  await t.rejects(refused({ watch: 13 }), { code: 'bad_config' });
  await t.rejects(refused({ peers: 'kafka' }), { code: 'bad_config', message: /kafka.*nats/ });
  await t.rejects(refused({ peers: 'none', own: 'none' }), { code: 'bad_config' });
});
