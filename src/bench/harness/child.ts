/** Processes of a scenario: started on a core of their own, and asked over the process channel. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { messageOf, TickwireError } from '../../core/errors.js';
import { type GcPauses, GcWatch } from './gc.js';

/** What a child answers to, by operation: one argument, and a result that JSON can carry. */
// biome-ignore lint/suspicious/noExplicitAny: each child states its own arguments
type Api = { [operation: string]: (args: any) => unknown };

interface Request {
  id: number;
  operation: string;
  args: unknown;
}

interface Answer {
  id: number;
  result?: unknown;
  error?: string;
}

const ASK_TIMEOUT_MS = 60_000;

/** The cores that this process may run on. */
function allowedCores(): number[] {
  const status = readFileSync('/proc/self/status', 'utf8');
  const list = /^Cpus_allowed_list:\s+(.+)$/m.exec(status)?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [first, last] = range.split('-').map(Number);
    return Array.from({ length: (last ?? first) - first + 1 }, (_, i) => first + i);
  });
}

/** Two cores to pin processes to, or why that cannot be done. */
export function twoCores(): { cores: [number, number] } | { why: string } {
  const cores = allowedCores();
  if (cores.length < 2) return { why: 'not pinned: this process may use only one core' };
  const test = spawnSync('taskset', ['-c', String(cores[0]), 'true']);
  if (test.status !== 0) return { why: 'not pinned: taskset (of util-linux) is missing or was refused' };
  return { cores: [cores[0], cores[1]] };
}

/** A child process that serves an `Api`. */
export class Child<A extends Api> {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #nextId = 1;

  /** @param core the core that all its threads run on; undefined: wherever the system likes */
  constructor(
    readonly name: string,
    module: URL,
    core: number | undefined,
  ) {
    const command = [process.execPath, ...process.execArgv, fileURLToPath(module)];
    if (core !== undefined) command.unshift('taskset', '-c', String(core));
    this.#process = spawn(command[0], command.slice(1), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#process.on('message', (answer: Answer) => this.#waiting.get(answer.id)?.(answer));
    this.#process.on('error', (error) => this.#lose(messageOf(error)));
    this.#process.on('exit', (code, signal) => this.#lose(`it ended with ${signal ?? code}`));
  }

  /** Of the process; 0 when it could not be started. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** @throws TickwireError stage_failed: it threw, died, or did not answer in time */
  async ask<O extends keyof A & string>(
    operation: O,
    args: Parameters<A[O]>[0],
    timeoutMs = ASK_TIMEOUT_MS,
  ): Promise<Awaited<ReturnType<A[O]>>> {
    const id = this.#nextId++;
    const answer = await new Promise<Answer>((resolve) => {
      const timer = setTimeout(() => resolve({ id, error: `no answer in ${timeoutMs} ms` }), timeoutMs);
      this.#waiting.set(id, (got) => {
        clearTimeout(timer);
        resolve(got);
      });
      if (this.#process.connected) this.#process.send({ id, operation, args } satisfies Request);
      else this.#waiting.get(id)?.({ id, error: 'it is not running' });
    });
    this.#waiting.delete(id);
    if (answer.error !== undefined)
      throw new TickwireError(
        'stage_failed',
        `The benchmark's ${this.name} failed to ${operation}: ${answer.error}.`,
      );
    return answer.result as Awaited<ReturnType<A[O]>>;
  }

  /** Garbage collections of its main thread since the last call. */
  gc(): Promise<GcPauses> {
    return (this as unknown as Child<Common>).ask('gc', {});
  }

  #lose(error: string): void {
    for (const [id, resolve] of this.#waiting) resolve({ id, error });
  }

  /** Ends the process; resolves when it is gone. */
  async end(): Promise<void> {
    if (
      this.#process.pid === undefined ||
      this.#process.exitCode !== null ||
      this.#process.signalCode !== null
    )
      return;
    const gone = once(this.#process, 'exit');
    if (this.#process.connected) this.#process.disconnect();
    await gone;
  }
}

/** What every child answers to, besides its own. */
type Common = { gc: (args: object) => GcPauses };

/** In a child: answers what its parent asks. It ends with its parent. */
export function serveParent<A extends Api>(own: A): void {
  const watch = new GcWatch();
  const api: A & Common = { ...own, gc: () => watch.take() };
  process.on('message', async ({ id, operation, args }: Request) => {
    const answer: Answer = { id };
    try {
      answer.result = await api[operation](args);
    } catch (error) {
      answer.error = messageOf(error);
    }
    // A parent that has gone wants no answer.
    if (process.connected) process.send?.(answer, undefined, undefined, () => {});
  });
  process.on('disconnect', () => process.exit());
}
