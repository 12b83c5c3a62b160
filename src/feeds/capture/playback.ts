/** Plays captured calls of a connector to its sink again. */

import {
  RECORD_BYTES,
  RECORD_U32,
  Records,
  U32_KIND_FLAGS_SOURCE,
  U32_RAW_CONFLATED,
  U32_RAW_POSITION,
  U32_SYMBOL,
} from '../../core/tick.js';
import type { RejectReason } from '../../pipeline/memory/counters.js';
import type { CaptureEntry, CapturePlayback, FeedContext, FeedSymbol } from '../connector/feed.js';
import { type Source, Take } from '../connector/feed-sink.js';
import { CaptureKind } from './format.js';

const OFFER_HEADER_BYTES = 8;

interface CapturedSource {
  name: string;
  stream?: string;
  info?: Record<string, string | number>;
}

interface CapturedSymbol {
  source: number;
  raw: string;
  canonical: string;
  definition: FeedSymbol;
}

export class CallPlayback implements CapturePlayback {
  readonly #sources = new Map<number, Source>();
  /** By captured id. */
  readonly #ids: Uint32Array;
  #rest: (() => boolean) | undefined;

  constructor(readonly context: FeedContext) {
    this.#ids = new Uint32Array(context.sink.registry.maxSymbols);
  }

  goOn(): boolean {
    if (this.#rest?.() === false) return false;
    this.#rest = undefined;
    return true;
  }

  take(entry: CaptureEntry): boolean {
    const { sink } = this.context;
    sink.recvS = entry.recvS;
    sink.recvNs = entry.recvNs;
    const { kind, channel, payload } = entry;
    if (kind === CaptureKind.source) this.#open(channel, payload);
    else if (kind === CaptureKind.symbol) this.#define(channel, payload);
    else if (kind === CaptureKind.records) this.#rest = this.#offering(channel, payload);
    else this.#rest = this.#calling(kind, channel, payload);
    return this.goOn();
  }

  #open(id: number, payload: Buffer): void {
    const { name, stream, info } = JSON.parse(payload.toString('utf8')) as CapturedSource;
    const details = { ...(stream === undefined ? {} : { stream }), ...(info === undefined ? {} : { info }) };
    this.#sources.set(id, this.context.source(name, details));
  }

  #define(id: number, payload: Buffer): void {
    const { source, raw, canonical, definition } = JSON.parse(payload.toString('utf8')) as CapturedSymbol;
    this.#ids[id] = this.context.symbol(this.#source(source), raw, definition, canonical);
  }

  #source(id: number): Source {
    return this.#sources.get(id) ?? { id, local: 0, name: '', base: 0 };
  }

  #offering(channel: number, payload: Buffer): () => boolean {
    const { sink } = this.context;
    const source = this.#source(channel);
    const count = (payload.length - OFFER_HEADER_BYTES) / RECORD_BYTES;
    const records = Records.allocate(count);
    records.u8.set(payload.subarray(OFFER_HEADER_BYTES));
    // The ids of symbols and sources are those that the captured run had.
    const { u32 } = records;
    for (let w = 0; w < count * RECORD_U32; w += RECORD_U32) {
      u32[w + U32_SYMBOL] = this.#ids[u32[w + U32_SYMBOL]];
      u32[w + U32_KIND_FLAGS_SOURCE] = (u32[w + U32_KIND_FLAGS_SOURCE] & 0xffff) | (source.id << 16);
      u32[w + U32_RAW_POSITION] = u32[w + U32_RAW_CONFLATED] = 0;
    }
    const isLive = payload[0] === 1;
    let done = 0;
    return () => {
      done += sink.offer(source, records, done, count - done, isLive);
      return done === count;
    };
  }

  /** One call; it gives false where the ring has no room for it. */
  #calling(kind: number, channel: number, payload: Buffer): () => boolean {
    const { sink } = this.context;
    const source = this.#source(channel);
    const f = (k: number) => payload.readDoubleLE(8 * k);
    const reason = () => payload.toString('utf8', 8) as RejectReason;
    const id = payload.length >= 8 ? (this.#ids[f(0)] ?? 0) : 0;
    const always = (call: () => void) => () => {
      call();
      return true;
    };
    switch (kind) {
      case CaptureKind.take:
        return () => sink.take(source, id, f(1)) !== Take.full;
      case CaptureKind.quote:
        return always(() => sink.quote(source, id, f(1), f(2), f(3), f(4), f(5), f(6), f(7), f(8)));
      case CaptureKind.trade:
        return always(() => sink.trade(source, id, f(1), f(2), f(3), f(4), f(5), f(6), f(7)));
      case CaptureKind.status:
        return () => sink.status(source, id, f(1), f(2), f(3), f(4), f(5));
      case CaptureKind.gap:
        return () => sink.gap(source, id, f(1), f(2), f(3), f(4));
      case CaptureKind.reject:
        return always(() => sink.reject(reason(), f(0)));
      case CaptureKind.refuse:
        return always(() => sink.refuse(source, f(0), reason()));
      case CaptureKind.release:
        return always(() => sink.release(source));
      case CaptureKind.duplicate:
        return always(() => sink.duplicate(f(0)));
      default:
        return always(() => sink.split());
    }
  }
}
