/** Sorts ticks of any order into runs: a file in order becomes one run. */
import { RECORD_U32, Records, U32_TS_EVENT_NS, U32_TS_EVENT_S } from '../core/tick.js';
import { type RunInfo, RunWriter } from './spool.js';

/** Ticks that a reading job sorts at a time. */
const CHUNK_TICKS = 131_072;

export class RunSorter {
  readonly records = Records.allocate(CHUNK_TICKS);
  count = 0;
  readonly runs: RunInfo[] = [];
  #writer: RunWriter | undefined;
  #isSorted = true;

  /**
   * @param prefix of the runs' names
   * @param digits by symbol id; may grow meanwhile
   */
  constructor(
    readonly prefix: string,
    readonly digits: Uint8Array,
  ) {}

  /** Takes the tick that was written to record `count`. */
  push(): void {
    const i = this.count++;
    if (i > 0 && this.#compare(i, i - 1) < 0) this.#isSorted = false;
    if (this.count === CHUNK_TICKS) this.#flush();
  }

  /** By time, then position in the file. */
  #compare(a: number, b: number): number {
    const { u32 } = this.records;
    const [v, w] = [a * RECORD_U32, b * RECORD_U32];
    return (
      u32[v + U32_TS_EVENT_S] - u32[w + U32_TS_EVENT_S] ||
      u32[v + U32_TS_EVENT_NS] - u32[w + U32_TS_EVENT_NS] ||
      a - b
    );
  }

  #flush(): void {
    if (this.count === 0) return;
    const order = Uint32Array.from({ length: this.count }, (_, i) => i);
    if (!this.#isSorted) order.sort((a, b) => this.#compare(a, b));
    const writer = this.#writerFrom(order[0]);
    for (const i of order) writer.add(this.records, i);
    this.count = 0;
    this.#isSorted = true;
  }

  /** The current run if the tick is no earlier than its last one, else a new run. */
  #writerFrom(first: number): RunWriter {
    const w = first * RECORD_U32;
    const s = this.records.u32[w + U32_TS_EVENT_S];
    const ns = this.records.u32[w + U32_TS_EVENT_NS];
    const writer = this.#writer;
    if (writer !== undefined && (s > writer.toS || (s === writer.toS && ns >= writer.toNs))) return writer;
    this.#close();
    this.#writer = new RunWriter(`${this.prefix}${this.runs.length}`, this.digits);
    return this.#writer;
  }

  #close(): void {
    if (this.#writer !== undefined) this.runs.push(this.#writer.close());
    this.#writer = undefined;
  }

  finish(): RunInfo[] {
    this.#flush();
    this.#close();
    return this.runs;
  }
}
