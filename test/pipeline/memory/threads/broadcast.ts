import { copyRecord, RECORD_U32, Records } from '../../../../src/core/tick.js';
import { BroadcastReader, BroadcastWriter } from '../../../../src/pipeline/memory/broadcast-ring.js';
import { CommitCells } from '../../../../src/pipeline/memory/commit-cells.js';

export interface BroadcastJob {
  memory: Uint8Array;
  slots: number;
  /** Cell of the head. */
  heads: SharedArrayBuffer;
  /** Cell of the gating reader's position. */
  gate: SharedArrayBuffer;
  from: number;
  count: number;
}

export interface ReaderReport {
  accepted: number;
  overtaken: number;
  /** Copies thrown away whose content was indeed torn or newer: the check was needed. */
  torn: number;
  wrong: number;
}

function mix(seq: number, k: number): number {
  return Math.imul((seq + k * 0x85ebca6b) | 0, 0x9e3779b1) >>> 0;
}

function fill(u32: Uint32Array, slot: number, seq: number): void {
  let sum = 0;
  for (let k = 0; k < RECORD_U32 - 1; k++) sum = (sum ^ (u32[slot * RECORD_U32 + k] = mix(seq, k))) >>> 0;
  u32[slot * RECORD_U32 + RECORD_U32 - 1] = sum;
}

function isRecord(u32: Uint32Array, seq: number): boolean {
  let sum = 0;
  for (let k = 0; k < RECORD_U32 - 1; k++) {
    if (u32[k] !== mix(seq, k)) return false;
    sum = (sum ^ u32[k]) >>> 0;
  }
  return u32[RECORD_U32 - 1] === sum;
}

function nap(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0.1);
}

/** Writes every record after the gate has made room, in batches, as a shard does. */
export function write(job: BroadcastJob): number {
  const heads = new CommitCells(job.heads, 1);
  const gate = new CommitCells(job.gate, 1);
  const ring = new BroadcastWriter(job.memory, job.slots);
  const end = job.from + job.count;
  let next = heads.prime();
  let waits = 0;
  while (next[0] < end) {
    const batch = Math.min(1 + (mix(next[0], 1) % (job.slots / 4)), end - next[0]);
    if (next[0] + batch - gate.read(0) > job.slots) {
      waits++;
      nap();
      continue;
    }
    ring.intend(next[0] + batch);
    for (let i = 0; i < batch; i++) fill(ring.records.u32, ring.slot(++next[0]), next[0]);
    heads.commit();
    next = heads.prime();
  }
  return waits;
}

/** The gating reader: nothing may be overwritten before it has read it. */
export function readGating(job: BroadcastJob): ReaderReport {
  const gate = new CommitCells(job.gate, 1);
  const ring = reader(job);
  const copy = Records.allocate(1);
  const report = { accepted: 0, overtaken: 0, torn: 0, wrong: 0 };
  let next = gate.prime();
  while (next[0] < job.from + job.count) {
    const head = ring.head();
    if (head === next[0]) nap();
    while (next[0] < head) {
      const seq = ++next[0];
      copyRecord(ring.records, ring.slot(seq), copy, 0);
      if (ring.oldest() > seq) report.overtaken++;
      if (isRecord(copy.u32, seq)) report.accepted++;
      else report.wrong++;
    }
    gate.commit();
    next = gate.prime();
  }
  return report;
}

/** A free reader; a slow one rests every few records, so that the writer passes it again and again. */
export function readFree(job: BroadcastJob & { restEvery: number }): ReaderReport {
  const ring = reader(job);
  const copy = Records.allocate(1);
  const report = { accepted: 0, overtaken: 0, torn: 0, wrong: 0 };
  let seq = job.from;
  let looks = 0;
  while (seq < job.from + job.count) {
    if (ring.head() === seq) {
      nap();
      continue;
    }
    seq++;
    // Two rounds of the ring: whoever rests so long is overtaken for certain.
    if (job.restEvery > 0 && ++looks % job.restEvery === 0) {
      while (ring.head() < Math.min(seq + 2 * job.slots, job.from + job.count)) nap();
    }
    copyRecord(ring.records, ring.slot(seq), copy, 0);
    const whole = isRecord(copy.u32, seq);
    const oldest = ring.oldest();
    if (seq < oldest) {
      report.overtaken++;
      if (!whole) report.torn++;
      // Behind the writer there is nothing to gain: on from a little after the oldest.
      seq = Math.min(ring.head(), oldest + (oldest % 3)) - 1;
    } else if (whole) {
      report.accepted++;
    } else {
      report.wrong++;
    }
  }
  return report;
}

function reader(job: BroadcastJob): BroadcastReader {
  return new BroadcastReader(job.memory, job.slots, { cells: new CommitCells(job.heads, 1), word: 0 });
}
