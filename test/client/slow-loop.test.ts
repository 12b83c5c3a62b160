import t from 'tap';
import { TickClient } from '../../src/client/index.js';
import { StreamServer, said } from './support.js';

t.test(
  'a loop slower than the stream stops the subscription, and misses nothing in mode every',
  async (t) => {
    const TICKS = 500;
    const server = await StreamServer.start();
    const client = new TickClient(server.url, { queueTicks: 16 });
    await client.connect();
    const subscription = client.subscribe({ symbols: ['*'], mode: 'every', snapshot: false });
    await subscription.ready;
    const seqs: number[] = [];
    const heard = said(client, 'heartbeat');
    for (let i = 0; i < TICKS; i++) server.quote('EURUSD', 1 + i / 100_000, 1.1);
    // A beat sent after the ticks: once it is here, so are they, as far as they are let in.
    server.peer.send({ op: 'heartbeat', time: 0, feeds: [] });
    await heard;
    for await (const tick of subscription) {
      seqs.push(tick.seq);
      if (seqs.length === TICKS) break;
    }
    t.same(
      seqs,
      Array.from({ length: TICKS }, (_, i) => i + 1),
    );
    t.ok(
      server.peer.requests.some(({ op }) => op === 'unsubscribe'),
      'it was stopped',
    );
    t.match({ gaps: subscription.gaps, repeats: subscription.repeats }, { gaps: 0, repeats: 0 });
    t.equal(server.peers.length, 1, 'on one connection');
    client.close();
    await server.close();
  },
);
