/**
 * The numbers that callers receive and pass back, each with a type of its own. A plain number fits each type, so
 * that literals and sums need no cast. A number of one type does not fit another: a `SymbolSeq` cannot pass for a `Seq`.
 */

declare const unit: unique symbol;
type Of<T, Name extends string> = T & { readonly [unit]?: Name };

/** One start of an engine on a data folder, counted from 1; an import is an epoch too. */
export type Epoch = Of<number, 'epoch'>;
/** Number of a tick in the sequence of its shard and epoch, counted from 1. */
export type Seq = Of<number, 'seq'>;
/** Number of a tick in the sequence of its symbol and epoch, modulo 2^32. */
export type SymbolSeq = Of<number, 'symbolSeq'>;
/** A symbol's number in its data folder; 0 stands for the engine itself. */
export type SymbolId = Of<number, 'symbolId'>;
/** UNIX nanoseconds, UTC. */
export type Nanoseconds = Of<bigint, 'nanoseconds'>;
