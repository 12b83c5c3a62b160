/** `ticks replay --serve`: the log goes through an engine of its own, which serves it as any other. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineRuntime } from '../../engine/engine.js';
import { LogReader } from '../../log/read/log-reader.js';
import { ReplayControl } from '../../replay/control.js';
import type { ReplayFeedOptions } from '../../replay/feed.js';
import { checkLog } from '../../replay/range.js';
import { spanOf } from '../../replay/span.js';
import { createLogger } from '../support/logger.js';
import { runEngine } from '../support/run-engine.js';
import { ReplayConsole } from './console.js';
import { type ReplayFlags, rangeOf } from './flags.js';

/** How often it is looked whether a subscriber has come. */
const LOOK_MS = 20;

/** @throws TickwireError log_missing, data_folder_unusable, bad_config, bad_input, port_taken */
export async function serveReplay(flags: ReplayFlags, port: number): Promise<void> {
  const range = rangeOf(flags);
  const control = ReplayControl.create(flags.speed ?? 1);
  const options: ReplayFeedOptions = {
    ...range,
    dataFolder: flags.data,
    symbols: flags.symbols ?? ['*'],
    follow: flags.follow === true,
    control: control.memory,
    startPaused: flags.wait,
  };
  // Checked here, so that a folder without a log, or another log's cursor, fails at once and not in a stage.
  const reader = LogReader.open(flags.data);
  // The feed that plays it reports where it cannot.
  reader.hold(() => {});
  const span = spanOf(reader, range.from, range.to);
  const { logId } = reader;
  await reader.close();
  checkLog(range.from, logId);
  checkLog(range.to, logId);
  const feed = {
    name: 'replay',
    module: new URL('../../replay/feed.js', import.meta.url),
    export: 'replayFeed',
    options,
  };
  const logger = createLogger(flags.logLevel);
  let terminal: ReplayConsole | undefined;
  try {
    await runEngine({ feeds: [feed], dataFolder: false, http: { host: flags.host, port } }, logger, {
      serving(engine) {
        if (flags.json) process.stderr.write(`${JSON.stringify({ event: 'serving', port: engine.port })}\n`);
        terminal = new ReplayConsole(control, span, () => process.kill(process.pid, 'SIGINT'));
        tellEnd(engine, (detail) => logger.info({}, `${detail}; still serving the last values.`));
        if (flags.wait) void letGo(engine);
      },
      stopping: () => terminal?.close(),
    });
  } finally {
    terminal?.close();
  }
}

/** Tells once that the replay has ended, whenever it does. */
function tellEnd(engine: EngineRuntime, tell: (detail: string) => void): void {
  let hasEnded = false;
  engine.on('feedStatus', (_feed, status) => {
    if (status.state === 'ended' && !hasEnded) tell(status.detail);
    hasEnded = status.state === 'ended';
  });
}

/** Lets the replay begin once a subscriber has come, so that it misses nothing. */
async function letGo(engine: EngineRuntime): Promise<void> {
  engine.setPaused('replay', true);
  let isOver = false;
  engine.once('stopped', () => {
    isOver = true;
  });
  const state = () => engine.feeds()[0].state;
  while (!isOver && (state() !== 'paused' || engine.fanout?.stats().subscriptions === 0))
    await sleep(LOOK_MS);
  if (!isOver) engine.setPaused('replay', false);
}
