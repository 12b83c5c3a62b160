/** A subscriber that reads the past from the log gets every tick of it, and costs no thread a page. */
import t from 'tap';
import { TickClient } from '../../src/client/index.js';
import { CATCHUP_JOBS, PAGE_TICKS } from '../../src/core/limits.js';
import { settle, startEngine, syntheticFeed, temporaryFolder } from './support.js';

const PAGES = 40;

t.test('the past of forty pages', { timeout: 60_000 }, async (t) => {
  const engine = await startEngine(t, {
    dataFolder: temporaryFolder(t),
    feeds: [syntheticFeed(400_000)],
    http: { port: 0 },
    rings: { broadcast: 65_536 },
  });
  while (engine.totals().sequenced < PAGES * PAGE_TICKS) await new Promise((r) => setTimeout(r, 10));
  await settle(engine);
  const { sequenced: numbered } = engine.totals();
  while (engine.totals().logged < numbered) await new Promise((r) => setTimeout(r, 10));

  let threads = 0;
  const count = () => {
    threads++;
  };
  process.on('worker', count);
  t.teardown(() => process.off('worker', count));
  const client = new TickClient(`ws://127.0.0.1:${engine.port}/v1/stream`);
  t.teardown(() => client.close());
  await client.connect();
  const next = new Map<string, number>();
  let received = 0;
  let outOfOrder = 0;
  const subscription = client.subscribe(
    { symbols: ['*'], mode: 'every', from: 0n, snapshot: false },
    ({ symbol, symbolSeq }) => {
      if (symbolSeq !== (next.get(symbol) ?? symbolSeq)) outOfOrder++;
      next.set(symbol, symbolSeq + 1);
      received++;
    },
  );
  await new Promise<void>((resolve) => subscription.on('caught_up', () => resolve()));
  t.equal(received, numbered, 'all of it came');
  t.equal(outOfOrder, 0);
  t.ok(threads <= CATCHUP_JOBS, `${threads} threads were started for ${PAGES} pages`);
});
