/** Which prices and sizes of raw ticks can be used: the same for shards, and for what stands before or beside them. */
import { NO_PRICE } from '../../core/tick.js';
import type { RejectReason } from './counters.js';

const SECOND_NS = 1_000_000_000;

/** Whether a side of a raw quote is missing: told so, or zero where no price can be zero. */
export function isMissing(price: number, signed: boolean): boolean {
  return price === NO_PRICE || (price === 0 && !signed);
}

/** Whether a raw quote has at least one side, and no side that cannot be a price. */
export function hasGoodPrices(bid: number, ask: number, signed: boolean, scale: number): boolean {
  const noBid = isMissing(bid, signed);
  const noAsk = isMissing(ask, signed);
  return (
    !(noBid && noAsk) && (noBid || isPrice(bid, signed, scale)) && (noAsk || isPrice(ask, signed, scale))
  );
}

/** Why a raw quote cannot be used, in the order in which `normalise` looks; undefined when it can. */
export function quoteFault(
  eventNs: number,
  bid: number,
  ask: number,
  bidSize: number,
  askSize: number,
  signed: boolean,
  scale: number,
): RejectReason | undefined {
  if (eventNs >= SECOND_NS) return 'bad_time';
  if (!isSize(bidSize) || !isSize(askSize)) return 'bad_size';
  return hasGoodPrices(bid, ask, signed, scale) ? undefined : 'bad_price';
}

/** Where zero is no price, one that would round to it is none either. */
export function isPrice(price: number, signed: boolean, scale: number): boolean {
  return Number.isFinite(price) && (signed || price * scale >= 0.5) && price !== NO_PRICE;
}

/** NaN is a size that the source does not tell. */
export function isSize(size: number): boolean {
  return (size >= 0 && size < Number.POSITIVE_INFINITY) || Number.isNaN(size);
}
