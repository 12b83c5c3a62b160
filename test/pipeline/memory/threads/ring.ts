import { RECORD_F64, RECORD_U32 } from '../../../../src/core/tick.js';
import { CommitCells } from '../../../../src/pipeline/memory/commit-cells.js';
import { RingProducer } from '../../../../src/pipeline/memory/spsc-ring.js';

export interface RingJob {
  slots: Uint8Array;
  heads: SharedArrayBuffer;
  tails: SharedArrayBuffer;
  from: number;
  count: number;
}

/** Canaries of record `n`: a torn or misplaced record has a pair that does not fit. */
export function canary(n: number): number {
  return Math.imul(n | 0, 0x9e3779b1) >>> 0;
}

/** Writes `count` records in batches of changing size. Cells spun on without yielding: this thread has nothing else. */
export function produce(job: RingJob): number {
  const heads = new CommitCells(job.heads, 1);
  const tails = new CommitCells(job.tails, 1);
  const ring = new RingProducer(job.slots, { cells: heads, word: 0 }, { cells: tails, word: 0 });
  let next = heads.prime();
  const end = job.from + job.count;
  let fulls = 0;
  while (next[0] < end) {
    const want = 1 + (canary(next[0]) % 97);
    const free = Math.min(ring.free(next[0], want), want, end - next[0]);
    if (free === 0) {
      fulls++;
      Atomics.wait(new Int32Array(job.tails), 1, 0, 0.05);
      continue;
    }
    for (let i = 0; i < free; i++) {
      const n = next[0]++;
      const slot = ring.slot(n);
      ring.records.u32[slot * RECORD_U32] = canary(n);
      for (let k = 1; k < RECORD_F64 - 1; k++) ring.records.f64[slot * RECORD_F64 + k] = n + k;
      ring.records.u32[slot * RECORD_U32 + RECORD_U32 - 1] = ~canary(n) >>> 0;
    }
    heads.commit();
    next = heads.prime();
  }
  return fulls;
}
