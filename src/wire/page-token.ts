/**
 * The cursor of a page with imported ticks: `<cursor>.<position>`. The cursor is the usual one, for live ticks. The
 * position among the imports is base64url text of these bytes, little-endian:
 *
 * ```
 *  0 u32 s │ 4 u32 ns │ 8 u32 epoch │ 12 u32 0 │ 16 f64 seq      of the imported tick seen last
 * 24 u32 s │ 28 u32 ns                                           highest tsRecv of the live ticks so far
 * ```
 */
import { bytesToText, cursorFromText, textToBytes } from './cursor.js';

const POSITION_BYTES = 32;

export interface PagePosition {
  /** Time of receipt, epoch and seq. Imported ticks up to it, inclusive, have been read. */
  imports: { seconds: number; nanos: number; epoch: number; seq: number };
  /** Highest time of receipt of the live ticks so far. Imports are merged by it. */
  recvMax: { seconds: number; nanos: number };
}

export interface PageToken extends PagePosition {
  /** Text of the cursor. */
  cursor: string;
}

export function pageTokenToText({ cursor, imports, recvMax }: PageToken): string {
  const view = new DataView(new ArrayBuffer(POSITION_BYTES));
  view.setUint32(0, imports.seconds, true);
  view.setUint32(4, imports.nanos, true);
  view.setUint32(8, imports.epoch, true);
  view.setFloat64(16, imports.seq, true);
  view.setUint32(24, recvMax.seconds, true);
  view.setUint32(28, recvMax.nanos, true);
  return `${cursor}.${bytesToText(new Uint8Array(view.buffer))}`;
}

/** The page token of a text; null where the text is not one. */
export function pageTokenFromText(text: string): PageToken | null {
  const [cursor, position, ...rest] = text.split('.');
  const bytes = position === undefined ? null : textToBytes(position);
  if (bytes?.length !== POSITION_BYTES || rest.length > 0 || cursorFromText(cursor) === null) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, POSITION_BYTES);
  const timeAt = (at: number) => ({ seconds: view.getUint32(at, true), nanos: view.getUint32(at + 4, true) });
  const imports = { ...timeAt(0), epoch: view.getUint32(8, true), seq: view.getFloat64(16, true) };
  return Number.isSafeInteger(imports.seq) && imports.seq >= 0
    ? { cursor, imports, recvMax: timeAt(24) }
    : null;
}
