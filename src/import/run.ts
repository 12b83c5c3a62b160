/**
 * An import from beginning to end. All of it happens in a staging folder; the log changes in one transaction,
 * the last step. What a killed import left is removed by the next one.
 *
 * ```
 * identify ─▶ read, a job a file ─▶ define symbols ─▶ merge, number, build segments ─▶ adopt
 * ```
 */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { Piscina } from 'piscina';
import { TickwireError } from '../errors.js';
import { openCatalog } from '../log/catalog.js';
import { type ImportRecord, readImports } from '../log/imports.js';
import { FolderLock } from '../log/lock.js';
import type { Built } from './build.js';
import { importsFolder } from './desk.js';
import { haveDone, registryOf, stopped } from './host.js';
import { importHash, type ReadOptions } from './identity.js';
import { type Answer, type BuildJob, type IdentifyJob, PROGRESS_AT, type ReadJob } from './jobs.js';
import type { ReadFile } from './read.js';

const LOOK_MS = 100;
const STAGING_TRIES = 3;

export interface ImportOutcome {
  /** Names the content that was imported now; absent where there was nothing new. */
  hash?: string;
  epoch?: number;
  ticks: number;
  /** Half-quotes whose other side never came. */
  held: number;
  /** Files that were read, with what was bad in them. */
  files: { file: string; ticks: number; bad: ReadFile['bad'] }[];
  /** Files that the log has already. */
  known: string[];
  /** Days that have a segment now. */
  days: string[];
}

export interface ImportProgress {
  doing: 'identify' | 'read' | 'build';
  ticks: number;
  /** Of all files, once they are read. */
  total: number;
}

/**
 * @param data the data folder; it is made where there is none
 * @param paths files, each once
 * @throws TickwireError bad_input for a file that is none, data_folder_locked, data_folder_unusable, unsupported when stopped
 */
export async function importFiles(
  data: string,
  paths: readonly string[],
  options: ReadOptions,
  signal: AbortSignal,
  tell: (progress: ImportProgress) => void,
): Promise<ImportOutcome> {
  const staging = makeStaging(data);
  try {
    return await new Import(data, staging.folder, options, signal, tell).run(paths);
  } finally {
    staging.remove();
  }
}

/** A folder of this import's own; what dead ones left is removed. */
function makeStaging(data: string): { folder: string; remove: () => void } {
  const above = importsFolder(data);
  mkdirSync(above, { recursive: true });
  for (const name of readdirSync(above)) removeLeft(path.join(above, name));
  const { folder, lock } = lockStaging(above);
  mkdirSync(path.join(folder, 'runs'));
  mkdirSync(path.join(folder, 'segments'));
  return {
    folder,
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
      lock.release();
    },
  };
}

function removeLeft(staging: string): void {
  try {
    const lock = FolderLock.take(staging);
    try {
      rmSync(staging, { recursive: true, force: true });
    } finally {
      lock.release();
    }
  } catch (error) {
    const isHeld = error instanceof TickwireError && error.code === 'data_folder_locked';
    if (!isHeld && existsSync(staging)) throw error;
  }
}

function lockStaging(above: string): { folder: string; lock: FolderLock } {
  for (let tries = 1; ; tries++) {
    const folder = path.join(above, randomUUID());
    try {
      return { folder, lock: FolderLock.take(folder) };
    } catch (error) {
      // Another import may clear it up in the moment before it is locked.
      if (tries === STAGING_TRIES) throw error;
    }
  }
}

class Import {
  readonly #pool: Piscina;

