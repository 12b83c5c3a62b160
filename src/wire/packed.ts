/**
 * The packed encoding: layout, constants, and the reader of a received frame. All fields are little-endian. The length of
 * every part is a multiple of 8 bytes.
 *
 * ```
 * frame
 *   0 u8 0xC1 │ 1 u8 version = 1 │ 2 u16 number of batches │ 4 u32 0
 * batch
 *   0 u32 sub       │ 4 u32 number of records │ 8 u32 bytes of all its records
 *  12 u16 shard     │ 14 u8 flags: 1 = snapshot │ 15 u8 unit of tsEvent: 0 = ns, 3 = µs, 6 = ms
 *  16 f64 base seq
 *  24 u32 base tsEvent s │ 28 u32 ns │ 32 u32 base tsRecv s │ 36 u32 ns
 *  40 u32 epoch     │ 44 u16 bytes of the cursor │ 46 u16 0
 *  48 cursor, padded with zeros to a multiple of 8 … then the records
 * record
 *   0 u16 symbolId  │ 2 u16 kind (bits 0-2), flags (bits 3-10), form (bits 11-12) │ 4 u32 symbolSeq
 * form 1, compact quote, 24 bytes
 *   8 i32 bid × 10^digits │ 12 u16 ask - bid, likewise │ 14 u16 seq - base seq
 *  16 i32 tsEvent - base, in the batch's unit │ 20 i32 tsRecv - base, in ns
 * form 2, compact quote with sizes, 32 bytes
 *   8 … 23 as form 1 │ 24 u32 bid size │ 28 u32 ask size: integer × 4 + scale, see core/size-code.ts
 * form 0, wide, 64 bytes
 *   8 u32 low │ 12 u16 sourceId │ 14 u16 high: seq = high × 2^32 + low │ 16 … 63 as in the tick record (src/core/tick.ts)
 * ```
 */
import { decodeSize } from '../core/size-code.js';
import { FLAGS_MASK, KIND_MASK, Kind, NO_SIZE, NO_TRADE_ID } from '../core/tick.js';
import { bytesToText } from './cursor.js';

/** First byte of a frame of ticks. MessagePack never uses this byte. */
export const FRAME_MAGIC = 0xc1;
export const FRAME_VERSION = 1;
export const FRAME_HEADER_BYTES = 8;
export const BATCH_HEADER_BYTES = 48;
/** Batches of one frame at most: the header counts them in 16 bits. */
export const BATCHES_MAX = 0xffff;
export const BATCH_SNAPSHOT = 1;
export const FORM_SHIFT = 11;
export const Form = { wide: 0, compact: 1, sized: 2 } as const;
/** Bytes of a record, by form. */
export const FORM_BYTES = [64, 24, 32] as const;
/** Largest distance of a seq from the base seq that a compact record holds. */
export const COMPACT_SEQ_MAX = 0xffff;
/** Number of symbol ids that a record can hold. */
export const WIRE_SYMBOLS_MAX = 0x10000;

/** 10^n, exact for n up to 22. */
export const POW10: readonly number[] = Array.from({ length: 23 }, (_, n) => Number(`1e${n}`));

/** Thrown for a frame that does not follow the layout above. */
export class BadFrame extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BadFrame';
  }
}

/** One decoded record. The reader has a single instance, which every record overwrites. */
export class PackedTick {
  kind = 0;
  /** The bits of `Flag` in src/core/tick.ts. */
  flags = 0;
  symbolId = 0;
  seq = 0;
  symbolSeq = 0;
  /** UNIX seconds; `NO_TIME_S` where the source gave no time. */
  eventS = 0;
  eventNs = 0;
  recvS = 0;
  recvNs = 0;
  // Quotes. Every field from here on is NaN in other kinds. Sizes and trade ids are NaN also where they are not known.
  bid = Number.NaN;
  ask = Number.NaN;
  bidSize = NO_SIZE;
  askSize = NO_SIZE;
  // Trades.
  price = Number.NaN;
  size = NO_SIZE;
  tradeId = NO_TRADE_ID;
  /** Code of a status, or reason of a gap. */
  code = Number.NaN;
  // Arguments of a status.
  arg0 = Number.NaN;
  arg1 = Number.NaN;
  arg2 = Number.NaN;
  arg3 = Number.NaN;
  // Gaps.
  first = Number.NaN;
  last = Number.NaN;
  count = Number.NaN;

