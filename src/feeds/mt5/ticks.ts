/**
 * What an MT5 tick means: a quote, a trade, or both; and its way into the sink.
 *
 * Every MqlTick carries all fields, changed or not; the flags name those that changed. They are masked to
 * the documented bits, and where they name nothing, the fields that are set decide. A side of 0 is missing,
 * but on a symbol whose prices may be 0 and where the flags name that side. Buy and sell flags together, as
 * FX ticks have them, name no aggressor. Prices pass unchanged: the shard judges and rounds them.
 */
import { Flag, NO_PRICE, NO_SIZE, NO_TIME_S, NO_TRADE_ID } from '../../core/tick.js';
import { type FeedSink, REFUSED_SYMBOL, type Source, Take } from '../connector/feed-sink.js';
import { MqlFlag, type MqlTick, timeMscFault } from '../mql/mql-tick.js';
import type { ServerClock } from '../mql/server-clock.js';

const QUOTE = MqlFlag.bid | MqlFlag.ask;
const TRADE = MqlFlag.last | MqlFlag.volume;
const DEAL = MqlFlag.buy | MqlFlag.sell;
const TIME_MAX_MS = NO_TIME_S * 1000;

function sideOf(price: number, isNamed: boolean, mayBeZero: boolean): number {
  return price !== 0 || (mayBeZero && isNamed) ? price : NO_PRICE;
}

function sizeOf(tick: MqlTick): number {
  if (tick.volumeReal !== 0) return tick.volumeReal;
  return tick.volume !== 0 ? tick.volume : NO_SIZE;
}

function aggressorOf(flags: number): number {
  const deal = flags & DEAL;
  if (deal === MqlFlag.buy) return Flag.buy;
  return deal === MqlFlag.sell ? Flag.sell : 0;
}

/** Ticks whose time cannot be one. */
export class BadTimes {
  count = 0;
  /** What is wrong with the first of them. */
  sample = '';

  add(wallMs: number): void {
    if (this.count++ === 0)
      this.sample = timeMscFault(wallMs) ?? `time_msc ${wallMs} is beyond the year 2106`;
  }
}

/**
 * Puts one tick into the sink.
 * @param symbolId 0 for a symbol that the terminal never defined, or REFUSED_SYMBOL
 * @param position the tick's count in its stream, with the source's base
 * @returns false when the ring is full: nothing was done, and the tick must be offered again
 */
export function putTick(
  sink: FeedSink,
  source: Source,
  clock: ServerClock,
  symbolId: number,
  position: number,
  tick: MqlTick,
  badTimes: BadTimes,
): boolean {
  if (symbolId === 0 || symbolId === REFUSED_SYMBOL) {
    sink.refuse(source, position, symbolId === 0 ? 'unknown_symbol' : 'refused_symbol');
    return true;
  }
  const flags = tick.flags;
  const mayBeZero = sink.registry.negative[symbolId] === 1;
  const bid = sideOf(tick.bid, (flags & MqlFlag.bid) !== 0, mayBeZero);
  const ask = sideOf(tick.ask, (flags & MqlFlag.ask) !== 0, mayBeZero);
  const hasSide = bid !== NO_PRICE || ask !== NO_PRICE;
  const hasLast = tick.last !== 0;
  const deal = flags & DEAL;
  const isUnnamedTrade = (flags & QUOTE) === 0 && ((deal !== 0 && deal !== DEAL) || !hasSide);
  const isTrade = hasLast && ((flags & TRADE) !== 0 || isUnnamedTrade);
  const isQuote = hasSide && ((flags & QUOTE) !== 0 || !isTrade);
  if (!isQuote && !isTrade) {
    sink.refuse(source, position, 'bad_price');
    return true;
  }

  let eventS = NO_TIME_S;
  let eventNs = 0;
  const wallMs = tick.timeMs !== 0 ? tick.timeMs : tick.time * 1000;
  if (wallMs !== 0) {
    const recvMs = sink.recvS * 1000 + sink.recvNs / 1e6;
    const isTime = wallMs < TIME_MAX_MS && timeMscFault(wallMs) === undefined;
    const utcMs = isTime ? clock.toUtc(wallMs, recvMs) : -1;
    if (utcMs < 0 || utcMs >= TIME_MAX_MS) {
      badTimes.add(wallMs);
      sink.refuse(source, position, 'bad_time');
      return true;
    }
    eventS = Math.floor(utcMs / 1000);
    eventNs = (utcMs - eventS * 1000) * 1_000_000;
  }

  const taken = sink.take(source, symbolId, position);
  if (taken === Take.full) return false;
  if (taken !== Take.accepted && taken !== Take.rest) return true;
  if (isQuote && taken === Take.accepted) {
    // The first record of a split tick has a position half a tick below it: a cut between the two shows.
    const at = isTrade ? position - 0.5 : position;
    if (isTrade) sink.split();
    sink.quote(source, symbolId, 0, at, eventS, eventNs, bid, ask, NO_SIZE, NO_SIZE);
  }
  if (isTrade) {
    const aggressor = aggressorOf(flags);
    sink.trade(source, symbolId, aggressor, position, eventS, eventNs, tick.last, sizeOf(tick), NO_TRADE_ID);
  }
  return true;
}
