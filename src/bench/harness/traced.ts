/**
 * Ticks that are traced through the stages, as clients got them: what each carries says where it was when.
 * Some clients are traced, and of their ticks those whose latency is taken.
 *
 * ```
 * f64 client │ frame of that client, from 1 │ seq │ due, µs since the anchor │ receipt by the feed, ns since the
 *   anchor's second │ receipt by the client, µs since the anchor
 * ```
 */
import { LatencySamples, type LatencyUs, type RecordedLatency } from './latency.js';

/** The stages that a tick passes through, in order. */
export const STAGES = ['feed', 'rawRing', 'shard', 'ring', 'fanout', 'client'] as const;
export type Stage = (typeof STAGES)[number];
/** How long ticks took in each stage. */
export type StageTimes = Record<Stage, RecordedLatency>;

/** Header of the upgrade in which a client says which one it is. */
export const CLIENT_HEADER = 'x-bench-client';
export const TRACED_WORDS = 6;
export const Traced = { client: 0, frame: 1, seq: 2, dueUs: 3, recvNs: 4, gotUs: 5 } as const;
/** Clients that are traced at most: one of so many, evenly spread. */
const CLIENTS_MAX = 64;
/** Ticks that are kept of a measured time. Full: every second one goes, and of the following only every second is taken. */
const TICKS_MAX = 1 << 14;

/** Of how many clients one is traced. */
export function traceEvery(clients: number): number {
  return Math.ceil(clients / CLIENTS_MAX);
}

export class TracedTicks {
  /** Of the batch at hand: the client's frame that it came in, and what its records count from. */
  frame = 0;
  batchSeq = 0;
  batchRecvNs = 0;
  readonly #words = new Float64Array(TICKS_MAX * TRACED_WORDS);
  #count = 0;
  #stride = 1;
  #untilNext = 1;

  /** @param clientEvery of how many clients one is traced */
  constructor(readonly clientEvery: number) {}

  reset(): void {
    this.#count = 0;
    this.#stride = 1;
    this.#untilNext = 1;
  }

  /** Takes a tick of the batch at hand; `seqStep` and `recvStepNs` count from its base. */
  take(client: number, seqStep: number, recvStepNs: number, dueUs: number, gotUs: number): void {
    if (client % this.clientEvery !== 0 || --this.#untilNext > 0) return;
    this.#untilNext = this.#stride;
    if (this.#count === TICKS_MAX) this.#thin();
    const at = this.#count++ * TRACED_WORDS;
    this.#words[at + Traced.client] = client;
    this.#words[at + Traced.frame] = this.frame;
    this.#words[at + Traced.seq] = this.batchSeq + seqStep;
    this.#words[at + Traced.dueUs] = dueUs;
    this.#words[at + Traced.recvNs] = this.batchRecvNs + recvStepNs;
    this.#words[at + Traced.gotUs] = gotUs;
  }

  #thin(): void {
    for (let i = 1; 2 * i < this.#count; i++) {
      const from = 2 * i * TRACED_WORDS;
      this.#words.copyWithin(i * TRACED_WORDS, from, from + TRACED_WORDS);
    }
    this.#count >>= 1;
    this.#stride *= 2;
  }

  /** What was taken, as base64 of its words. */
  taken(): string {
    return Buffer.from(this.#words.buffer, 0, this.#count * TRACED_WORDS * 8).toString('base64');
  }
}

/** What several measured times say together; null when none of them has any. */
export function mergedStages(all: (StageTimes | null)[]): Record<Stage, LatencyUs> | null {
  const known = all.filter((times) => times !== null);
  if (known.length === 0) return null;
  const merged = STAGES.map((stage) => {
    const samples = new LatencySamples();
    for (const times of known) samples.add(times[stage]);
    return [stage, samples.summary()] as const;
  });
  return Object.fromEntries(merged) as Record<Stage, LatencyUs>;
}

/** The words that `taken` gave. */
export function tracedWords(taken: string): Float64Array {
  const bytes = Buffer.from(taken, 'base64');
  const words = new Float64Array(bytes.length / 8);
  Buffer.from(words.buffer).set(bytes);
  return words;
}