  /** Starts a record of a kind: clears the fields of another kind. The reader then sets every field of the kind. */
  begin(kind: number): void {
    if (kind === this.kind) return;
    this.kind = kind;
    this.bid = this.ask = this.bidSize = this.askSize = Number.NaN;
    this.price = this.size = this.tradeId = this.code = Number.NaN;
    this.arg0 = this.arg1 = this.arg2 = this.arg3 = Number.NaN;
    this.first = this.last = this.count = Number.NaN;
  }
}

const EMPTY = new DataView(new ArrayBuffer(0));

/**
 * Reads a received frame: call `reset`, then `nextBatch` until it returns false, and for each batch `nextRecord` until it
 * returns false. Nothing is allocated per record. `nextBatch` skips unread records.
 */
export class PackedReader {
  /** The record read last. */
  readonly tick = new PackedTick();
  // Header of the current batch.
  sub = 0;
  shard = 0;
  epoch = 0;
  /** Records in the batch. */
  records = 0;
  snapshot = false;
  baseSeq = 0;

  #view: DataView = EMPTY;
  #batches = 0;
  #left = 0;
  #at = 0;
  #end = 0;
  #unitNs = 1;
  #eventS = 0;
  #eventNs = 0;
  #recvS = 0;
  #recvNs = 0;
  #cursorAt = 0;
  #cursorBytes = 0;

  /**
   * @param digits by symbolId: the digits from `subscribed` and `symbols`. The owner must keep the array up to date.
   */
  constructor(readonly digits: Uint8Array = new Uint8Array(WIRE_SYMBOLS_MAX)) {}

  /** Whether a binary message is a frame of ticks, and not a control message. */
  static isFrame(message: ArrayBufferLike | Uint8Array): boolean {
    const bytes = message instanceof Uint8Array ? message : new Uint8Array(message);
    return bytes.length > 0 && bytes[0] === FRAME_MAGIC;
  }

  /**
   * Starts a frame. The reader keeps a view of the message, not a copy.
   * @throws BadFrame if the message is not a frame
   */
  reset(message: ArrayBufferLike | Uint8Array): void {
    const view =
      message instanceof Uint8Array
        ? new DataView(message.buffer, message.byteOffset, message.byteLength)
        : new DataView(message);
    if (view.byteLength < FRAME_HEADER_BYTES || view.getUint8(0) !== FRAME_MAGIC)
      throw new BadFrame('not a frame');
    if (view.getUint8(1) !== FRAME_VERSION) throw new BadFrame(`frame version ${view.getUint8(1)}`);
    this.#view = view;
    this.#batches = view.getUint16(2, true);
    this.#left = 0;
    this.#end = FRAME_HEADER_BYTES;
  }

