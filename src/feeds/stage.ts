/** Runs one connector: on a feed stage's thread, or on the host's for a connector that the host passes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, SharedClock } from '../core/clock.js';
import { TickwireError } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import { turn } from '../pipeline/memory/doorbell.js';
import { Command, type Control, type EngineMemory, HOST_STAGE } from '../pipeline/memory/engine-memory.js';
import { checkRawName } from '../pipeline/memory/names.js';
import { Registry } from '../pipeline/memory/registry.js';
import { CaptureKind } from './capture/format.js';
import { CapturingSink } from './capture/sink.js';
import { type CaptureTarget, CaptureWriter } from './capture/writer.js';
import type { Feed, FeedContext, FeedStatus, FeedType } from './connector/feed.js';
import { FeedSink } from './connector/feed-sink.js';

const CONTROL_LOOK_MS = 10;
const STATUS_EVERY_MS = 250;

export interface FeedRun {
  memory: EngineMemory;
  /** Stage number, or HOST_STAGE on the host's thread. */
  stage: number;
  control: Control;
  feed: number;
  resumed: boolean;
  aliases: Record<string, string>;
  /** Absent: the engine's own, in its shared memory. */
  clock?: Clock;
  /** Where what comes in is captured; absent: it is not. */
  capture?: CaptureTarget | undefined;
  post(
    message:
      | { type: 'log'; level: 'info' | 'warn' | 'error'; details: object; message: string }
      | { type: 'status'; status: FeedStatus },
  ): void;
}

/** Loads the connector's module and runs it until the control word ends it. */
export async function runFeedStage(
  run: FeedRun & { source: { module: string; type: string; options: unknown } },
): Promise<void> {
  const module = (await import(run.source.module)) as Record<string, unknown>;
  const type = module[run.source.type] as FeedType<unknown> | undefined;
  if (typeof type?.create !== 'function') {
    throw new TickwireError(
      'bad_config',
      `Module ${run.source.module} has no feed type "${run.source.type}".`,
    );
  }
  await runFeed(type.create(run.source.options), run, type.playback !== undefined);
}

/**
 * Runs a connector until the control word says `drain` or `stop`; everything that it took is committed then.
 * @param capturesBytes whether the connector itself captures what it gets
 */
export async function runFeed(feed: Feed, run: FeedRun, capturesBytes = false): Promise<void> {
  const abort = new AbortController();
  const capture = run.capture === undefined ? undefined : openCapture(run, run.capture);
  const context = createContext(run, abort.signal, capture, capturesBytes);
  const failed = await startFailure(feed, context);
  if (failed !== undefined)
    run.post({ type: 'log', level: 'error', details: { feed: context.name }, message: failed.detail });
  let paused = false;
  let toldAt = 0;
  for (;;) {
    const command = run.control.command;
    if (command === Command.stop || command === Command.drain) break;
    if ((command === Command.pause) !== paused) {
      paused = !paused;
      if (paused) feed.pause?.();
      else feed.resume?.();
    }
    if (Date.now() - toldAt >= STATUS_EVERY_MS) {
      toldAt = Date.now();
      run.post({ type: 'status', status: failed ?? feed.status() });
    }
    run.control.turn();
    // A source that fell silent commits nothing itself; the conflation buffer must be moved all the same.
    if (context.sink.conflating > 0) context.sink.commit();
    await sleep(CONTROL_LOOK_MS);
  }
  abort.abort();
  await feed.stop();
  await capture?.close();
  run.post({ type: 'status', status: feed.status() });
  const { sink } = context;
  sink.commit();
  while (sink.conflating > 0 && run.control.command === Command.drain) {
    await turn();
    await sink.room();
  }
}

/** Starts a connector. A fault of its input ends this feed and nothing else. */
async function startFailure(feed: Feed, context: FeedContext): Promise<FeedStatus | undefined> {
  try {
    await feed.start(context);
    return undefined;
  } catch (error) {
    if (!(error instanceof TickwireError) || error.code !== 'bad_input') throw error;
    return { state: 'failed', detail: error.message, sources: 0 };
  }
}

function openCapture({ memory, feed, post }: FeedRun, target: CaptureTarget): CaptureWriter {
  const { name } = memory.plan.feeds[feed];
  return new CaptureWriter(target, name, (message) => {
    post({ type: 'log', level: 'error', details: { feed: name, folder: target.folder }, message });
  });
}

/** What a connector is given, on the memory and the clock of its run. */
export function createContext(
  run: FeedRun,
  signal: AbortSignal,
  capture?: CaptureWriter,
  capturesBytes = false,
): FeedContext {
  const { memory } = run;
  const registry = new Registry(memory.registry, memory.plan.maxSymbols, run.stage);
  const clock = run.clock ?? new SharedClock(memory.clock);
  const callCapture = capturesBytes ? undefined : capture;
  const mayPark = run.stage !== HOST_STAGE;
  const sink =
    callCapture === undefined
      ? new FeedSink(memory, run.feed, registry, clock, mayPark)
      : new CapturingSink(memory, run.feed, registry, clock, mayPark, callCapture);
  const name = memory.plan.feeds[run.feed].name;
  const say = (level: 'info' | 'warn' | 'error') => (details: object, message: string) =>
    run.post({ type: 'log', level, details: { feed: name, ...details }, message });
  const log: Logger = { info: say('info'), warn: say('warn'), error: say('error') };
  return {
    name,
    sink,
    clock,
    log,
    signal,
    resumed: run.resumed,
    ...(capturesBytes ? { capture } : {}),
    state: () => sink.state(),
    source: (source, details = {}) => sink.open(name, source, details.stream, details.info),
    symbol(source, raw, definition, proposed) {
      checkRawName(raw);
      const canonical = Object.hasOwn(run.aliases, raw) ? run.aliases[raw] : (proposed ?? raw);
      const { digitsFrom = source.id, ...details } = definition;
      const id = registry.defineSymbol({ ...details, name: canonical }, digitsFrom);
      if (canonical !== raw) registry.defineAlias(source.id, raw, id);
      if (callCapture !== undefined) {
        const json = Buffer.from(JSON.stringify({ source: source.id, raw, canonical, definition }));
        callCapture.append(CaptureKind.symbol, id, sink.recvS, sink.recvNs, json);
      }
      return id;
    },
  };
}
