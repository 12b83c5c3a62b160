/** The module that makes the market's ticks: `wasm/`, compiled to WebAssembly, and its memory as arrays. */
import { Records } from '../../core/tick.js';
import { type Address, instantiate } from '../../core/wasm-module.js';

/** What `feeds/synthetic/wasm/index.ts` exports; addresses are globals. */
interface MarketExports extends WebAssembly.Exports {
  memory: WebAssembly.Memory;
  begin(symbols: number): number;
  make(count: number, tradeChance: number): void;
  note(): void;
  STATE: Address;
  PERSISTENCE: Address;
  BREATH: Address;
  PACES: Address;
  GAPS: Address;
  SYMBOLS: Address;
}

/** 32-bit and 64-bit words of one symbol. */
export const ROW_I32 = 16;
export const ROW_F64 = 8;
/** 16-bit words of a column of the alias table. */
const ALIAS_U16 = 4;
const STATE_I32 = 12;
/** 64-bit words that are noted of a symbol. */
export const NOTE_F64 = 3;

export class MarketModule {
  /** Ticks that were generated. */
  readonly block: Records;
  /** The state after them (`feeds/synthetic/wasm/market.ts` has its words), in two views. */
  readonly stateI32: Int32Array;
  readonly stateF64: Float64Array;
  readonly persistence: Int8Array;
  readonly breath: Int8Array;
  readonly paces: Float64Array;
  readonly gaps: Float64Array;
  /** One row a symbol, in two views. */
  readonly rowsI32: Int32Array;
  readonly rowsF64: Float64Array;
  /** What `note` kept, in two views. */
  readonly noted: Float64Array;
  readonly notedI32: Int32Array;
  readonly #exports: MarketExports;

  constructor(
    readonly blockTicks: number,
    gapSteps: number,
    symbols: number,
    chance: Int32Array,
    choices: Uint16Array,
  ) {
    const module = instantiate<MarketExports>(new URL('./market.wasm', import.meta.url));
    const noted = module.begin(symbols) >>> 0;
    const alias = noted + symbols * NOTE_F64 * 8;
    const { buffer } = module.memory;
    this.#exports = module;
    this.block = new Records(buffer, 0, blockTicks);
    this.stateI32 = new Int32Array(buffer, module.STATE.value, STATE_I32);
    this.stateF64 = new Float64Array(buffer, module.STATE.value, STATE_I32 / 2);
    this.persistence = new Int8Array(buffer, module.PERSISTENCE.value, 8);
    this.breath = new Int8Array(buffer, module.BREATH.value, 32);
    this.paces = new Float64Array(buffer, module.PACES.value, 8);
    this.gaps = new Float64Array(buffer, module.GAPS.value, gapSteps);
    this.rowsI32 = new Int32Array(buffer, module.SYMBOLS.value, symbols * ROW_I32);
    this.rowsF64 = new Float64Array(buffer, module.SYMBOLS.value, symbols * ROW_F64);
    this.noted = new Float64Array(buffer, noted, symbols * NOTE_F64);
    this.notedI32 = new Int32Array(buffer, noted, symbols * NOTE_F64 * 2);
    const columns = new Int32Array(buffer, alias, (symbols * ALIAS_U16) / 2);
    const columnsU16 = new Uint16Array(buffer, alias, symbols * ALIAS_U16);
    for (let i = 0; i < symbols; i++) {
      columns[(i * ALIAS_U16) / 2] = chance[i];
      columnsU16.set(choices.subarray(2 * i, 2 * i + 2), i * ALIAS_U16 + 2);
    }
  }

  /** Makes the next block. @param tradeChance of 65,536 ticks, how many are trades */
  make(tradeChance: number): void {
    this.#exports.make(this.blockTicks, tradeChance);
  }

  /** Keeps what changes of each symbol. */
  note(): void {
    this.#exports.note();
  }
}
