/**
 * The entry of a stage's thread, which the Piscina pool of stages runs. A thread has one endless task, which ends when its
 * control word says so. If the thread dies, the task is restarted from shared memory. A thread loads only the modules of
 * its stage, so that a restart is quick.
 */

import type { MessagePort } from 'node:worker_threads';
import { threadId } from 'node:worker_threads';
import { type ErrorCode, TickwireError } from '../core/errors.js';
import type { CaptureTarget } from '../feeds/capture/writer.js';
import type { LogStageOptions } from '../log/write/options.js';
import { Control, type EngineMemory, StageState } from '../pipeline/memory/engine-memory.js';
import { armFailpoint } from '../pipeline/memory/failpoint.js';

export interface StageTask {
  /** Number of the stage: selects its doorbell and its control block, and identifies it in the registry lock. */
  stage: number;
  memory: EngineMemory;
  port: MessagePort;
  work:
    | { kind: 'shard'; shard: number }
    | { kind: 'log'; folder: string; epoch: number; options: LogStageOptions }
    | {
        kind: 'feed';
        feed: number;
        resumed: boolean;
        source: FeedModule;
        aliases: Record<string, string>;
        capture: CaptureTarget | undefined;
      };
}

/** A connector that a worker can load: a module with a `FeedType` among its exports. */
export interface FeedModule {
  /** URL of the module. */
  module: string;
  /** Name of the export that is the `FeedType`. */
  type: string;
  options: unknown;
}

/** A message of a stage to the engine. */
export type StageMessage =
  | { type: 'log'; level: 'info' | 'warn' | 'error'; details: object; message: string }
  | { type: 'status'; status: object };

/** Errors that a restart cannot cure. */
const PERMANENT: readonly ErrorCode[] = ['port_taken', 'bad_config'];

/** Why a stage cannot run at all. Not an Error: between threads an error loses its code. */
export interface StageRefusal {
  code: ErrorCode;
  message: string;
}

/** Runs a stage until its control word ends it. Returns a refusal if the stage cannot begin. */
export default async function runStage(task: StageTask): Promise<StageRefusal | undefined> {
  const control = new Control(task.memory.control, task.stage);
  control.threadId = threadId;
  control.state = StageState.running;
  armFailpoint(control.failpointAt, () => {
    control.failpointAt = 0;
    process.exit(70);
  });
  const post = (message: StageMessage) => task.port.postMessage(message);
  try {
    if (task.work.kind === 'shard') {
      const { runShard } = await import('../pipeline/shard/stage.js');
      runShard(task.memory, task.stage, task.work.shard, control);
    } else if (task.work.kind === 'log') {
      const { runLogStage } = await import('../log/write/stage.js');
      const { folder, epoch, options } = task.work;
      const report = (level: 'info' | 'warn' | 'error', message: string) =>
        post({ type: 'log', level, details: { stage: 'log' }, message });
      await runLogStage({ memory: task.memory, control, folder, epoch, options, report });
    } else {
      const { runFeedStage } = await import('../feeds/stage.js');
      const { feed, resumed, source, aliases, capture } = task.work;
      await runFeedStage({
        memory: task.memory,
        stage: task.stage,
        control,
        feed,
        resumed,
        source,
        aliases,
        capture,
        post,
      });
    }
  } catch (error) {
    if (error instanceof TickwireError && PERMANENT.includes(error.code)) {
      return { code: error.code, message: error.message };
    }
    throw error;
  } finally {
    armFailpoint(0, () => {});
    task.port.close();
  }
  control.state = StageState.stopped;
  return undefined;
}
