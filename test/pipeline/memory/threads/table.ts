import { ENTRY_F64, ENTRY_U32, LastValueTable } from '../../../../src/pipeline/memory/last-value-table.js';

/** Rewrites every entry `rounds` times, each time with one number in all its words but the version. */
export function rewrite(data: { memory: SharedArrayBuffer; symbols: number; rounds: number }): void {
  const table = new LastValueTable(data.memory, data.symbols);
  for (let round = 1; round <= data.rounds; round++) {
    for (let id = 0; id < data.symbols; id++) {
      table.begin(id);
      table.u32[id * ENTRY_U32 + 1] = round;
      for (let k = ENTRY_F64 - 1; k >= 1; k--) table.f64[id * ENTRY_F64 + k] = round;
      table.end(id);
    }
    table.setApplied(0, round);
  }
}
