/** Catching up from the log: near readers share decoded pages, work is bounded, and further subscribers get `busy`. */
import t from 'tap';
import { CATCHUP_JOB_PAGES, PAGE_TICKS } from '../../../src/core/limits.js';
import { cursorToText } from '../../../src/wire/cursor.js';
import { LOG_ID, type Served, serve } from '../../helpers/fanout.js';

const cursor = (seq: number) => cursorToText({ logId: LOG_ID, epoch: 1, seqs: [seq] });

function quotes(served: Served, count: number): void {
  const eur = served.shard.define('EURUSD');
  for (let i = 0; i < count; i++) served.shard.quote(eur, 1.5, 1.6);
  served.shard.commit();
}

t.test('fifty subscribers at one cursor read each page once', async (t) => {
  const served = await serve({ log: true, plan: { ringSlots: 512 } });
  t.teardown(() => served.close());
  const pages = 5;
  quotes(served, pages * PAGE_TICKS);
  const clients = await Promise.all(Array.from({ length: 50 }, () => served.connect()));
  await Promise.all(clients.map((c, i) => c.subscribe(['*'], { mode: 'every', from: cursor(i) })));
  await Promise.all(clients.map((c) => c.until(() => c.control('caught_up') !== undefined)));
  for (const [i, client] of clients.entries()) {
    t.equal(client.ticks.length, pages * PAGE_TICKS - i);
    t.equal(client.ticks[0].seq, i + 1);
    t.ok(client.ticks.every((tick, k) => tick.seq === i + 1 + k));
  }
  t.equal(served.log!.reads, pages);
  t.ok(served.log!.runningMost <= 2);
  t.equal(served.fanout.stats().catchingUp, 0);
});

t.test('one job reads several pages for a subscriber that needs many', async (t) => {
  const served = await serve({ log: true, plan: { ringSlots: 512 } });
  t.teardown(() => served.close());
  const pages = 4 * CATCHUP_JOB_PAGES;
  quotes(served, pages * PAGE_TICKS);
  const client = await served.connect();
  await client.subscribe(['*'], { mode: 'every', from: cursor(0) });
  await client.until(() => client.control('caught_up') !== undefined);
  t.equal(client.ticks.length, pages * PAGE_TICKS);
  t.ok(client.ticks.every((tick, k) => tick.seq === k + 1));
  t.equal(served.log!.reads, pages, 'each page once');
  t.ok(served.log!.pageJobs <= pages / 4, `${served.log!.pageJobs} jobs for ${pages} pages`);
});

t.test(
  'an unreadable log ends the subscription with an error; a new subscription reads the log again',
  async (t) => {
    const served = await serve({ log: true, plan: { ringSlots: 512 } });
    t.teardown(() => served.close());
    quotes(served, 5000);
    served.log!.broken = true;
    const client = await served.connect();
    const { sub } = await client.subscribe(['*'], { mode: 'every', from: cursor(0) });
    await client.until(() => client.control('error') !== undefined);
    t.match(client.control('error'), { code: 'log_failed', sub, temporary: true });
    t.equal(served.fanout.stats().catchingUp, 0);
    served.log!.broken = false;
    await client.subscribe(['*'], { mode: 'every', from: cursor(0) });
    await client.until(() => client.control('caught_up') !== undefined);
    t.equal(client.ticks.length, 5000);
  },
);

t.test('with too many pages waiting, a new subscription gets busy, and a running one does not', async (t) => {
  const served = await serve({ log: true, plan: { ringSlots: 512 }, limits: { catchUpPages: 4 } });
  t.teardown(() => served.close());
  quotes(served, 12 * PAGE_TICKS);
  served.log!.stopped = true;
  const client = await served.connect();
  const answers = [];
  for (let p = 0; p < 12; p++) {
    answers.push(await client.subscribe(['EURUSD'], { mode: 'every', from: cursor(p * PAGE_TICKS) }));
  }
  const busy = answers.filter((m) => m.code === 'busy');
  t.ok(busy.length > 0, `${busy.length} of 12 were told busy`);
  for (const m of busy) t.match(m, { op: 'error', temporary: true, retryMs: Number });
  const taken = answers.filter((m) => m.op === 'subscribed');
  t.ok(taken.length >= 4);
  served.log!.stopped = false;
  served.log!.goOn();
  await client.until(() => client.controls.filter((m) => m.op === 'caught_up').length === taken.length);
  for (const { sub } of taken) {
    const seqs = client.ticks.filter((tick) => tick.sub === sub).map((tick) => tick.seq);
    t.ok(seqs.every((seq, i) => seq === seqs[0] + i));
    t.equal(seqs.at(-1), 12 * PAGE_TICKS);
  }
});
