/**
 * The module that numbers ticks: `wasm/`, compiled to WebAssembly, and its memory as arrays. What is done to every
 * tick stands there; what is uncommon, in `normalise.ts`. An instance serves one thread.
 */
import { Records } from '../tick.js';
import { type Address, instantiate } from '../wasm.js';

/** What `wasm/index.ts` exports; addresses are globals. */
interface NumberingExports extends WebAssembly.Exports {
  memory: WebAssembly.Memory;
  begin(symbols: number): number;
  number(from: number, end: number, seq: number): number;
  numberSettled(index: number, seq: number): void;
  apply(index: number, seq: number): void;
  TICKS: Address;
  RECORDS: Address;
  POSITIONS: Address;
  LABELS: Address;
  CRITICALS: Address;
  COUNTS: Address;
  STATES: Address;
}

/** Words of `counts`: what numbering has met since they were last set to 0. */
export const Count = {
  crossed: 0,
  locked: 1,
  late: 2,
  suspicious: 3,
  /** Quotes that stand for half-quotes held before. */
  released: 4,
  /** Entries in `criticals`. */
  critical: 5,
  /** Entries in `changed`. */
  changed: 6,
} as const;
const COUNTS = 8;
const STATE_BYTES = 128;

export class NumberingModule {
  /** Records of one run at most. */
  readonly runTicks: number;
  /** Index of the record that is the shard's own, behind those of a run. */
  readonly own: number;
  /** Raw records, which numbering turns into numbered ones where they stand. */
  readonly records: Records;
  /** Of each numbered record. */
  readonly positions: Uint32Array;
  /** Likewise: see `broadcast.ts`. */
  readonly labels: Uint32Array;
  /** Indices of numbered records that are critical. */
  readonly criticals: Uint32Array;
  readonly counts: Uint32Array;
  /** States of all symbols (`states.ts`), in two views. */
  readonly statesF64: Float64Array;
  readonly statesU32: Uint32Array;
  /** Symbols changed since the last projection. */
  readonly changed: Uint32Array;
  readonly #exports: NumberingExports;

  constructor(maxSymbols: number) {
    const module = instantiate<NumberingExports>(new URL('./numbering.wasm', import.meta.url));
    const changed = module.begin(maxSymbols);
    const { buffer } = module.memory;
    const ticks = module.TICKS.value;
    const states = module.STATES.value;
    this.#exports = module;
    this.runTicks = ticks;
    this.own = ticks;
    this.records = new Records(buffer, module.RECORDS.value, ticks + 1);
    this.positions = new Uint32Array(buffer, module.POSITIONS.value, ticks + 1);
    this.labels = new Uint32Array(buffer, module.LABELS.value, ticks + 1);
    this.criticals = new Uint32Array(buffer, module.CRITICALS.value, ticks + 1);
    this.counts = new Uint32Array(buffer, module.COUNTS.value, COUNTS);
    this.statesF64 = new Float64Array(buffer, states, (maxSymbols * STATE_BYTES) / 8);
    this.statesU32 = new Uint32Array(buffer, states, (maxSymbols * STATE_BYTES) / 4);
    this.changed = new Uint32Array(buffer, changed >>> 0, maxSymbols);
  }

  /**
   * Numbers quotes and trades that stand in `records`, from `seq` on, for as long as nothing about them is uncommon.
   * @returns the index of the record that it stopped at, or `end`
   */
  number(from: number, end: number, seq: number): number {
    return this.#exports.number(from, end, seq);
  }

  /** Numbers the quote or trade at `index`, whose prices and sizes are right as they stand. */
  numberSettled(index: number, seq: number): void {
    this.#exports.numberSettled(index, seq);
  }

  /** Updates its symbol's state by a numbered record, whatever its kind. */
  apply(index: number, seq: number): void {
    this.#exports.apply(index, seq);
  }
}
