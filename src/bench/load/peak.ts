/** Seeks the highest rate that a system sustains. Bounded in the number of its probes. */

export interface Probe {
  deliveredPerSecond: number;
  /** Whether the rate held, and the run may be believed. */
  holds: boolean;
}

const PROBES_MAX = 14;
const GROW = 2;
/** How close the highest rate that held and the lowest that did not have to come. */
const CLOSE = 1.06;
/** In a search for the most delivered: growth by which a step counts as one. */
const GAIN_MIN = 1.03;
const MOST_GROW = 1.6;

/**
 * The highest rate that is sustained, within a few per cent: doubled until it is not, then narrowed down.
 * @returns 0 if none was
 */
export async function highestSustained(
  probe: (rate: number) => Promise<Probe>,
  start: number,
): Promise<number> {
  let low = 0;
  let high = Number.POSITIVE_INFINITY;
  let rate = start;
  for (let n = 0; n < PROBES_MAX && high > low * CLOSE && rate >= 1; n++) {
    const { holds } = await probe(Math.round(rate));
    if (holds) low = rate;
    else high = rate;
    if (high === Number.POSITIVE_INFINITY) rate = low * GROW;
    else rate = low === 0 ? high / GROW : Math.sqrt(low * high);
  }
  return Math.round(low);
}

/**
 * The rate at which most is delivered, where more offered means more conflated: raised until that brings no more.
 * @returns 0 if no rate was sustained
 */
export async function mostDelivered(probe: (rate: number) => Promise<Probe>, start: number): Promise<number> {
  let best = 0;
  let bestRate = 0;
  let rate = start;
  for (let n = 0; n < PROBES_MAX && rate >= 1; n++) {
    const { deliveredPerSecond, holds } = await probe(Math.round(rate));
    if (!holds && bestRate === 0) {
      rate /= MOST_GROW;
      continue;
    }
    if (!holds || deliveredPerSecond <= best * GAIN_MIN) break;
    best = deliveredPerSecond;
    bestRate = rate;
    rate *= MOST_GROW;
  }
  return Math.round(bestRate);
}
