/** Connectors that go wrong, for a worker to load. */

import { NO_SIZE } from '../../src/core/tick.js';
import type { Feed, FeedContext, FeedStatus, FeedType } from '../../src/feeds/connector/feed.js';
import { Take } from '../../src/feeds/connector/feed-sink.js';

const LIVE: FeedStatus = { state: 'live', detail: 'delivering', sources: 1 };

/** Fails whenever it is started. */
export const broken: FeedType<unknown> = {
  policy: 'block',
  stateWords: () => 0,
  create: (): Feed => ({
    start: () => Promise.reject(new Error('the venue is on fire')),
    stop: async () => {},
    status: () => LIVE,
  }),
};

/** Delivers ten ticks in all; in its first life it runs out of memory after the fifth. */
export const hungry: FeedType<unknown> = {
  policy: 'block',
  stateWords: () => 1,
  create: (): Feed => {
    let state: FeedStatus = LIVE;
    return {
      async start(context: FeedContext) {
        const source = context.source('hungry');
        const symbol = context.symbol(source, 'FOOD', { digits: 2 });
        const from = context.resumed ? context.state()[0] : 0;
        const upTo = context.resumed ? 10 : 5;
        context.sink.stamp();
        for (let n = from; n < upTo; n++) {
          if (context.sink.take(source, symbol, 0) !== Take.accepted) throw new Error('no room');
          context.sink.quote(source, symbol, 0, 0, 1000 + n, 0, 1 + n / 100, 2, NO_SIZE, NO_SIZE);
          context.state()[0] = n + 1;
        }
        context.sink.commit();
        if (context.resumed) {
          state = { state: 'ended', detail: 'done', sources: 0 };
          return;
        }
        const kept: number[][] = [];
        for (;;) kept.push(new Array<number>(100_000).fill(kept.length + 0.5));
      },
      stop: async () => {},
      status: () => state,
    };
  },
};

/** An exception out of the blue, in its first life only. */
export const jumpy: FeedType<unknown> = {
  policy: 'block',
  stateWords: () => 1,
  create: (): Feed => {
    let state: FeedStatus = LIVE;
    return {
      async start(context: FeedContext) {
        const source = context.source('jumpy');
        const symbol = context.symbol(source, 'JUMP', { digits: 2 });
        context.sink.stamp();
        context.sink.take(source, symbol, 0);
        context.sink.quote(source, symbol, 0, 0, context.resumed ? 2 : 1, 0, 1, 2, NO_SIZE, NO_SIZE);
        context.sink.commit();
        if (context.resumed) state = { state: 'ended', detail: 'done', sources: 0 };
        else setTimeout(() => Promise.reject(new Error('out of the blue')), 5);
      },
      stop: async () => {},
      status: () => state,
    };
  },
};
