/** A log through a virtual engine: what subscribers get is the same, byte for byte, each time. */
import { createHash } from 'node:crypto';
import t from 'tap';
import { KIND_NAMES } from '../../src/core/tick.js';
import { LogReader } from '../../src/log/read/log-reader.js';
import { Registry } from '../../src/pipeline/memory/registry.js';
import { LogSource } from '../../src/replay/log-source.js';
import { LogStream } from '../../src/replay/stream.js';
import { LogSymbols } from '../../src/replay/symbols.js';
import { VirtualEngine } from '../../src/replay/virtual-engine.js';
import { runVirtual } from '../../src/replay/virtual-run.js';
import type { Encoding, Mode } from '../../src/wire/ticks.js';
import { startEngine, temporaryFolder, untilEnded } from '../engine/support.js';

const COUNT = 6_000;
const SUBSCRIBERS: { encoding: Encoding; mode: Mode; intervalMs: number; symbols: string[] }[] = [
  { encoding: 'packed', mode: 'every', intervalMs: 0, symbols: ['*'] },
  { encoding: 'packed', mode: 'latest', intervalMs: 0, symbols: ['*'] },
  { encoding: 'msgpack', mode: 'latest', intervalMs: 25, symbols: ['E*', 'XAU*'] },
  { encoding: 'json', mode: 'every', intervalMs: 0, symbols: ['EURUSD'] },
  { encoding: 'json', mode: 'latest', intervalMs: 100, symbols: ['*'] },
];
const QUIET = { info() {}, warn() {}, error() {} };

interface Result {
  digests: string[];
  bytes: number[];
  /** Messages of the last subscriber but one. */
  json: string[];
}

async function replay(folder: string, shards: number, flushMs: number): Promise<Result> {
  const symbols = await LogSymbols.open(folder, ['*']);
  const reader = LogReader.open(folder);
  const bytes = symbols.registry.bytesFrom(0);
  const feeds = [{ name: 'replay', policy: 'block' as const, stateWords: 0 }];
  const engine = new VirtualEngine(
    { shards, feeds, maxSymbols: 1024, epoch: 1 },
    QUIET,
    (memory) => new Registry(memory.registry, 1024).load(bytes),
    () => ({}),
  );
  const json: string[] = [];
  const outputs = SUBSCRIBERS.map(({ encoding, ...request }, k) => {
    const output = { hash: createHash('sha256'), bytes: 0 };
    const take = (message: Uint8Array) => {
      output.hash.update(message);
      output.bytes += message.length;
      if (k === SUBSCRIBERS.length - 2) json.push(Buffer.from(message).toString('utf8'));
    };
    engine.subscriber(encoding, take).subscribe({ ...request, kinds: [...KIND_NAMES], snapshot: true });
    return output;
  });
  const source = new LogSource(new LogStream(reader, { filter: null }), symbols, engine.feed(0));
  const signal = new AbortController().signal;
  await runVirtual(engine, source, { flushMs, signal, drain: async () => {} });
  await reader.close();
  return {
    digests: outputs.map(({ hash }) => hash.digest('hex')),
    bytes: outputs.map((output) => output.bytes),
    json,
  };
}

for (const shards of [1, 3]) {
  t.test(`${shards} shard(s)`, async (t) => {
    const folder = temporaryFolder(t);
    const options = { rate: 50_000, symbols: 12, tradeShare: 0.1, count: COUNT };
    const feeds = [{ name: 'market', type: 'synthetic' as const, options }];
    const engine = await startEngine(t, { feeds, dataFolder: folder, shards, http: false });
    await untilEnded(engine, 20_000);
    await engine.stop();

    const first = await replay(folder, shards, 10);
    const second = await replay(folder, shards, 10);
    t.same(second.digests, first.digests, 'two replays are the same, byte for byte');
    t.ok(
      first.bytes.every((bytes) => bytes > 0),
      'every subscriber got something',
    );
    const coarse = await replay(folder, shards, 60_000);
    t.not(coarse.digests[1], first.digests[1], 'the grid tells what is folded');
    t.ok(coarse.bytes[1] < first.bytes[1], 'and a coarse one folds more');

    const seqs = first.json
      .map((line) => JSON.parse(line) as { op: string; ticks?: { symbolSeq: number; symbol: string }[] })
      .filter(({ op }) => op === 'ticks')
      .flatMap(({ ticks = [] }) => ticks.filter(({ symbol }) => symbol === 'EURUSD'));
    t.same(
      seqs.map(({ symbolSeq }) => symbolSeq),
      seqs.map((_, i) => i + 1),
      'in mode every each tick of a symbol comes once, in order',
    );
    t.ok(seqs.length > 100, 'and there are many');
  });
}
