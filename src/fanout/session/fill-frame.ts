/** Fills a frame with what one subscriber's subscriptions have to send. */
import type { Frame } from '../batch/frame.js';
import type { Subscription } from './subscription.js';

/**
 * Quotes come in pieces of their own size, and go first; then the stream readers, in as many bytes as `streamBytes` says.
 * @param turn another number each time: which subscription goes first follows from it
 * @returns whether all that there was is in the frame
 */
export function fillFrame(
  frame: Frame,
  subscriptions: readonly Subscription[],
  turn: number,
  streamBytes: () => number,
): boolean {
  // A subscription whose log fails ends in the middle of this.
  const some = subscriptions.length === 1 ? subscriptions : [...subscriptions];
  const { length } = some;
  const first = turn % length;
  let all = true;
  for (let n = 0; n < length; n++) some[n].announce();
  for (let n = 0; n < length; n++) if (!some[(first + n) % length].flushSnapshot(frame)) all = false;
  // The window empties until a piece of quotes fits; the rest comes in what a slow link takes between two heartbeats.
  if (!all && frame.ticks === 0) return false;
  frame.bound(streamBytes());
  for (let n = 0; n < length; n++) if (!some[(first + n) % length].flushStream(frame)) all = false;
  return all;
}
