/**
 * The module that sequences ticks: `wasm/`, compiled to WebAssembly, and its part of the memory as arrays. What is done to
 * every tick is there; what is uncommon, in `normaliser.ts`. An instance serves one thread.
 */
import { RECORD_BYTES, Records } from '../../core/tick.js';
import { type Address, instantiate } from '../../core/wasm-module.js';
import { STATE_BYTES, STATES_AT } from '../memory/state-layout.js';

/** What `pipeline/shard/wasm/index.ts` exports; addresses are globals. */
interface SequencingExports extends WebAssembly.Exports {
  begin(symbols: number): number;
  sequence(from: number, to: number, positions: number, tags: number, count: number, seq: number): number;
  sequenceSettled(index: number, seq: number): void;
  apply(index: number, seq: number): void;
  TICKS: Address;
  RECORDS: Address;
  POSITIONS: Address;
  TAGS: Address;
  CRITICALS: Address;
  COUNTS: Address;
}

/** Words of `counts`: what sequencing has met since they were last set to 0. */
export const Count = {
  crossed: 0,
  locked: 1,
  late: 2,
  suspicious: 3,
  /** Quotes that stand for pending half-quotes. */
  released: 4,
  /** Entries in `criticals`. */
  critical: 5,
  /** Entries in `changed`. */
  changed: 6,
} as const;
const COUNTS = 8;
/** Records of the module's own: the one that is looked at alone, and the one that the shard makes itself. */
const RECORDS = 2;
const OWN = 1;

export class SequencingModule {
  /** Records of one run at most. */
  readonly runTicks: number;
  /** Index of the record that is the shard's own. */
  readonly own = OWN;
  /** Raw records that are looked at alone, which sequencing turns into sequenced ones in place. */
  readonly records: Records;
  /** Of each of these, once it is sequenced. */
  readonly positions: Uint32Array;
  /** Likewise: see `pipeline/memory/broadcast-ring.ts`. */
  readonly tags: Uint32Array;
  /** Where the critical records of the last run stand, in bytes. */
  readonly criticals: Uint32Array;
  readonly counts: Uint32Array;
  /** States of all symbols (`symbol-states.ts`), in two views. */
  readonly statesF64: Float64Array;
  readonly statesU32: Uint32Array;
  /** Symbols changed since the last projection. */
  readonly changed: Uint32Array;
  readonly #exports: SequencingExports;

  /** @param memory with the module's part at its start, which may hold what a thread before this one left there */
  constructor(
    memory: WebAssembly.Memory,
    readonly maxSymbols: number,
  ) {
    const { buffer } = memory;
    const module = instantiate<SequencingExports>(new URL('./sequencing.wasm', import.meta.url), {
      env: { memory },
    });
    const changed = module.begin(maxSymbols);
    this.#exports = module;
    this.runTicks = module.TICKS.value;
    this.records = new Records(buffer, module.RECORDS.value, RECORDS);
    this.positions = new Uint32Array(buffer, module.POSITIONS.value, RECORDS);
    this.tags = new Uint32Array(buffer, module.TAGS.value, RECORDS);
    this.criticals = new Uint32Array(buffer, module.CRITICALS.value, this.runTicks);
    this.counts = new Uint32Array(buffer, module.COUNTS.value, COUNTS);
    this.statesF64 = new Float64Array(buffer, STATES_AT, (maxSymbols * STATE_BYTES) / 8);
    this.statesU32 = new Uint32Array(buffer, STATES_AT, (maxSymbols * STATE_BYTES) / 4);
    this.changed = new Uint32Array(buffer, changed >>> 0, maxSymbols);
  }

  /**
   * Sequences quotes and trades from `seq` on, for as long as nothing about them is uncommon. All addresses are bytes of the memory.
   * @param from where the raw records are, at most `runTicks`; `to`: where the sequenced ones go
   * @param positions where their positions go; `tags`: their tags
   * @returns how many were sequenced
   */
  sequence(from: number, to: number, positions: number, tags: number, count: number, seq: number): number {
    return this.#exports.sequence(from, to, positions, tags, count, seq);
  }

  /** Sequences the record at `index`, unless something about it is uncommon: then it stays as it is. */
  sequenceOne(index: number, seq: number): boolean {
    const at = this.records.u8.byteOffset + index * RECORD_BYTES;
    const column = index * 4;
    const { positions, tags } = this;
    return (
      this.#exports.sequence(at, at, positions.byteOffset + column, tags.byteOffset + column, 1, seq) === 1
    );
  }

  /** Sequences the quote or trade at `index`, whose prices and sizes are right as they are. */
  sequenceSettled(index: number, seq: number): void {
    this.#exports.sequenceSettled(index, seq);
  }

  /** Updates its symbol's state by the sequenced record at `index`, whatever its kind. */
  apply(index: number, seq: number): void {
    this.#exports.apply(index, seq);
  }
}
