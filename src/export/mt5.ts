/**
 * MT5's own layout, as a terminal exports it: one file a symbol, TAB and CRLF,
 * `<DATE> <TIME> <BID> <ASK> <LAST> <VOLUME> <FLAGS>`, a blank for a side that did not change.
 *
 * The format holds less than the log. Times are those of the event, or of the receipt when the source gave none, to the
 * millisecond. The format has no sizes of quotes, trade ids, sequence numbers, or flags but the side of a trade. It has no
 * status, no gaps, and no price 0, which means a missing side there. Importing such a file gives the same quotes and trades.
 */

import {
  F64_ASK,
  F64_BID,
  F64_PRICE,
  F64_SIZE,
  Flag,
  flagsOf,
  Kind,
  kindOf,
  NO_TIME_S,
  RECORD_F64,
  RECORD_U32,
  type Records,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
} from '../core/tick.js';
import { ServerClock } from '../feeds/mql/server-clock.js';
import { type PlacedTick, priceText } from '../wire/lines.js';
import type { TextSink } from './out-file.js';
import type { ExportSymbol, TickWriter } from './writer.js';

const HEADER = '<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\r\n';
/** The terminal's flag bits: see `feeds/mql/mql-tick.ts`. */
const [BID, ASK, LAST, VOLUME, BUY, SELL] = [2, 4, 8, 16, 32, 64];

/** Milliseconds, UTC, of the event, else of the receipt. */
function timeMsOf(r: Records, i: number): number {
  const w = i * RECORD_U32;
  const hasEvent = r.u32[w + U32_TS_EVENT_S] !== NO_TIME_S;
  const s = r.u32[w + (hasEvent ? U32_TS_EVENT_S : U32_TS_RECV_S)];
  const ns = r.u32[w + (hasEvent ? U32_TS_EVENT_NS : U32_TS_RECV_NS)];
  return s * 1000 + Math.floor(ns / 1e6);
}

export class Mt5Writer implements TickWriter {
  /** Of the first and the last tick: the file is named by them. */
  firstMs = Number.NaN;
  lastMs = Number.NaN;
  readonly #clock: ServerClock;
  #bid = '';
  #ask = '';

  /** @param zone offset of the file's wall clock from UTC, as `parseZone` reads it */
  constructor(
    readonly file: TextSink,
    zone: string,
  ) {
    this.#clock = new ServerClock(zone);
    file.addText(HEADER);
  }

  add({ records, index }: PlacedTick, symbol: ExportSymbol): boolean {
    const kind = kindOf(records, index);
    const cells =
      kind === Kind.quote
        ? this.#quote(records, index, symbol.digits)
        : kind === Kind.trade
          ? tradeCells(records, index, symbol.digits)
          : undefined;
    if (cells === undefined) return false;
    const wallMs = this.#clock.toWall(timeMsOf(records, index));
    if (Number.isNaN(this.firstMs)) this.firstMs = wallMs;
    this.lastMs = wallMs;
    const time = new Date(wallMs).toISOString();
    const date = time.slice(0, 10).replaceAll('-', '.');
    if (this.file.addText(`${date}\t${time.slice(11, 23)}\t${cells}\r\n`)) this.file.flush();
    return true;
  }

  #quote(r: Records, i: number, digits: number): string | undefined {
    const d = i * RECORD_F64;
    const [bid, ask] = [r.f64[d + F64_BID], r.f64[d + F64_ASK]];
    if (bid === 0 || ask === 0) return undefined;
    const bidText = priceText(bid, digits);
    const askText = priceText(ask, digits);
    const moved = (bidText === this.#bid ? 0 : BID) | (askText === this.#ask ? 0 : ASK);
    // A quote whose prices did not change (only its sizes did) is written with both prices.
    const flags = moved === 0 ? BID | ASK : moved;
    this.#bid = bidText;
    this.#ask = askText;
    return `${(flags & BID) !== 0 ? bidText : ''}\t${(flags & ASK) !== 0 ? askText : ''}\t\t\t${flags}`;
  }

  get waiting(): number {
    return this.file.waiting;
  }

  flush(): void {
    this.file.flush();
  }

  finish(): void {
    this.file.finish();
  }
}

function tradeCells(r: Records, i: number, digits: number): string | undefined {
  const d = i * RECORD_F64;
  const price = r.f64[d + F64_PRICE];
  if (price === 0) return undefined;
  const side = flagsOf(r, i);
  const flags = LAST | VOLUME | ((side & Flag.buy) !== 0 ? BUY : 0) | ((side & Flag.sell) !== 0 ? SELL : 0);
  const size = r.f64[d + F64_SIZE];
  // A blank would repeat the volume before; 0 means unknown.
  return `\t\t${priceText(price, digits)}\t${Number.isNaN(size) ? '0' : String(size)}\t${flags}`;
}
