import type { Heartbeat } from '../wire/ticks.js';
import type { FeedAge } from './options.js';

/** What the last heartbeat said of the feeds, and how long ago. */
export class FeedAges {
  #feeds: Heartbeat['feeds'] = [];
  #toldAt = 0;

  told(feeds: Heartbeat['feeds']): void {
    this.#feeds = feeds;
    this.#toldAt = performance.now();
  }

  list(): FeedAge[] {
    const toldMs = performance.now() - this.#toldAt;
    return this.#feeds.map(({ feed, state, ageMs }) => ({ feed, state, ageMs, toldMs }));
  }
}