  /**
   * Moves to the next batch; false at the end of the frame.
   * @throws BadFrame if the batch reaches beyond the frame
   */
  nextBatch(): boolean {
    if (this.#batches === 0) return false;
    this.#batches--;
    const v = this.#view;
    const at = this.#end;
    if (at + BATCH_HEADER_BYTES > v.byteLength) throw new BadFrame('the batch header is cut off');
    this.sub = v.getUint32(at, true);
    this.records = v.getUint32(at + 4, true);
    this.shard = v.getUint16(at + 12, true);
    this.snapshot = (v.getUint8(at + 14) & BATCH_SNAPSHOT) !== 0;
    this.#unitNs = POW10[v.getUint8(at + 15)] ?? 1;
    this.baseSeq = v.getFloat64(at + 16, true);
    this.#eventS = v.getUint32(at + 24, true);
    this.#eventNs = v.getUint32(at + 28, true);
    this.#recvS = v.getUint32(at + 32, true);
    this.#recvNs = v.getUint32(at + 36, true);
    this.epoch = v.getUint32(at + 40, true);
    this.#cursorBytes = v.getUint16(at + 44, true);
    this.#cursorAt = at + BATCH_HEADER_BYTES;
    this.#at = this.#cursorAt + Math.ceil(this.#cursorBytes / 8) * 8;
    this.#end = this.#at + v.getUint32(at + 8, true);
    if (this.#end > v.byteLength) throw new BadFrame('the batch is cut off');
    this.#left = this.records;
    return true;
  }

  /** The batch's cursor: a view of the frame, not a copy. */
  cursor(): Uint8Array {
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + this.#cursorAt, this.#cursorBytes);
  }

  /** The batch's cursor as `subscribe.from` takes it. */
  cursorText(): string {
    return bytesToText(this.cursor());
  }

  /**
   * Fills `tick` with the next record of the batch; false at the end of the batch.
   * @throws BadFrame if the record reaches beyond its batch, or has no known form
   */
  nextRecord(): boolean {
    if (this.#left === 0) return false;
    this.#left--;
    const v = this.#view;
    const at = this.#at;
    if (at + FORM_BYTES[Form.compact] > this.#end) throw new BadFrame('the record is cut off');
    const t = this.tick;
    const word = v.getUint16(at + 2, true);
    const form = (word >>> FORM_SHIFT) & 3;
    t.symbolId = v.getUint16(at, true);
    t.begin(word & KIND_MASK);
    t.flags = word & FLAGS_MASK;
    t.symbolSeq = v.getUint32(at + 4, true);
    if (form === Form.wide) this.#wide(at);
    else if (form === Form.compact || form === Form.sized) this.#compact(at, form);
    else throw new BadFrame('unknown record form');
    return true;
  }

  #compact(at: number, form: number): void {
    const v = this.#view;
    const t = this.tick;
    const pow = POW10[this.digits[t.symbolId]];
    const bid = v.getInt32(at + 8, true);
    t.bid = bid / pow;
    t.ask = (bid + v.getUint16(at + 12, true)) / pow;
    t.seq = this.baseSeq + v.getUint16(at + 14, true);
    const event = this.#eventNs + v.getInt32(at + 16, true) * this.#unitNs;
    const eventCarry = Math.floor(event / 1e9);
    t.eventS = this.#eventS + eventCarry;
    t.eventNs = event - eventCarry * 1e9;
    const recv = this.#recvNs + v.getInt32(at + 20, true);
    const recvCarry = Math.floor(recv / 1e9);
    t.recvS = this.#recvS + recvCarry;
    t.recvNs = recv - recvCarry * 1e9;
    if (form === Form.sized) {
      if (at + FORM_BYTES[Form.sized] > this.#end) throw new BadFrame('the record is cut off');
      t.bidSize = decodeSize(v.getUint32(at + 24, true));
      t.askSize = decodeSize(v.getUint32(at + 28, true));
    } else {
      t.bidSize = NO_SIZE;
      t.askSize = NO_SIZE;
    }
    this.#at = at + FORM_BYTES[form];
  }

  #wide(at: number): void {
    if (at + FORM_BYTES[Form.wide] > this.#end) throw new BadFrame('the record is cut off');
    const v = this.#view;
    const t = this.tick;
    t.seq = v.getUint16(at + 14, true) * 0x100000000 + v.getUint32(at + 8, true);
    t.eventS = v.getUint32(at + 16, true);
    t.eventNs = v.getUint32(at + 20, true);
    t.recvS = v.getUint32(at + 24, true);
    t.recvNs = v.getUint32(at + 28, true);
    const b = v.getFloat64(at + 40, true);
    const c = v.getFloat64(at + 48, true);
    const d = v.getFloat64(at + 56, true);
    if (t.kind === Kind.quote) {
      t.bid = v.getFloat64(at + 32, true);
      t.ask = b;
      t.bidSize = c;
      t.askSize = d;
    } else if (t.kind === Kind.trade) {
      t.price = v.getFloat64(at + 32, true);
      t.size = c;
      t.tradeId = d;
    } else {
      t.code = v.getUint16(at + 36, true);
      if (t.kind === Kind.gap) {
        t.first = b;
        t.last = c;
        t.count = d;
      } else {
        t.arg0 = v.getUint32(at + 32, true);
        t.arg1 = b;
        t.arg2 = c;
        t.arg3 = d;
      }
    }
    this.#at = at + FORM_BYTES[Form.wide];
  }
}