  constructor(
    readonly data: string,
    readonly staging: string,
    readonly options: ReadOptions,
    readonly signal: AbortSignal,
    readonly tell: (progress: ImportProgress) => void,
  ) {
    this.#pool = new Piscina({
      filename: new URL('./jobs.js', import.meta.url).href,
      minThreads: 1,
      maxThreads: availableParallelism(),
    });
  }

  async run(paths: readonly string[]): Promise<ImportOutcome> {
    try {
      const { fresh, known } = await this.#identify(paths);
      const outcome = { ticks: 0, held: 0, files: [], known, days: [] };
      return fresh.size === 0 ? outcome : { ...(await this.#import(fresh)), known };
    } finally {
      await this.#pool.destroy();
    }
  }

  /** Splits the files into those that are new, by identity, and those that the log has. */
  async #identify(paths: readonly string[]): Promise<{ fresh: Map<string, string>; known: string[] }> {
    const { options } = this;
    const identities = await this.#jobs<string>('identify', 0, () =>
      paths.map((path): IdentifyJob => ({ path, options })),
    );
    const held = new Set(importsOf(this.data).flatMap(({ files }) => files));
    const fresh = new Map<string, string>();
    const known: string[] = [];
    paths.forEach((path, i) => {
      const identity = identities[i];
      if (held.has(identity) || fresh.has(identity)) known.push(path);
      else fresh.set(identity, path);
    });
    return { fresh, known };
  }

  async #import(fresh: Map<string, string>): Promise<Omit<ImportOutcome, 'known'>> {
    const { data, staging, options, signal } = this;
    const files = await this.#jobs<ReadFile>('read', 0, (shared) =>
      [...fresh].map(([identity, file], index): ReadJob => {
        const place = path.join(staging, 'runs', `${index}-`);
        return { path: file, identity, options, place, shared, index };
      }),
    );
    const hash = importHash([...fresh.keys()]);
    const canonical = (raw: string) => (Object.hasOwn(options.aliases, raw) ? options.aliases[raw] : raw);
    const named = files.flatMap((file) =>
      file.symbols.map(({ raw, digits }) => ({ name: canonical(raw), digits })),
    );
    const symbols = [...mostDigits(named)].map(([name, digits]) => ({ name, digits }));
    const request = { hash, symbols };
    const defined = await haveDone(data, staging, 'define', request, signal);
    const idOf = new Map(symbols.map(({ name }, i) => [name, defined.ids[i]]));
    const registry = await registryOf(data, request, defined, signal);
    const total = files.reduce((sum, { ticks }) => sum + ticks, 0);
    const [built] = await this.#jobs<Built | undefined>('build', total, (shared) => [
      {
        data,
        folder: path.join(staging, 'segments'),
        epoch: defined.epoch,
        sourceId: defined.sourceId,
        files: files.map((file) => ({
          runs: file.runs,
          ids: file.symbols.map(({ raw }) => idOf.get(canonical(raw))!),
        })),
        registry,
        shared,
      } satisfies BuildJob,
    ]);
    if (built === undefined || signal.aborted) throw stopped();
    const { numbered, ticks, held, segments } = built;
    const record: ImportRecord = {
      epoch: defined.epoch,
      hash,
      importedAt: Date.now(),
      files: [...fresh.keys()],
      ticks: numbered,
    };
    await haveDone(data, staging, 'adopt', { record, segments }, signal);
    return {
      hash,
      epoch: defined.epoch,
      ticks,
      held,
      files: files.map(({ path: file, ticks: read, bad }) => ({ file, ticks: read, bad })),
      days: segments.map(({ folder }) => folder),
    };
  }

  async #job<Value>(job: object, name: string): Promise<Value> {
    const answer = (await this.#pool.run(job, { name })) as Answer<Value>;
    if ('value' in answer) return answer.value;
    throw new TickwireError(answer.refusal.code, answer.refusal.message);
  }

  /** Runs jobs beside each other, and tells how far they are. */
  async #jobs<Value>(
    doing: ImportProgress['doing'],
    total: number,
    make: (shared: SharedArrayBuffer) => object[],
  ): Promise<Value[]> {
    const counts = make(new SharedArrayBuffer(0)).length;
    const shared = new SharedArrayBuffer(PROGRESS_AT + counts * 8);
    const progress = new Float64Array(shared, PROGRESS_AT);
    const stop = () => Atomics.store(new Int32Array(shared, 0, 1), 0, 1);
    const timer = setInterval(() => {
      this.tell({ doing, ticks: progress.reduce((sum, ticks) => sum + ticks, 0), total });
    }, LOOK_MS);
    this.signal.addEventListener('abort', stop, { once: true });
    try {
      if (this.signal.aborted) throw stopped();
      return await Promise.all(make(shared).map((job) => this.#job<Value>(job, doing)));
    } finally {
      stop();
      clearInterval(timer);
      this.signal.removeEventListener('abort', stop);
    }
  }
}

/** Names once each, with the most digits that a file found in its prices. */
function mostDigits(symbols: readonly { name: string; digits: number }[]): Map<string, number> {
  const digitsOf = new Map<string, number>();
  for (const { name, digits } of symbols) digitsOf.set(name, Math.max(digits, digitsOf.get(name) ?? 0));
  return digitsOf;
}

/** The imports of a data folder; none where there is no log yet. */
function importsOf(data: string): ImportRecord[] {
  if (!existsSync(path.join(importsFolder(data), '..', 'data.mdb'))) return [];
  const catalog = openCatalog(data, { readOnly: true });
  try {
    return readImports(catalog);
  } finally {
    void catalog.root.close();
  }
}
