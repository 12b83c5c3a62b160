/** Runs the jobs of an export, and gives the files their names once all of them are whole. */
import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Piscina } from 'piscina';
import { TickwireError } from '../core/errors.js';
import type { LostSegment } from '../log/read/log-reader.js';
import type { ExportedFile, ExportGap } from './copy.js';
import { discard, publish } from './out-file.js';
import type { PlannedJob } from './plan.js';
import { type ExportAnswer, type ExportJob, SHARED_WORDS_AT } from './worker.js';
import type { ExportStyle } from './writer.js';

const LOOK_MS = 100;
/** Milliseconds that jobs have to stop by themselves. */
const STOP_MS = 150;

export interface ExportPlan extends ExportStyle {
  /** The data folder. */
  data: string;
  /** Where the files go. */
  folder: string;
  /** What the hidden names of unfinished files begin with. */
  mark: string;
  /** Ending of their names, with its dot. */
  ending: string;
  jobs: PlannedJob[];
}

export interface ExportOutcome {
  ticks: number;
  unheld: number;
  files: { file: string; ticks: number; bytes: number }[];
  gaps: ExportGap[];
  /** Segments that could not be read. */
  lost: LostSegment[];
}

/**
 * @param onProgress told the ticks written so far
 * @returns undefined when the signal came first: then nothing was written
 * @throws TickwireError log_missing, data_folder_unusable, bad_input where two files would have one name
 */
export async function exportToFiles(
  plan: ExportPlan,
  signal: AbortSignal,
  onProgress: (ticks: number) => void,
): Promise<ExportOutcome | undefined> {
  const shared = new SharedArrayBuffer(SHARED_WORDS_AT + plan.jobs.length * 8);
  const progress = new Float64Array(shared, SHARED_WORDS_AT);
  const stop = () => Atomics.store(new Int32Array(shared, 0, 1), 0, 1);
  signal.addEventListener('abort', stop, { once: true });
  const pool = new Piscina({
    filename: new URL('./worker.js', import.meta.url).href,
    minThreads: 1,
    maxThreads: Math.max(1, Math.min(plan.jobs.length, availableParallelism())),
  });
  try {
    const running = plan.jobs.map((job, index) => pool.run(jobOf(plan, job, index, shared)));
    const all = Promise.all(running) as Promise<ExportAnswer[]>;
    let isOver = false;
    const over = all.then(
      () => (isOver = true),
      () => (isOver = true),
    );
    const stopped = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    let stopAtMs = Number.POSITIVE_INFINITY;
    while (!isOver && performance.now() < stopAtMs) {
      await Promise.race([over, stopped, delay(LOOK_MS)]);
      if (signal.aborted) await Promise.race([over, delay(STOP_MS / 4)]);
      if (signal.aborted) stopAtMs = Math.min(stopAtMs, performance.now() + STOP_MS);
      onProgress(progress.reduce((sum, ticks) => sum + ticks, 0));
    }
    // Jobs that do not look up in time end with their threads.
    if (!isOver) return undefined;
    const answers = await all;
    const files = answers.flatMap((answer) => answer.files ?? []);
    if (signal.aborted || answers.some((answer) => answer.files === undefined)) return undefined;
    return { ...sumOf(answers), files: name(plan.folder, files) };
  } finally {
    stop();
    signal.removeEventListener('abort', stop);
    await pool.destroy();
    discardUnfinished(plan);
  }
}

/** What the hidden names of one export begin with. */
export function newMark(): string {
  return `.ticks-export-${randomUUID()}-`;
}

/** Removes what an export has not finished. */
export function discardUnfinished({ folder, mark }: Pick<ExportPlan, 'folder' | 'mark'>): void {
  for (const left of readdirSync(folder)) {
    if (left.startsWith(mark)) discard(path.join(folder, left));
  }
}

function jobOf(
  { data, format, zone, isForSheet, folder, mark, ending }: ExportPlan,
  { range, name, isOptional }: PlannedJob,
  index: number,
  shared: SharedArrayBuffer,
): ExportJob {
  const target = { format, zone, isForSheet, folder, mark: `${mark}${index}-`, ending };
  return {
    data,
    range,
    target: name === undefined ? target : { ...target, name: `${name}${ending}`, isOptional },
    shared,
    index,
  };
}

function sumOf(answers: readonly ExportAnswer[]): Omit<ExportOutcome, 'files'> {
  const lost = new Map(answers.flatMap((answer) => answer.lost).map((segment) => [segment.why, segment]));
  return {
    ticks: answers.reduce((sum, { ticks }) => sum + ticks, 0),
    unheld: answers.reduce((sum, { unheld }) => sum + unheld, 0),
    gaps: joined(answers.flatMap(({ gaps }) => gaps)),
    lost: [...lost.values()],
  };
}

/** Each gap once: jobs that read the same range report the same gaps, or parts of them. */
function joined(gaps: readonly ExportGap[]): ExportGap[] {
  const all: ExportGap[] = [];
  const sorted = [...gaps].sort((a, b) => a.epoch - b.epoch || a.shard - b.shard || a.first - b.first);
  for (const gap of sorted) {
    const before = all.at(-1);
    const isSame = before?.epoch === gap.epoch && before.shard === gap.shard && before.reason === gap.reason;
    if (isSame && gap.first <= before.last) before.last = Math.max(before.last, gap.last);
    else all.push({ ...gap });
  }
  return all;
}

/** Gives all files their names; the folder's entries are on the disk then. */
function name(folder: string, files: readonly ExportedFile[]): ExportOutcome['files'] {
  const names = new Set(files.map((file) => file.name.toLowerCase()));
  if (names.size !== files.length) {
    throw new TickwireError(
      'bad_input',
      'Two symbols would have one file name, as they differ by capitals only: export them one by one.',
    );
  }
  const named = [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const { temporary, name } of named) publish(temporary, path.join(folder, name));
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  return named.map(({ name, ticks, bytes }) => ({ file: path.join(folder, name), ticks, bytes }));
}
