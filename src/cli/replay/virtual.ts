/**
 * `ticks replay --virtual` and `--capture`: a recording through an engine on a virtual clock, in this thread.
 * What comes out is what a subscriber would get, or, of a capture, the ticks as they were sequenced.
 */

import { TickwireError } from '../../core/errors.js';
import { SYMBOLS_DEFAULT } from '../../core/limits.js';
import type { Logger } from '../../core/logger.js';
import { matchesPattern, parsePattern } from '../../core/pattern.js';
import { KIND_NAMES, RECORD_U32, U32_SYMBOL } from '../../core/tick.js';
import { findCapture, readCapture } from '../../engine/capture-run.js';
import { LogReader } from '../../log/read/log-reader.js';
import { Registry } from '../../pipeline/memory/registry.js';
import { CaptureSource } from '../../replay/capture-source.js';
import { LogSource } from '../../replay/log-source.js';
import { checkLog } from '../../replay/range.js';
import { LogStream } from '../../replay/stream.js';
import { LogSymbols, nameOf } from '../../replay/symbols.js';
import { type SequencedTick, VirtualEngine } from '../../replay/virtual-engine.js';
import { runVirtual, type VirtualSource } from '../../replay/virtual-run.js';
import type { LineSymbol } from '../../wire/lines.js';
import { stopSignal } from '../support/exit.js';
import { MessageOutput } from '../support/message-output.js';
import { Missing } from '../support/missing.js';
import { note } from '../support/stdout.js';
import { TickOutput } from '../support/tick-output.js';
import { type ReplayFlags, rangeOf } from './flags.js';

/** Where the output goes, and how much of it waits. */
interface Output {
  readonly isFull: boolean;
  flush(): Promise<void>;
  finish(): Promise<void>;
  drop(): Promise<void>;
}

interface Prepared {
  engine: VirtualEngine;
  source: VirtualSource;
  /** Tells what the recording lacks; to be called at its end. */
  conclude(): void;
  close(): void | Promise<void>;
}

type OnTick = (tick: SequencedTick, symbol: LineSymbol) => void;

const LOG: Logger = {
  info() {},
  warn: (_details, message) => void process.stderr.write(`${message}\n`),
  error: (_details, message) => void process.stderr.write(`${message}\n`),
};

/** @throws TickwireError log_missing, data_folder_unusable, bad_config, bad_input */
export async function virtualReplay(flags: ReplayFlags): Promise<void> {
  const signal = stopSignal();
  const output = flags.virtual
    ? await MessageOutput.open(flags.encoding, flags.out)
    : await TickOutput.open(flags, flags.out);
  let prepared: Prepared | undefined;
  try {
    const onTick: OnTick | undefined =
      output instanceof TickOutput ? (tick, symbol) => void output.add(tick, symbol) : undefined;
    prepared = flags.capture === undefined ? await ofLog(flags) : ofCapture(flags, flags.capture, onTick);
    if (output instanceof MessageOutput) subscribe(prepared.engine, flags, output);
    await play(prepared, flags, signal, output);
    prepared.conclude();
    if (flags.json) {
      const { received, sequenced, rejected, duplicate } = prepared.engine.totals();
      process.stderr.write(`${JSON.stringify({ received, sequenced, rejected, duplicate })}\n`);
    }
  } catch (error) {
    await output.drop();
    throw error;
  } finally {
    await prepared?.close();
  }
}

async function play(
  { engine, source }: Prepared,
  flags: ReplayFlags,
  signal: AbortSignal,
  output: Output,
): Promise<void> {
  await runVirtual(engine, source, {
    flushMs: flags.flushMs,
    signal,
    drain: async () => {
      if (output.isFull) await output.flush();
    },
  });
  if (signal.aborted && flags.out !== undefined) {
    throw new TickwireError('bad_input', `Stopped before the end: ${flags.out} was not written.`);
  }
  await output.finish();
}

function subscribe(engine: VirtualEngine, flags: ReplayFlags, output: MessageOutput): void {
  engine
    .subscriber(flags.encoding, (message) => output.add(message))
    .subscribe({
      symbols: flags.symbols ?? ['*'],
      mode: flags.mode,
      kinds: [...KIND_NAMES],
      intervalMs: flags.mode === 'latest' ? flags.interval : 0,
      snapshot: true,
    });
}

async function ofLog(flags: ReplayFlags): Promise<Prepared> {
  const range = rangeOf(flags);
  const symbols = await LogSymbols.open(flags.data, flags.symbols ?? ['*']);
  const reader = LogReader.open(flags.data);
  checkLog(range.from, reader.logId);
  checkLog(range.to, reader.logId);
  reader.hold(note);
  const shards = reader.epochs().at(-1)?.shards ?? 1;
  const { registry } = symbols;
  const feeds = [{ name: 'replay', policy: 'block' as const, stateWords: 0 }];
  const maxSymbols = Math.max(SYMBOLS_DEFAULT, registry.symbolCount);
  const engine = new VirtualEngine(
    { shards, feeds, maxSymbols, epoch: 1 },
    LOG,
    (memory) => new Registry(memory.registry, maxSymbols).load(registry.bytesFrom(0)),
    () => ({}),
  );
  const filter = symbols.wantsAll ? null : symbols.filter;
  const missing = new Missing();
  const stream = new LogStream(reader, { ...range, filter, onGap: missing.gap });
  return {
    engine,
    source: new LogSource(stream, symbols, engine.feed(0)),
    conclude: () => missing.conclude(reader.lostSegments(), range.to, flags.allowGaps === true),
    close: () => reader.close(),
  };
}

function ofCapture(flags: ReplayFlags, folder: string, onTick: OnTick | undefined): Prepared {
  const path = findCapture(folder);
  const { run, restore, registryBytes } = readCapture(path);
  const patterns = (flags.symbols ?? ['*']).map(parsePattern);
  const isAll = flags.symbols === undefined;
  const hand = (tick: SequencedTick) => {
    const id = tick.records.u32[tick.index * RECORD_U32 + U32_SYMBOL];
    if (engine.registry.symbols[id] === undefined) engine.registry.refresh();
    const name = nameOf(engine.registry, id);
    if (isAll || patterns.some((pattern) => matchesPattern(pattern, name)))
      onTick?.(tick, { name, digits: engine.registry.digits[id] ?? 0 });
  };
  const engine: VirtualEngine = new VirtualEngine(
    run,
    LOG,
    (memory) => {
      new Registry(memory.registry, run.maxSymbols).load(registryBytes);
      restore(memory);
    },
    (feed) => run.feeds[feed].aliases,
    onTick === undefined ? undefined : hand,
  );
  const warn = (text: string) => void process.stderr.write(`${text}\n`);
  const source = new CaptureSource(path, run, (feed) => engine.feed(feed), warn);
  return { engine, source, conclude: () => {}, close: () => source.close() };
}
