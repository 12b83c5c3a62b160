/** Runs an engine until it is told to stop, for each command that serves. */
import type { pino } from 'pino';
import { TickwireError } from '../../core/errors.js';
import { createEngine, type EngineRuntime } from '../../engine/engine.js';
import type { EngineOptions } from '../../engine/options.js';
import { untilStopped } from './exit.js';

/** What a command adds to the run of an engine. */
export interface RunHooks {
  serving?(engine: EngineRuntime): void | Promise<void>;
  /** Before the engine stops. */
  stopping?(): void | Promise<void>;
  stopped?(engine: EngineRuntime): void;
}

/**
 * Runs an engine until a signal comes or it gives up.
 * @throws TickwireError what `createEngine` and `start` throw, or why the engine gave up
 */
export async function runEngine(
  options: EngineOptions,
  logger: pino.Logger,
  at: RunHooks = {},
): Promise<void> {
  const engine = await createEngine({ ...options, logger });
  let failure: TickwireError | undefined;
  const gaveUp = new AbortController();
  engine.on('failed', (error) => {
    failure = error;
    gaveUp.abort();
  });
  const stopped = untilStopped(gaveUp.signal);
  await engine.start();
  logger.info({ ...engine.identity, port: engine.port }, `Serving on ${addressOf(engine)}`);
  try {
    // What is done while serving must not outlast the engine.
    await Promise.race([at.serving?.(engine), stopped]);
    await stopped;
    await at.stopping?.();
  } finally {
    await engine.stop();
  }
  const { sequenced, logged } = engine.totals();
  const unlogged = engine.unlogged();
  if (unlogged === 0) {
    const message = 'Stopped; every received tick is sequenced and, with a log, durable.';
    logger.info({ sequenced, logged }, message);
  }
  at.stopped?.(engine);
  if (failure !== undefined) throw failure;
  if (unlogged > 0) {
    throw new TickwireError(
      'stage_failed',
      `Stopped with ${unlogged} ticks that did not reach the log: sources that keep them until acknowledged send them again, the others do not.`,
    );
  }
}

/** Where the page, REST and WebSocket are. */
export function addressOf(engine: EngineRuntime): string {
  const http = engine.options.http === false ? undefined : engine.options.http;
  const host = http?.host ?? '127.0.0.1';
  return `http://${host.includes(':') ? `[${host}]` : host}:${engine.port ?? http?.port ?? 0}/`;
}
