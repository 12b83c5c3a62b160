/** The synthetic market as a source that plays like a tick file. */

import {
  F64_ASK,
  F64_ASK_SIZE,
  F64_BID,
  F64_BID_SIZE,
  F64_PRICE,
  F64_SIZE,
  F64_TRADE_ID,
  flagsOf,
  Kind,
  kindOf,
  NO_PRICE,
  NO_SIZE,
  NO_TRADE_ID,
  RECORD_F64,
  RECORD_U32,
  Records,
  U32_SYMBOL,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
} from '../../core/tick.js';
import { EntryKind, TickBatch } from '../../feeds/file/batch.js';
import type { TickFile } from '../../feeds/file/reader.js';
import { Market, type MarketOptions } from '../../feeds/synthetic/market.js';

/** An endless market; the player's count ends it. */
export function openMarket(options: MarketOptions): TickFile {
  const market = new Market(options);
  return {
    symbols: market.symbols.map(({ name, digits }) => ({ raw: name, digits })),
    batches: batchesOf(market),
    badRecords: 0,
    close: () => Promise.resolve(),
  };
}

async function* batchesOf(market: Market): AsyncGenerator<TickBatch> {
  const batch = new TickBatch();
  const records = Records.allocate(batch.capacity);
  // The records carry the index of the symbol, as a batch does.
  const ids = Uint32Array.from(market.symbols, (_, index) => index);
  batch.length = batch.capacity;
  for (;;) {
    market.fill(records, 0, batch.capacity, ids);
    for (let i = 0; i < batch.capacity; i++) copyInto(batch, i, records);
    yield batch;
  }
}

function copyInto(batch: TickBatch, i: number, r: Records): void {
  const w = i * RECORD_U32;
  const d = i * RECORD_F64;
  const isTrade = kindOf(r, i) === Kind.trade;
  batch.symbol[i] = r.u32[w + U32_SYMBOL];
  batch.kind[i] = isTrade ? EntryKind.trade : EntryKind.quote;
  batch.flags[i] = flagsOf(r, i);
  batch.eventS[i] = r.u32[w + U32_TS_EVENT_S];
  batch.eventNs[i] = r.u32[w + U32_TS_EVENT_NS];
  batch.bid[i] = isTrade ? NO_PRICE : r.f64[d + F64_BID];
  batch.ask[i] = isTrade ? NO_PRICE : r.f64[d + F64_ASK];
  batch.bidSize[i] = isTrade ? NO_SIZE : r.f64[d + F64_BID_SIZE];
  batch.askSize[i] = isTrade ? NO_SIZE : r.f64[d + F64_ASK_SIZE];
  batch.price[i] = isTrade ? r.f64[d + F64_PRICE] : NO_PRICE;
  batch.size[i] = isTrade ? r.f64[d + F64_SIZE] : NO_SIZE;
  batch.tradeId[i] = isTrade ? r.f64[d + F64_TRADE_ID] : NO_TRADE_ID;
}
