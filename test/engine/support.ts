/** What the engine's tests share: engines in temporary folders, and the log compared with the market it came from. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import {
  F64_BID,
  FLAGS_MASK,
  Flag,
  KIND_MASK,
  Kind,
  RECORD_F64,
  RECORD_U16,
  RECORD_U32,
  Records,
  U16_KIND_FLAGS,
  U32_SYMBOL,
  U32_SYMBOL_SEQ,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
} from '../../src/core/tick.js';
import { createEngine, type EngineRuntime } from '../../src/engine/engine.js';
import type { EngineOptions } from '../../src/engine/options.js';
import { Market, STANDARD_MARKET } from '../../src/feeds/synthetic/index.js';
import { LogReader } from '../../src/log/read/log-reader.js';

export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'tickwire-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An engine that is stopped when the test ends, whatever became of it. */
export async function startEngine(t: Test, options: EngineOptions): Promise<EngineRuntime> {
  const engine = await createEngine(options);
  t.teardown(() => engine.stop());
  await engine.start();
  return engine;
}

export const MARKET = { symbols: 50, tradeShare: 0.05, seed: 7 };

/** The market at a rate, without end. */
export function syntheticFeed(rate: number) {
  return { name: 'market', type: 'synthetic' as const, options: { ...MARKET, rate } };
}

/** Pauses the feed and waits until everything that it gave is numbered; returns how many ticks it gave. */
export async function settle(engine: EngineRuntime): Promise<number> {
  engine.setPaused('market', true);
  for (let before = -1, still = 0; still < 20; ) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    const { received, inFlight } = engine.totals();
    still = received === before && inFlight === 0 ? still + 1 : 0;
    before = received;
  }
  return engine.totals().received;
}

/** Flags that normalisation adds to what the market says. */
const ADDED = Flag.locked | Flag.crossed | Flag.late | Flag.suspicious;

/**
 * Compares everything that the log holds of an epoch's shard 0 with the first `count` ticks of the market.
 * Asserts that each is there once, in order, field by field, and numbered without a hole.
 */
export function assertLogEqualsMarket(t: Test, engine: EngineRuntime, folder: string, count: number): void {
  const market = new Market({ ...STANDARD_MARKET, ...MARKET });
  engine.registry.refresh();
  const ids = Uint32Array.from(market.symbols, (s) => engine.registry.symbolId(s.name) ?? 0);
  const due = Records.allocate(1);
  const reader = LogReader.open(folder);
  t.teardown(() => reader.close());
  const records = Records.allocate(16_384);
  const seqs = new Float64Array(16_384);
  const symbolSeqs = new Map<number, number>();
  let seq = 1;
  let seen = 0;
  let wrong = '';
  const check = (i: number): void => {
    const w = i * RECORD_U32;
    const id = records.u32[w + U32_SYMBOL];
    const kindFlags = records.u16[i * RECORD_U16 + U16_KIND_FLAGS];
    const kind = kindFlags & KIND_MASK;
    if (seqs[i] !== seq) wrong ||= `seq ${seqs[i]} where ${seq} was due`;
    seq = seqs[i] + 1;
    const symbolSeq = (symbolSeqs.get(id) ?? 0) + 1;
    if (records.u32[w + U32_SYMBOL_SEQ] !== symbolSeq) {
      wrong ||= `symbolSeq ${records.u32[w + U32_SYMBOL_SEQ]} of symbol ${id} where ${symbolSeq} was due, at seq ${seqs[i]}`;
    }
    symbolSeqs.set(id, symbolSeq);
    if (kind !== Kind.quote && kind !== Kind.trade) return;
    seen++;
    market.fill(due, 0, 1, ids);
    const d = i * RECORD_F64;
    const same =
      id === due.u32[U32_SYMBOL] &&
      (kindFlags & (KIND_MASK | (FLAGS_MASK & ~ADDED))) === due.u16[U16_KIND_FLAGS] &&
      records.u32[w + U32_TS_EVENT_S] === due.u32[U32_TS_EVENT_S] &&
      records.u32[w + U32_TS_EVENT_NS] === due.u32[U32_TS_EVENT_NS] &&
      [0, 1, 2, 3].every((k) => Object.is(records.f64[d + F64_BID + k], due.f64[F64_BID + k]));
    if (!same) wrong ||= `tick ${seen} differs, at seq ${seqs[i]}`;
  };
  for (;;) {
    const read = reader.read(
      { epoch: engine.identity.epoch, shard: 0, fromSeq: seq, maxTicks: 16_384 },
      records,
      seqs,
    );
    for (let i = 0; i < read.count; i++) check(i);
    if (read.count === 0) break;
  }
  t.equal(wrong, '', 'every tick of the log is the tick that was due');
  t.equal(seen, count, 'the log holds every tick once');
}

/** Resolves when the feed says that it has ended and everything that it gave was numbered. */
export async function untilEnded(engine: EngineRuntime, timeoutMs: number): Promise<void> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const ended = engine.feeds().every((f) => f.state === 'ended');
    if (ended && engine.totals().inFlight === 0) return;
    if (Date.now() > end)
      throw new Error(`the feeds did not end within ${timeoutMs} ms: ${JSON.stringify(engine.feeds())}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
