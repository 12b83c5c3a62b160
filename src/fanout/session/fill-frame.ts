/** Fills a frame with the ticks of one subscriber's subscriptions. */
import type { Frame } from '../batch/frame.js';
import type { Subscription } from './subscription.js';

/**
 * The chunks of the snapshot readers are added first; then the stream readers fill the rest, up to `streamBytes`.
 * @param turn a counter of the calls: rotates which subscription is served first
 * @param streamBytes bytes that stream readers may add
 * @returns whether the frame has everything there was to send
 */
export function fillFrame(
  frame: Frame,
  subscriptions: readonly Subscription[],
  turn: number,
  streamBytes: () => number,
): boolean {
  // A copy: a subscription that cannot read the log ends during the loops.
  const served = subscriptions.length === 1 ? subscriptions : [...subscriptions];
  const { length } = served;
  const first = turn % length;
  let all = true;
  for (let n = 0; n < length; n++) served[n].announce();
  for (let n = 0; n < length; n++) if (!served[(first + n) % length].flushSnapshot(frame)) all = false;
  // A chunk of quotes did not fit: sends nothing, so that the window empties until the chunk fits.
  if (!all && frame.ticks === 0) return false;
  frame.bound(streamBytes());
  for (let n = 0; n < length; n++) if (!served[(first + n) % length].flushStream(frame)) all = false;
  return all;
}
