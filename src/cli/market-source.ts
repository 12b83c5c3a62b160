/** The synthetic market as a source that plays like a tick file. */
import { EntryKind, TickBatch } from '../feeds/file/batch.js';
import type { TickFile } from '../feeds/file/reader.js';
import {
  Market,
  type MarketOptions,
  TICK_EVENT_NS,
  TICK_EVENT_S,
  TICK_KIND_FLAGS,
  TICK_SYMBOL,
} from '../feeds/synthetic/market.js';
import { FLAGS_MASK, KIND_MASK, Kind, NO_PRICE, NO_SIZE } from '../tick.js';

/** Words of `Market.tick` that hold a quote's or trade's own fields. */
const FIELDS = 4;

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
  for (;;) {
    batch.length = 0;
    while (!batch.isFull) push(market, batch);
    yield batch;
  }
}

function push(market: Market, batch: TickBatch): void {
  market.next();
  const t = market.tick;
  const i = batch.length++;
  const isTrade = (t[TICK_KIND_FLAGS] & KIND_MASK) === Kind.trade;
  batch.symbol[i] = t[TICK_SYMBOL];
  batch.kind[i] = isTrade ? EntryKind.trade : EntryKind.quote;
  batch.flags[i] = t[TICK_KIND_FLAGS] & FLAGS_MASK;
  batch.eventS[i] = t[TICK_EVENT_S];
  batch.eventNs[i] = t[TICK_EVENT_NS];
  batch.bid[i] = isTrade ? NO_PRICE : t[FIELDS];
  batch.ask[i] = isTrade ? NO_PRICE : t[FIELDS + 1];
  batch.bidSize[i] = isTrade ? NO_SIZE : t[FIELDS + 2];
  batch.askSize[i] = isTrade ? NO_SIZE : t[FIELDS + 3];
  batch.price[i] = isTrade ? t[FIELDS] : NO_PRICE;
  batch.size[i] = isTrade ? t[FIELDS + 2] : NO_SIZE;
  batch.tradeId[i] = isTrade ? t[FIELDS + 3] : Number.NaN;
}
