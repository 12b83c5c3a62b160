/** Scenario `fanout` runs small in both modes: every client gets every tick, and stopped ones come back. */
import t from 'tap';
import { benchFanout, type FanoutOptions, objections } from '../../../src/bench/fanout/scenario.js';
import type { FanoutRun } from '../../../src/bench/fanout/types.js';

const SMALL: FanoutOptions = {
  clients: 10,
  watch: 20,
  symbols: 20,
  seconds: 0.5,
  warmup: 0.2,
  mode: 'both',
  rate: 2000,
  intervalMs: 0,
  stopped: 2,
  pairs: 1,
  shards: 1,
  seed: 3,
  tradeShare: 0.05,
  skew: 0.9,
  log: true,
  pin: false,
};

t.test('both modes, with clients that stop reading', { timeout: 180_000 }, async (t) => {
  const seen: FanoutRun[] = [];
  const result = await benchFanout(SMALL, (row) => seen.push(row));
  t.same(result.rows, seen, 'every row was told');
  t.same(
    result.rows.map((row) => [row.mode, row.phase, row.withStopped]),
    (['every', 'latest'] as const).flatMap((mode) => [
      [mode, 'probe', false],
      [mode, 'fixed', false],
      [mode, 'fixed', false],
      [mode, 'fixed', true],
    ]),
  );
  t.match(result, { lost: 0, reordered: 0, wrongFinalState: 0, mode: 'every' });
  for (const row of result.rows) {
    const name = `${row.mode}${row.withStopped ? ' with stopped clients' : ''}`;
    t.ok(row.deliveredPerSecond > 0 && row.latencyUs.samples > 0, `${name}: ticks were delivered`);
    t.equal(row.latencyUs.negative, 0, `${name}: none before it was due`);
    t.ok(row.bytesPerTick >= 24, `${name}: of at least the smallest record each`);
    t.equal(row.recoveredMs !== null, row.withStopped, `${name}: recovery is told where there is one`);
    t.match(row, { lost: 0, reordered: 0, wrongFinalState: 0 }, `${name}: no fault`);
    t.ok(row.why.includes('the processes were not pinned to a core each'), `${name}: says what it lacks`);
    t.notOk(row.valid, `${name}: and so is not to be quoted`);
  }
  t.ok(result.every?.stopped && result.latest?.stopped);
});

t.test('each client with symbols of its own, no log', { timeout: 120_000 }, async (t) => {
  const options = { ...SMALL, mode: 'every', watch: 5, stopped: 0, shards: 2, log: false } as const;
  const { rows, ...result } = await benchFanout(options, () => {});
  t.match(result, { lost: 0, reordered: 0, wrongFinalState: 0 });
  t.equal(rows.length, 2);
  t.ok(rows[1].deliveredPerSecond > 0);
  t.ok(rows[1].offeredPerSecond < 10 * 2000, 'not every tick is everyone’s');
});

t.test('each kind of fault is reported, beside what the runs say', async (t) => {
  const none = { lost: 0, reordered: 0, wrongFinalState: 0, valid: true };
  t.same(objections(none), []);
  t.same(objections({ ...none, valid: false }), ['the rows say why']);
  t.match(objections({ lost: 3, reordered: 2, wrongFinalState: 1, valid: false }), [
    /^3 .*lost/,
    /^2 .*order/,
    /^1 .*state/,
    'the rows say why',
  ]);
});

t.test('what cannot be measured is said before anything runs', async (t) => {
  const refused = (options: Partial<FanoutOptions>) => benchFanout({ ...SMALL, ...options }, () => {});
  await t.rejects(refused({ watch: 21 }), { code: 'bad_config' });
  await t.rejects(refused({ clients: 1e9 }), { code: 'limit_exceeded', message: /ulimit -n/ });
});
