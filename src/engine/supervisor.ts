/**
 * Keeps the stages running. A stage whose thread dies (an exception, `terminate()`, out of memory) is restarted at once
 * and continues from shared memory. If a stage keeps dying, the engine reports that it is not ready and why, and stops
 * cleanly.
 */
import { MessageChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { messageOf, TickwireError } from '../core/errors.js';
import { STAGE_DEATHS_MAX, STAGE_DEATHS_WINDOW_MS } from '../core/limits.js';
import { Command, Control, type EngineMemory, StageState } from '../pipeline/memory/engine-memory.js';
import { Registry } from '../pipeline/memory/registry.js';
import type { StageMessage, StageRefusal, StageTask } from './stage-entry.js';

export interface StageSpec {
  name: string;
  stage: number;
  work: StageTask['work'];
}

export interface SupervisorOptions {
  /** Deaths of one stage within the window after which it is still restarted. */
  deathsMax?: number;
  deathsWindowMs?: number;
  /** V8 limits of a stage's thread. */
  maxOldGenerationMb?: number;
  /** Node options of the stages' threads; default: those of the process. */
  execArgv?: string[];
}

export interface SupervisorEvents {
  /** A stage died and is being restarted. */
  death(spec: StageSpec, reason: string, deaths: number): void;
  /** A stage keeps dying. */
  failure(spec: StageSpec, error: TickwireError): void;
  message(spec: StageSpec, message: StageMessage): void;
}

export class Supervisor {
  readonly #pool: Piscina<StageTask, StageRefusal | undefined>;
  readonly #registry: Registry;
  readonly #runs = new Map<number, Promise<void>>();
  readonly #deathsMax: number;
  readonly #windowMs: number;
  #closing = false;

  constructor(
    readonly memory: EngineMemory,
    stages: number,
    readonly events: SupervisorEvents,
    options: SupervisorOptions = {},
  ) {
    this.#deathsMax = options.deathsMax ?? STAGE_DEATHS_MAX;
    this.#windowMs = options.deathsWindowMs ?? STAGE_DEATHS_WINDOW_MS;
    this.#registry = new Registry(memory.registry, memory.plan.maxSymbols);
    this.#pool = new Piscina({
      filename: new URL('./stage-entry.js', import.meta.url).href,
      minThreads: stages,
      maxThreads: stages,
      concurrentTasksPerWorker: 1,
      // Endless tasks never return to Piscina, and its Atomics.wait between tasks would stall event loops.
      atomics: 'disabled',
      ...(options.execArgv === undefined ? {} : { execArgv: options.execArgv }),
      ...(options.maxOldGenerationMb === undefined
        ? {}
        : { resourceLimits: { maxOldGenerationSizeMb: options.maxOldGenerationMb } }),
    });
    // The error event of a thread reports the same death as the rejection of its task.
    this.#pool.on('error', () => {});
  }

  /** Starts a stage and restarts it until it is ended. */
  start(spec: StageSpec): void {
    this.control(spec.stage).command = Command.run;
    this.#runs.set(spec.stage, this.#keep(spec));
  }

  control(stage: number): Control {
    return new Control(this.memory.control, stage);
  }

  /** Kills the thread that runs a stage, as a fault would. False when it is not running just now. */
  async terminate(stage: number): Promise<boolean> {
    const id = this.control(stage).threadId;
    const thread = this.#pool.threads.find((t: { threadId: number }) => t.threadId === id);
    if (thread === undefined || id <= 0) return false;
    await thread.terminate();
    return true;
  }

  /**
   * Asks stages to drain and waits for them.
   * @returns false when they took longer than `graceMs`
   */
  async drain(stages: number[], graceMs: number): Promise<boolean> {
    for (const stage of stages) this.control(stage).command = Command.drain;
    const done = Promise.all(stages.map((stage) => this.#runs.get(stage))).then(() => true);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), graceMs);
    });
    const inTime = await Promise.race([done, late]);
    clearTimeout(timer);
    if (!inTime) for (const stage of stages) this.control(stage).command = Command.stop;
    return inTime;
  }

  /** Ends every thread that is still there. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#pool.destroy();
    await Promise.allSettled(this.#runs.values());
  }

  async #keep(spec: StageSpec): Promise<void> {
    const control = this.control(spec.stage);
    const times: number[] = [];
    for (let first = true; ; first = false) {
      const work = spec.work.kind === 'feed' ? { ...spec.work, resumed: !first } : spec.work;
      const reason = await this.#runOnce({ ...spec, work });
      if (reason === undefined || this.#closing) return;
      if (typeof reason !== 'string') {
        control.state = StageState.failed;
        this.events.failure(spec, new TickwireError(reason.code, `Stage ${spec.name}: ${reason.message}`));
        return;
      }
      control.state = StageState.dead;
      control.threadId = 0;
      control.deaths++;
      this.#registry.releaseIfHeldBy(spec.stage);
      const now = Date.now();
      times.push(now);
      while (now - times[0] > this.#windowMs) times.shift();
      if (times.length > this.#deathsMax) {
        control.state = StageState.failed;
        this.events.failure(
          spec,
          new TickwireError(
            'stage_failed',
            `Stage ${spec.name} died ${times.length} times within ${this.#windowMs / 1000} s, last: ${reason}`,
          ),
        );
        return;
      }
      this.events.death(spec, reason, control.deaths);
    }
  }

  /** Undefined when the stage ended on request, a refusal when it cannot run, else why its thread died. */
  async #runOnce(spec: StageSpec): Promise<string | StageRefusal | undefined> {
    const { port1, port2 } = new MessageChannel();
    port1.on('message', (message: StageMessage) => this.events.message(spec, message));
    port1.unref();
    const task: StageTask = { stage: spec.stage, memory: this.memory, port: port2, work: spec.work };
    try {
      return await this.#pool.run(task, { transferList: [port2] });
    } catch (error) {
      return messageOf(error);
    } finally {
      port1.close();
    }
  }
}
