/** The last state of every symbol, by symbol id. */
export interface FinalState {
  symbolSeq: number[];
  quoteSeq: number[];
  /** `quoteCheck` of the last quote. */
  check: number[];
  /** symbolSeq of the last trade or status; 0 where there is none but the symbol's definition, which is not kept. */
  otherSeq: number[];
}
