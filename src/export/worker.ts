/** Jobs of the Piscina pool that writes several files at once. The pool's filename is this file. */
import { LogReader, type LostSegment } from '../log/read/log-reader.js';
import { readLogRegistry } from '../replay/symbols.js';
import {
  copyToFiles,
  type ExportCounts,
  type ExportedFile,
  type ExportGap,
  type ExportRange,
  type ExportTarget,
} from './copy.js';

export interface ExportJob {
  /** The data folder. */
  data: string;
  range: ExportRange;
  target: ExportTarget;
  /** `i32 1 = stop │ i32 0 │ f64 ticks so far, by job`. */
  shared: SharedArrayBuffer;
  index: number;
}

export interface ExportAnswer extends ExportCounts {
  /** Absent when the job was stopped. */
  files?: ExportedFile[];
  gaps: ExportGap[];
  lost: LostSegment[];
}

export const SHARED_WORDS_AT = 8;
/** @throws TickwireError log_missing, data_folder_unusable, log_corrupt */
export default async function exportFiles(job: ExportJob): Promise<ExportAnswer> {
  const stop = new Int32Array(job.shared, 0, 1);
  const progress = new Float64Array(job.shared, SHARED_WORDS_AT);
  const counts: ExportCounts = { ticks: 0, unheld: 0 };
  const gaps: ExportGap[] = [];
  if (Atomics.load(stop, 0) !== 0) return { ...counts, gaps, lost: [] };
  const registry = await readLogRegistry(job.data);
  const reader = LogReader.open(job.data);
  // The process has told already where it cannot.
  reader.hold(() => {});
  try {
    const files = copyToFiles({ reader, registry }, job.range, job.target, counts, {
      turn(ticks) {
        progress[job.index] = ticks;
        return Atomics.load(stop, 0) !== 0;
      },
      gap: (gap) => {
        gaps.push(gap);
      },
    });
    return { ...counts, gaps, lost: reader.lostSegments(), ...(files === undefined ? {} : { files }) };
  } finally {
    await reader.close();
  }
}
