/** Without a log every run begins at epoch 1, so each has a name of its own: what one said leads nowhere in the next. */
import t, { type Test } from 'tap';
import { Client } from '../helpers/stream-client.js';
import { startEngine, syntheticFeed } from './support.js';

/** A run without a log, and a client whose subscription has received some of its ticks. */
async function run(t: Test) {
  const engine = await startEngine(t, {
    feeds: [syntheticFeed(2000)],
    dataFolder: false,
    http: { port: 0 },
  });
  const client = await Client.open(engine.port!, 'packed');
  t.teardown(() => client.socket.terminate());
  return { engine, client };
}

for (const mode of ['every', 'latest']) {
  t.test(`${mode}: the cursor of an earlier run is not known`, async (t) => {
    const first = await run(t);
    const begun = await first.client.request({ op: 'subscribe', symbols: ['*'], mode });
    await first.client.until(() => first.client.ticks.filter((tick) => !tick.snapshot).length > 100);
    const { cursor } = first.client;
    await first.engine.stop();

    const second = await run(t);
    await second.client.request({ op: 'subscribe', symbols: ['*'], mode: 'every' });
    const last = Number(first.client.ticks.at(-1)!.seq);
    await second.client.until(() => second.client.ticks.some(({ seq }) => seq > last));
    for (const from of [begun.cursor, cursor]) {
      const answer = await second.client.request({ op: 'subscribe', symbols: ['*'], mode, from });
      t.match(answer, { op: 'error', code: 'cursor_unknown', temporary: false });
    }
    const sought = await second.client.request({ op: 'seek', sub: 1, from: cursor });
    t.match(sought, { op: 'error', code: 'cursor_unknown' });
    const ids = [first, second].map(({ client }) => client.control('hello').logId);
    for (const id of ids) t.match(id, /^[0-9a-f]{16}$/);
    t.not(ids[0], ids[1]);
  });
}
