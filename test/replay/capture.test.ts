/** What a capture is for: the numbering of a run is done again from the bytes that came, and is the same. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { KIND_NAMES, RECORD_BYTES, Records } from '../../src/core/tick.js';
import { findCapture, readCapture } from '../../src/engine/capture-run.js';
import type { EngineRuntime } from '../../src/engine/engine.js';
import type { EngineFeed } from '../../src/engine/options.js';
import { MqlFlag } from '../../src/feeds/mql/mql-tick.js';
import { Mt5Terminal } from '../../src/feeds/mt5/index.js';
import { LogReader } from '../../src/log/read/log-reader.js';
import { Registry } from '../../src/pipeline/memory/registry.js';
import { CaptureSource } from '../../src/replay/capture-source.js';
import { VirtualEngine } from '../../src/replay/virtual-engine.js';
import { runVirtual } from '../../src/replay/virtual-run.js';
import { startEngine, temporaryFolder, untilEnded } from '../engine/support.js';

const QUIET = { info() {}, warn() {}, error() {} };
const TICKS = 4_000;

/** Numbered records as hex, one a tick, in the order of their seqs. */
async function logged(folder: string, epoch: number): Promise<string[]> {
  const reader = LogReader.open(folder);
  const records = Records.allocate(8_192);
  const seqs = new Float64Array(8_192);
  const all: string[] = [];
  for (let fromSeq = 1; ; ) {
    const { count, nextSeq } = reader.read({ epoch, shard: 0, fromSeq, maxTicks: 8_192 }, records, seqs);
    for (let i = 0; i < count; i++) all.push(hexOf(records, i));
    if (nextSeq === fromSeq) break;
    fromSeq = nextSeq;
  }
  await reader.close();
  return all;
}

function hexOf(records: Records, i: number): string {
  return Buffer.from(records.u8.subarray(i * RECORD_BYTES, (i + 1) * RECORD_BYTES)).toString('hex');
}

interface Replayed {
  numbered: string[];
  frames: string[];
  totals: ReturnType<VirtualEngine['totals']>;
}

async function replay(folder: string): Promise<Replayed> {
  const path = findCapture(folder);
  const { run, restore, registryBytes } = readCapture(path);
  const numbered: string[] = [];
  const engine = new VirtualEngine(
    run,
    QUIET,
    (memory) => {
      new Registry(memory.registry, run.maxSymbols).load(registryBytes);
      restore(memory);
    },
    (feed) => run.feeds[feed].aliases,
    ({ records, index }) => numbered.push(hexOf(records, index)),
  );
  const frames: string[] = [];
  const take = (message: Uint8Array) => void frames.push(Buffer.from(message).toString('hex'));
  const kinds = [...KIND_NAMES];
  engine
    .subscriber('packed', take)
    .subscribe({ symbols: ['*'], mode: 'latest', kinds, intervalMs: 20, snapshot: true });
  const source = new CaptureSource(
    path,
    run,
    (feed) => engine.feed(feed),
    (text) => t.fail(text),
  );
  const signal = new AbortController().signal;
  await runVirtual(engine, source, { flushMs: 5, signal, drain: async () => {} });
  source.close();
  return { numbered, frames, totals: engine.totals() };
}

async function assertSame(t: Test, folder: string, engine: EngineRuntime, first: Replayed, second: Replayed) {
  const wanted = await logged(folder, engine.identity.epoch);
  t.equal(first.numbered.length, wanted.length, 'as many ticks');
  const at = wanted.findIndex((record, i) => record !== first.numbered[i]);
  t.equal(at, -1, 'every one bit for bit, its times of receipt and its numbers with it');
  t.same(second, first, 'and again, with what a subscriber gets of them');
  const { received, rejected, duplicate, sequenced: numbered } = engine.totals();
  const { totals } = first;
  t.same(
    [totals.received, totals.rejected, totals.duplicate, totals.sequenced],
    [received, rejected, duplicate, numbered],
    'the sums are those of the run',
  );
}

