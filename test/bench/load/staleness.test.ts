/** Staleness is counted from when the first tick was due that a client lacks. */
import t, { type Test } from 'tap';
import type { LatencyUs } from '../../../src/bench/harness/latency.js';
import { until } from '../../../src/bench/harness/measure.js';
import type { TickCheck } from '../../../src/bench/harness/packed-checker.js';
import { StalenessWatch, type StaleSchedule } from '../../../src/bench/load/staleness.js';
import { RECORD_U32, U32_SYMBOL } from '../../../src/core/tick.js';
import { Market, STANDARD_MARKET } from '../../../src/feeds/synthetic/index.js';

const MARKET = { symbols: 4, seed: 9, skew: 0.5, tradeShare: 0 };
const BEFORE = 5000;
const DUE = 1000;
const SYMBOL = 2;
/** symbolSeq that definitions have taken before the market begins. */
const BASE = 7;
const SCHEDULE: StaleSchedule = {
  perSecond: 10_000,
  startUs: 1e6,
  madeBefore: BEFORE,
  symbolSeqs: [0, BASE, BASE, BASE, BASE],
};
const PERIOD_US = 100;
const NOW_US = SCHEDULE.startUs + DUE * PERIOD_US;

/** Numbers in the schedule of the ticks of `SYMBOL`, and how many it had before. */
function ticksOfSymbol(): { before: number; ticks: number[] } {
  const market = new Market({ ...STANDARD_MARKET, ...MARKET });
  let before = 0;
  const ticks: number[] = [];
  for (let n = 1 - BEFORE; n <= DUE; n++) {
    const isIt = market.block.u32[market.at * RECORD_U32 + U32_SYMBOL] + 1 === SYMBOL;
    if (isIt && n <= 0) before++;
    else if (isIt) ticks.push(n);
    market.advance();
  }
  return { before, ticks };
}

/** What a watch finds of a client that has that symbolSeq. */
async function look(t: Test, symbolSeq: number, schedules = [SCHEDULE]): Promise<LatencyUs> {
  const check = { symbolSeq: () => symbolSeq } as unknown as TickCheck;
  let looks = 0;
  const now = () => {
    looks++;
    return NOW_US;
  };
  const watch = new StalenessWatch(check, [[SYMBOL]], MARKET, now);
  let found: LatencyUs | null = null;
  for (const schedule of schedules) {
    watch.start();
    looks = 0;
    t.ok(await until(() => looks > 0, 10_000));
    watch.stop();
    found = watch.evaluate(schedule);
  }
  return found!;
}

const { before, ticks } = ticksOfSymbol();
/** Histograms keep three digits. */
const DIGITS = 1e-3;

t.test('a client that has all that was due is not stale', async (t) => {
  t.match(await look(t, BASE + before + ticks.length), { p50: 0, max: 0 });
});

t.test('one that lacks some is, since the first of them was due', async (t) => {
  const has = 10;
  const staleUs = NOW_US - SCHEDULE.startUs - ticks[has] * PERIOD_US;
  const found = await look(t, BASE + before + has);
  t.ok(Math.abs(found.p50 - staleUs) <= staleUs * DIGITS + 1, `${found.p50} of ${staleUs} µs`);
  t.equal(found.max, staleUs);
});

t.test('one that lacks ticks of an earlier schedule is at least as old as this one', async (t) => {
  const staleUs = NOW_US - SCHEDULE.startUs - ticks[0] * PERIOD_US;
  t.equal((await look(t, BASE + before - 3)).max, staleUs);
});

t.test(
  'a schedule of which fewer ticks were generated than were due leaves no trace in the next',
  async (t) => {
    const short = { ...SCHEDULE, madeBefore: BEFORE - 200 };
    const found = await look(t, BASE + before + ticks.length, [short, SCHEDULE]);
    t.match(found, { p50: 0, max: 0 });
  },
);

t.test('without a look there is nothing to report', async (t) => {
  const watch = new StalenessWatch({} as TickCheck, [[1]], MARKET, () => 0);
  t.equal(watch.evaluate(SCHEDULE), null);
});
