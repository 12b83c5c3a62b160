/** When frames are too small for all new ticks, shards and chunks of quotes take turns, and none starves. */
import t from 'tap';
import { Kind } from '../../../src/core/tick.js';
import { Frame } from '../../../src/fanout/batch/frame.js';
import { SharedView } from '../../../src/fanout/batch/shared-view.js';
import { SubscriptionReader } from '../../../src/fanout/reader/subscription-reader.js';
import { HOST_STAGE } from '../../../src/pipeline/memory/engine-memory.js';
import { Registry } from '../../../src/pipeline/memory/registry.js';
import type { Mode } from '../../../src/wire/ticks.js';
import { LOG_ID } from '../../helpers/fanout.js';
import { smallMemory } from '../../helpers/memory.js';
import { TestShard } from '../../helpers/test-shard.js';

const SHARDS = 2;
/** Symbols for four chunks of quotes per shard. */
const SYMBOLS = 540;
const ROUNDS = 48;

/** Ticks sent per symbol when all symbols tick in every round and frames have a given number of bytes. */
function received(mode: Mode, bytes: number): Map<number, Map<string, number>> {
  const memory = smallMemory({ shards: SHARDS, maxSymbols: 1024, ringSlots: 1 << 15 });
  const shards = memory.broadcast.map((_, s) => new TestShard(memory, s));
  const ids = Array.from({ length: SYMBOLS }, (_, i) => shards[0].define(`S${i}`));
  const deps = {
    memory,
    registry: new Registry(memory.registry, memory.plan.maxSymbols, HOST_STAGE),
    identity: { logId: LOG_ID, epoch: 1 },
    logger: { info: () => {}, warn: () => {}, error: () => {} },
    feeds: () => [],
    readiness: () => ({ ready: true, reasons: [] }),
  };
  const shared = new SharedView(deps, { catchUpJobs: 1, catchUpPages: 1 }, () => {});
  const group = shared.group('json', shared.filters.acquire(['*']), mode, 1 << Kind.quote);
  const settings = { mode, intervalMs: 0, deliver: 'published', speed: 'max' } as const;
  const owner = { catchingUp: () => {}, caughtUp: () => {}, failed: () => {} };
  const reader = new SubscriptionReader(shared, group, 1, settings, owner, 'live');
  const frame = new Frame();
  const got = new Map(shards.map(({ index }) => [index, new Map<string, number>()]));
  const transmit = (message: Uint8Array) => {
    const { shard, ticks } = JSON.parse(Buffer.from(message).toString());
    for (const { symbol } of ticks) got.get(shard)!.set(symbol, (got.get(shard)!.get(symbol) ?? 0) + 1);
  };
  for (let round = 1; round <= ROUNDS; round++) {
    for (const id of ids) shards[shared.mirror.shardOf(id)].quote(id, 1 + round / 100, 2);
    for (const shard of shards) shard.commit();
    shared.advance(round);
    frame.begin({ encoder: group.encoder, transmit }, bytes);
    reader.flushSnapshot(frame);
    reader.flushStream(frame);
    frame.finish();
  }
  return got;
}

t.test('quotes: every symbol is sent repeatedly, though no frame takes all', async (t) => {
  for (const bytes of [60_000, 100_000]) {
    const got = received('latest', bytes);
    const counts = [...got.values()].flatMap((symbols) => [...symbols.values()]);
    t.equal(counts.length, SYMBOLS, 'all symbols');
    t.ok(Math.min(...counts) >= ROUNDS / 12, `${bytes} bytes: at least ${Math.min(...counts)} times`);
  }
});

t.test('mode every: all shards make progress', async (t) => {
  const got = received('every', 20_000);
  const [first, second] = [...got.values()].map((symbols) =>
    [...symbols.values()].reduce((a, b) => a + b, 0),
  );
  t.ok(first > 0 && second > first / 2 && second < first * 2, `${first} and ${second} ticks`);
});
