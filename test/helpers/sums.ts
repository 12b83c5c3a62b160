/** The two sums of the design, "Numbers that must add up": asserted after every run, whatever happened in it. */
import type { Test } from 'tap';
import type { Totals } from '../../src/pipeline/memory/counter-reader.js';

/**
 * @param options.logged whether a log ran and has drained: every sequenced tick is then logged or shed
 */
export function assertSums(
  t: Pick<Test, 'equal' | 'ok'>,
  totals: Totals,
  options: { logged?: boolean } = {},
): void {
  const into = totals.received + totals.split + totals.generated;
  const outOf =
    totals.rejected +
    totals.duplicate +
    totals.conflated +
    totals.dropped +
    totals.pendingOneSided +
    totals.inFlight +
    totals.sequenced;
  t.equal(into, outOf, `before numbering, in = out: ${JSON.stringify(totals)}`);
  const byReason = Object.values(totals.rejectedBy).reduce((a, b) => a + b, 0);
  t.equal(totals.rejected, byReason, 'every rejection has a reason');
  const counts = Object.entries(totals).filter(([, n]) => typeof n === 'number');
  t.ok(
    counts.every(([, n]) => Number.isSafeInteger(n) && n >= 0),
    'no counter is negative or broken',
  );
  if (options.logged === true) {
    t.equal(totals.sequenced, totals.logged + totals.shed, 'after numbering, in = out');
  } else {
    t.ok(totals.logged + totals.shed <= totals.sequenced, 'nothing is logged that was not numbered');
  }
}
