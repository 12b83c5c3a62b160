/** Jobs of the Piscina pool that imports: the reading of each file, then the building of the segments. */
import { type ErrorCode, TickwireError } from '../core/errors.js';
import { Registry } from '../pipeline/memory/registry.js';
import { type BuildPlan, type Built, buildSegments } from './build.js';
import { type Identified, identify, type ReadOptions } from './identity.js';
import { type FileToRead, type ReadBatch, readFiles } from './read.js';

/** Shared with a job: `i32 1 = stop │ i32 0 │ f64 ticks so far, by job`. */
export const PROGRESS_AT = 8;

function progressOf(shared: SharedArrayBuffer, index: number): (ticks: number) => boolean {
  const stop = new Int32Array(shared, 0, 1);
  const progress = new Float64Array(shared, PROGRESS_AT);
  return (ticks) => {
    progress[index] = ticks;
    return Atomics.load(stop, 0) !== 0;
  };
}

/** The error of a job. A real error would lose its code between threads. */
export interface Refusal {
  code: ErrorCode;
  message: string;
}
export type Answer<T> = { value: T } | { refusal: Refusal };

async function answerOf<T>(work: () => T | Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    if (!(error instanceof TickwireError)) throw error;
    return { refusal: { code: error.code, message: error.message } };
  }
}

export interface LookJob {
  paths: string[];
  options: ReadOptions;
}

export function look({ paths, options }: LookJob): Promise<Answer<Identified[]>> {
  return answerOf(async () => {
    const found: Identified[] = [];
    for (const path of paths) found.push(await identify(path, options));
    return found;
  });
}

export interface ReadJob {
  files: FileToRead[];
  options: ReadOptions;
  /** Prefix of the names of its runs. */
  prefix: string;
  shared: SharedArrayBuffer;
  index: number;
}

export function read({ files, options, prefix, shared, index }: ReadJob): Promise<Answer<ReadBatch>> {
  return answerOf(() => readFiles(files, options, prefix, progressOf(shared, index)));
}

export interface BuildJob {
  plan: BuildPlan;
  /** The registry, with all symbols of the files defined. */
  registry: Uint8Array;
  shared: SharedArrayBuffer;
}

export function build(job: BuildJob): Promise<Answer<Built | undefined>> {
  const registry = Registry.from(job.registry);
  return answerOf(() => buildSegments(job.plan, registry, progressOf(job.shared, 0)));
}
