import { type Authorise, createFanout, type FanoutOptions } from '../../src/fanout/index.js';
import { type EngineMemory, HOST_STAGE, type MemoryPlan } from '../../src/pipeline/memory/engine-memory.js';
import { Registry } from '../../src/pipeline/memory/registry.js';
import type { Encoding } from '../../src/wire/ticks.js';
import { ShardedLog } from './log/sharded-log.js';
import { TestLog } from './log/test-log.js';
import { smallMemory } from './memory.js';
import { Client, type ConnectOptions } from './stream-client.js';
import { TestShard } from './test-shard.js';

export const LOG_ID = '0123456789abcdef';

export interface Served {
  port: number;
  memory: EngineMemory;
  /** The first of them. */
  shard: TestShard;
  shards: TestShard[];
  /** Where there is one shard. */
  log: TestLog | undefined;
  fanout: ReturnType<typeof createFanout>;
  errors: string[];
  /** Of a symbol. */
  shardOf(symbolId: number): number;
  /** Connects and waits for `hello`. */
  connect(encoding?: Encoding, more?: ConnectOptions): Promise<Client>;
  close(): Promise<void>;
}

export async function serve(
  options: FanoutOptions & {
    plan?: Partial<MemoryPlan>;
    log?: boolean;
    epoch?: number;
    authorise?: Authorise;
  } = {},
): Promise<Served> {
  const { plan, log: withLog, epoch = 1, authorise, ...settings } = options;
  const memory = smallMemory(plan);
  const shards = memory.broadcast.map((_, s) => new TestShard(memory, s));
  const [shard] = shards;
  const log = withLog === true && shards.length === 1 ? new TestLog(shard, epoch) : undefined;
  const catchUp = withLog === true && log === undefined ? new ShardedLog(shards, epoch) : log;
  const errors: string[] = [];
  const fanout = createFanout(
    {
      memory,
      registry: new Registry(memory.registry, memory.plan.maxSymbols, HOST_STAGE),
      identity: { logId: LOG_ID, epoch },
      catchUp,
      logger: { info: () => {}, warn: () => {}, error: (_details, message) => errors.push(message) },
      feeds: () => [{ name: 'test', state: 'live', detail: 'is live', ageMs: 7 }],
      readiness: () => ({ ready: false, reasons: ['for the test'] }),
      authorise,
    },
    { port: 0, ...settings },
  );
  const { port } = await fanout.listen();
  const clients: Client[] = [];
  return {
    port,
    memory,
    shard,
    shards,
    log,
    fanout,
    errors,
    shardOf: (symbolId) => shard.registry.bucket[symbolId] % shards.length,
    connect: async (encoding = 'packed', more = {}) => {
      const client = await Client.open(port, encoding, more);
      client.flushes = () => fanout.stats().flushes;
      clients.push(client);
      return client;
    },
    close: async () => {
      for (const client of clients) client.socket.terminate();
      await fanout.close();
    },
  };
}
