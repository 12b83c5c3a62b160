/**
 * The cursor token: an epoch and one seq per shard, opaque to clients. Packed frames carry it as bytes, everything else
 * as base64url text. Little-endian:
 *
 * ```
 *  0 u8 version = 1 │ 1 u8 number of shards │ 2 u16 0 │ 4 u32 epoch
 *  8 8 bytes log id
 * 16 f64 × shards: the last seq seen, by shard
 * ```
 */
const VERSION = 1;
const HEADER_BYTES = 16;
const LOG_ID_BYTES = 8;
const SHARDS_MAX_OF_TOKEN = 255;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const TEXT_MAX = 4096;

const codeOf = new Int8Array(128).fill(-1);
for (let i = 0; i < ALPHABET.length; i++) codeOf[ALPHABET.charCodeAt(i)] = i;

export interface Cursor {
  /** 16 hex digits. */
  logId: string;
  epoch: number;
  /** By shard: the last seq seen; 0 before the first. */
  seqs: ArrayLike<number>;
}

export function cursorBytes(shards: number): number {
  return HEADER_BYTES + 8 * shards;
}

/** Writes a token into `into` at byte offset `at`; returns the length of the token in bytes. */
function writeCursor(into: DataView, at: number, cursor: Cursor): number {
  const shards = cursor.seqs.length;
  into.setUint32(at, VERSION | (shards << 8), true);
  into.setUint32(at + 4, cursor.epoch, true);
  for (let i = 0; i < LOG_ID_BYTES; i++) {
    into.setUint8(at + 8 + i, Number.parseInt(cursor.logId.slice(2 * i, 2 * i + 2), 16));
  }
  for (let s = 0; s < shards; s++) into.setFloat64(at + HEADER_BYTES + 8 * s, cursor.seqs[s], true);
  return cursorBytes(shards);
}

export function encodeCursor(cursor: Cursor): Uint8Array {
  const bytes = new Uint8Array(cursorBytes(cursor.seqs.length));
  writeCursor(new DataView(bytes.buffer), 0, cursor);
  return bytes;
}

/** Writes the tokens of one log, all into the same memory. */
export class CursorWriter {
  readonly #bytes = new Uint8Array(cursorBytes(SHARDS_MAX_OF_TOKEN));
  readonly #view = new DataView(this.#bytes.buffer);
  #token = this.#bytes;

  /** @param logId 16 hex digits */
  constructor(readonly logId: string) {}

  /** The bytes of a token, valid until the next call. */
  write(epoch: number, seqs: ArrayLike<number>): Uint8Array {
    const shards = seqs.length;
    if (this.#token.length !== cursorBytes(shards)) {
      writeCursor(this.#view, 0, { logId: this.logId, epoch, seqs });
      this.#token = this.#bytes.subarray(0, cursorBytes(shards));
    }
    this.#view.setUint32(4, epoch, true);
    for (let s = 0; s < shards; s++) this.#view.setFloat64(HEADER_BYTES + 8 * s, seqs[s], true);
    return this.#token;
  }
}

/** The cursor of a token; null where the bytes are not a token. */
export function decodeCursor(bytes: Uint8Array): Cursor | null {
  if (bytes.length < HEADER_BYTES || bytes[0] !== VERSION) return null;
  const shards = bytes[1];
  if (shards === 0 || shards > SHARDS_MAX_OF_TOKEN || bytes.length !== cursorBytes(shards)) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let logId = '';
  for (let i = 0; i < LOG_ID_BYTES; i++) logId += bytes[8 + i].toString(16).padStart(2, '0');
  const seqs: number[] = [];
  for (let s = 0; s < shards; s++) {
    const seq = view.getFloat64(HEADER_BYTES + 8 * s, true);
    if (!Number.isSafeInteger(seq) || seq < 0) return null;
    seqs.push(seq);
  }
  return { logId, epoch: view.getUint32(4, true), seqs };
}

/** base64url without padding. Written by hand because this file must run in browsers and on Node. */
export function bytesToText(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const word = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += ALPHABET[word >>> 18] + ALPHABET[(word >>> 12) & 63];
    if (left > 1) text += ALPHABET[(word >>> 6) & 63];
    if (left > 2) text += ALPHABET[word & 63];
  }
  return text;
}

/** The bytes of base64url text without padding; null where the text is not base64url. */
export function textToBytes(text: string): Uint8Array | null {
  if (text.length > TEXT_MAX || text.length % 4 === 1) return null;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let word = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const code = codeOf[text.charCodeAt(i)] ?? -1;
    if (code < 0) return null;
    word = ((word << 6) | code) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = word >>> bits;
    }
  }
  return bytes;
}

export function cursorToText(cursor: Cursor): string {
  return bytesToText(encodeCursor(cursor));
}

export function cursorFromText(text: string): Cursor | null {
  const bytes = textToBytes(text);
  return bytes === null ? null : decodeCursor(bytes);
}
