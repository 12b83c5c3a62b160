/** Jobs of the Piscina pool that imports: the reading of each file, then the building of the segments. */
import { type ErrorCode, TickwireError } from '../errors.js';
import { Registry } from '../pipeline/registry.js';
import { type BuildFile, type Built, buildSegments } from './build.js';
import { identityOf, type ReadOptions } from './identity.js';
import { type ReadFile, readFile } from './read.js';

/** Shared with a job: `i32 1 = stop │ i32 0 │ f64 ticks so far, by job`. */
export const PROGRESS_AT = 8;

function watch(shared: SharedArrayBuffer, index: number): (ticks: number) => boolean {
  const stop = new Int32Array(shared, 0, 1);
  const progress = new Float64Array(shared, PROGRESS_AT);
  return (ticks) => {
    progress[index] = ticks;
    return Atomics.load(stop, 0) !== 0;
  };
}

/** Why a job cannot be done: what an error keeps of itself on its way between threads is too little. */
export interface Refusal {
  code: ErrorCode;
  message: string;
}
export type Answer<T> = { value: T } | { refusal: Refusal };

async function told<T>(work: () => T | Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    if (!(error instanceof TickwireError)) throw error;
    return { refusal: { code: error.code, message: error.message } };
  }
}

export interface IdentifyJob {
  path: string;
  options: ReadOptions;
}

export function identify({ path, options }: IdentifyJob): Promise<Answer<string>> {
  return told(() => identityOf(path, options));
}

export interface ReadJob {
  path: string;
  identity: string;
  options: ReadOptions;
  /** What the names of its runs begin with. */
  place: string;
  shared: SharedArrayBuffer;
  index: number;
}

export function read({ path, identity, options, place, shared, index }: ReadJob): Promise<Answer<ReadFile>> {
  return told(() => readFile(path, identity, options, place, watch(shared, index)));
}

export interface BuildJob {
  /** The data folder. */
  data: string;
  /** Where the segments are made. */
  folder: string;
  epoch: number;
  sourceId: number;
  files: BuildFile[];
  /** The registry, with all symbols of the files defined. */
  registry: Uint8Array;
  shared: SharedArrayBuffer;
}

export function build(job: BuildJob): Promise<Answer<Built | undefined>> {
  const { data, folder, epoch, sourceId, files, shared } = job;
  // One entry takes more than 16 bytes, so this is room for every symbol that the bytes can define.
  const registry = Registry.from(job.registry);
  return told(() => buildSegments(data, folder, epoch, sourceId, files, registry, watch(shared, 0)));
}