/** Waits for the port of the MT5 feed, which the feed logs. */
async function startWithMt5(t: Test, options: { dataFolder: string; folder: string }) {
  let port = 0;
  const info = (details: object) => {
    port ||= (details as { port?: number }).port ?? 0;
  };
  const engine = await startEngine(t, {
    feeds: [{ name: 'mt5', type: 'mt5', options: { port: 0 }, aliases: { GOLD: 'XAUUSD' } }],
    dataFolder: options.dataFolder,
    capture: { folder: options.folder, fileBytes: 64 * 1024 },
    http: false,
    logger: { info, warn() {}, error() {} },
  });
  while (port === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  return { engine, port };
}

async function play(port: number, name: string, offset: number): Promise<void> {
  const terminal = new Mt5Terminal({
    host: '127.0.0.1',
    port,
    account: 7,
    server: 'Test-Server',
    name,
    zone: 'UTC+3',
  });
  await terminal.start();
  const symbols = ['EURUSD', 'GOLD', 'USDJPY'].map((raw, k) => terminal.define(raw, [5, 2, 3][k]));
  for (let i = 0; i < TICKS; i++) {
    const utcMs = Date.UTC(2026, 0, 5) + offset + i * 7;
    const bid = 1 + (i % 97) / 1000;
    // Prices that cannot be, times that go back, quotes with a side missing: all of it as sources send it.
    const wrong = i % 50 === 49 ? -bid : i % 61 === 60 ? 0 : bid;
    const at = i % 83 === 82 ? utcMs - 60_000 : utcMs;
    while (!terminal.send(symbols[i % 3], at, MqlFlag.bid | MqlFlag.ask, wrong, bid + 0.001))
      await terminal.room();
    if (i % 10 === 9)
      terminal.send(symbols[1], at, MqlFlag.last | MqlFlag.volume | MqlFlag.buy, 0, 0, bid, 2);
    if (i === TICKS / 4 || i === TICKS / 2) {
      // What was sent and not yet acknowledged is sent again after this.
      await new Promise((resolve) => setImmediate(resolve));
      terminal.cut();
    }
    if (i % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await terminal.drain();
  await terminal.close();
}

t.test('MT5 terminals with bad ticks, and connections that break', async (t) => {
  const dataFolder = join(temporaryFolder(t), 'data');
  const folder = join(temporaryFolder(t), 'capture');
  for (const run of ['an empty data folder', 'one that knows symbols, sources and positions']) {
    const { engine, port } = await startWithMt5(t, { dataFolder, folder });
    await Promise.all([play(port, 'first', 0), play(port, 'second', 3)]);
    await engine.stop();
    t.ok(engine.totals().rejected > 0, 'some ticks were bad');
    await t.test(run, async (t) => {
      await assertSame(t, dataFolder, engine, await replay(folder), await replay(folder));
    });
  }
  const path = findCapture(folder);
  t.ok(readdirSync(path).filter((file) => file.endsWith('.tickcap')).length > 1, 'new files were begun');
  t.equal(statSync(path).mode & 0o077, 0, 'nobody else may read what may hold secrets');
});

t.test('other feeds: what they offer is captured', async (t) => {
  const dataFolder = join(temporaryFolder(t), 'data');
  const folder = join(temporaryFolder(t), 'capture');
  const options = { rate: 'max', symbols: 12, tradeShare: 0.1, count: 20_000 };
  const feeds: EngineFeed[] = [{ name: 'market/1', type: 'synthetic', options }];
  const engine = await startEngine(t, { feeds, dataFolder, capture: { folder }, http: false });
  await untilEnded(engine, 20_000);
  await engine.stop();
  await assertSame(t, dataFolder, engine, await replay(folder), await replay(folder));
});

t.test('a tick file', async (t) => {
  const dataFolder = join(temporaryFolder(t), 'data');
  const folder = join(temporaryFolder(t), 'capture');
  const path = new URL('../../../fixtures/ticks/', import.meta.url).pathname;
  const feeds: EngineFeed[] = [
    { name: 'files', type: 'file', options: { path, speed: 'max', order: 'merge', zone: 'UTC+3' } },
  ];
  const engine = await startEngine(t, { feeds, dataFolder, capture: { folder }, http: false });
  await untilEnded(engine, 25_000);
  await engine.stop();
  await assertSame(t, dataFolder, engine, await replay(folder), await replay(folder));
});

t.test('a folder without a capture', async (t) => {
  t.throws(() => findCapture(temporaryFolder(t)), { code: 'bad_input' });
  t.throws(() => findCapture(join(temporaryFolder(t), 'none')), { code: 'bad_input' });
});
