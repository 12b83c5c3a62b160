/**
 * From the fields of an MT5 tick to an entry: shared by the terminal's export, polled CSV and MqlTick files.
 */
import { Flag, NO_PRICE, NO_SIZE, NO_TIME_S, NO_TRADE_ID } from '../../core/tick.js';
import { MqlFlag } from '../mql/mql-tick.js';
import type { ServerClock } from '../mql/server-clock.js';
import { EntryKind, type TickBatch } from './batch.js';
import type { FileSymbols } from './symbols.js';

const QUOTE_BITS = MqlFlag.bid | MqlFlag.ask;
const TRADE_BITS = MqlFlag.last | MqlFlag.volume | MqlFlag.buy | MqlFlag.sell;

const TIME_MS_END = NO_TIME_S * 1000;

/** UTC milliseconds of a wall time, or NaN when it is no time that a record can hold. */
export function utcMsOf(clock: ServerClock, wallMs: number): number {
  if (!(wallMs >= 0 && wallMs < TIME_MS_END)) return Number.NaN;
  const utcMs = clock.toUtc(wallMs);
  return utcMs >= 0 && utcMs < TIME_MS_END ? utcMs : Number.NaN;
}

/**
 * Whether the fields are a quote, a trade or both. Flags alone do not decide: FX ticks come with buy and sell
 * bits and no last price, and with flags 0 although both sides are there.
 */
function entryKindOf(flags: number, last: number): number {
  const isTrade = (flags & TRADE_BITS) !== 0 && last !== 0;
  if (!isTrade) return EntryKind.quote;
  return (flags & QUOTE_BITS) !== 0 ? EntryKind.both : EntryKind.trade;
}

/** The aggressor of a trade; both bits or none mean that it is not known. */
export function sideOf(flags: number): number {
  const bits = flags & (MqlFlag.buy | MqlFlag.sell);
  if (bits === MqlFlag.buy) return Flag.buy;
  return bits === MqlFlag.sell ? Flag.sell : 0;
}

/** A side of 0 is missing, unless prices may be 0 and the flags name that side. */
function hasSide(price: number, isNamed: boolean, symbols: FileSymbols): boolean {
  return price !== 0 || (isNamed && symbols.negative);
}

/** Adds a tick with all fields of an MqlTick; a volume of 0 is an untold size. */
export function pushMt5(
  batch: TickBatch,
  symbols: FileSymbols,
  symbol: number,
  flags: number,
  utcMs: number,
  bid: number,
  ask: number,
  last: number,
  volume: number,
): void {
  const i = batch.length++;
  const kind = entryKindOf(flags, last);
  batch.symbol[i] = symbol;
  batch.kind[i] = kind;
  batch.flags[i] = (kind & EntryKind.trade) !== 0 ? sideOf(flags) : 0;
  batch.eventS[i] = Math.floor(utcMs / 1000);
  batch.eventNs[i] = (utcMs % 1000) * 1e6;
  const [isBid, isAsk] = [(flags & MqlFlag.bid) !== 0, (flags & MqlFlag.ask) !== 0];
  batch.bid[i] = hasSide(bid, isBid, symbols) ? symbols.price(symbol, bid) : NO_PRICE;
  batch.ask[i] = hasSide(ask, isAsk, symbols) ? symbols.price(symbol, ask) : NO_PRICE;
  batch.bidSize[i] = NO_SIZE;
  batch.askSize[i] = NO_SIZE;
  batch.price[i] = last === 0 ? NO_PRICE : symbols.price(symbol, last);
  batch.size[i] = volume === 0 ? NO_SIZE : volume;
  batch.tradeId[i] = NO_TRADE_ID;
  symbols.endRow(symbol);
}
