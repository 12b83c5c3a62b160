/**
 * Files of fixed-size binary records: packed MqlTick (60 bytes, little-endian) and Dukascopy's bi5.
 *
 * ```
 * bi5, big-endian: 0 u32 ms in the hour │ 4 i32 ask │ 8 i32 bid │ 12 f32 askVolume │ 16 f32 bidVolume
 * ```
 */
import { NO_PRICE, NO_SIZE, NO_TRADE_ID } from '../../core/tick.js';
import { MQL_TICK_BYTES, MqlTick, readMqlTick, timeMscFault } from '../mql/mql-tick.js';
import type { ServerClock } from '../mql/server-clock.js';
import { EntryKind, type TickBatch } from './batch.js';
import { pushMt5, utcMsOf } from './mt5entry.js';
import type { Bi5Name } from './names.js';
import type { FileSymbols } from './symbols.js';

/** Decodes one record into the batch, or says what is wrong with it. */
export interface RecordDecoder {
  readonly recordBytes: number;
  decode(view: DataView, at: number, batch: TickBatch): string | undefined;
}

const HOUR_MS = 3_600_000;

export class MqlTickDecoder implements RecordDecoder {
  readonly recordBytes = MQL_TICK_BYTES;
  readonly #tick = new MqlTick();

  constructor(
    readonly symbols: FileSymbols,
    readonly symbol: number,
    readonly clock: ServerClock,
  ) {}

  decode(view: DataView, at: number, batch: TickBatch): string | undefined {
    const tick = this.#tick;
    readMqlTick(view, at, tick);
    const wallMs = tick.timeMs !== 0 ? tick.timeMs : tick.time * 1000;
    const fault = timeMscFault(wallMs);
    if (fault !== undefined) return fault;
    const utcMs = utcMsOf(this.clock, wallMs);
    if (Number.isNaN(utcMs)) return `time_msc ${tick.timeMs} cannot be a time`;
    // Old terminals leave volume_real at 0 and fill the whole number only.
    const volume = tick.volumeReal !== 0 ? tick.volumeReal : tick.volume;
    const { symbols, symbol } = this;
    pushMt5(batch, symbols, symbol, tick.flags, utcMs, tick.bid, tick.ask, tick.last, volume);
    return undefined;
  }
}

/** Sizes stay in Dukascopy's own unit, millions of the base currency, as their float32 says exactly. */
export class Bi5Decoder implements RecordDecoder {
  readonly recordBytes = 20;
  readonly #points: number;

  constructor(
    readonly symbol: number,
    readonly name: Bi5Name,
    /** Digits of the integer prices. */
    digits: number,
  ) {
    this.#points = 10 ** digits;
  }

  decode(view: DataView, at: number, batch: TickBatch): string | undefined {
    const ms = view.getUint32(at);
    if (ms >= HOUR_MS) return `millisecond ${ms} is not in an hour`;
    const i = batch.length++;
    batch.symbol[i] = this.symbol;
    batch.kind[i] = EntryKind.quote;
    batch.flags[i] = 0;
    batch.eventS[i] = this.name.hourS + Math.floor(ms / 1000);
    batch.eventNs[i] = (ms % 1000) * 1e6;
    batch.ask[i] = view.getInt32(at + 4) / this.#points;
    batch.bid[i] = view.getInt32(at + 8) / this.#points;
    batch.askSize[i] = view.getFloat32(at + 12);
    batch.bidSize[i] = view.getFloat32(at + 16);
    batch.price[i] = NO_PRICE;
    batch.size[i] = NO_SIZE;
    batch.tradeId[i] = NO_TRADE_ID;
    return undefined;
  }
}
