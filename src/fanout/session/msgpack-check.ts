/**
 * Checks a client's MessagePack before it is decoded. A decoder allocates what a header announces, so five bytes can cost
 * gigabytes. Here every array and map must have its elements in the message, nesting is bounded, and extension types are
 * refused.
 */
/** Nested arrays and maps at most. */
const DEPTH_MAX = 8;

/** Whether the bytes are exactly one value of standard MessagePack types. */
export function isPlainMsgpack(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return skipValue(view, 0, 0) === view.byteLength;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** By first byte, 0xc0 … 0xdf: bytes of the value, the first byte included; 0 = not fixed, -1 = refused. */
const SIZES = [
  1, -1, 1, 1, 0, 0, 0, -1, -1, -1, 5, 9, 2, 3, 5, 9, 2, 3, 5, 9, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0,
];

/**
 * The offset at which the value at offset `at` ends.
 * @throws RangeError when the value does not end within the message, or is refused
 */
function skipValue(view: DataView, at: number, depth: number): number {
  const byte = view.getUint8(at);
  if (byte < 0x80 || byte >= 0xe0) return at + 1;
  if (byte < 0x90) return skipMany(view, at + 1, 2 * (byte & 0x0f), depth);
  if (byte < 0xa0) return skipMany(view, at + 1, byte & 0x0f, depth);
  if (byte < 0xc0) return within(view, at + 1 + (byte & 0x1f));
  const size = SIZES[byte - 0xc0];
  if (size < 0) throw new RangeError('refused type');
  if (size > 0) return within(view, at + size);
  switch (byte) {
    case 0xc4:
    case 0xd9:
      return within(view, at + 2 + view.getUint8(at + 1));
    case 0xc5:
    case 0xda:
      return within(view, at + 3 + view.getUint16(at + 1));
    case 0xc6:
    case 0xdb:
      return within(view, at + 5 + view.getUint32(at + 1));
    case 0xdc:
      return skipMany(view, at + 3, view.getUint16(at + 1), depth);
    case 0xdd:
      return skipMany(view, at + 5, view.getUint32(at + 1), depth);
    case 0xde:
      return skipMany(view, at + 3, 2 * view.getUint16(at + 1), depth);
    default:
      return skipMany(view, at + 5, 2 * view.getUint32(at + 1), depth);
  }
}

function skipMany(view: DataView, at: number, count: number, depth: number): number {
  if (depth >= DEPTH_MAX || count > view.byteLength - at) throw new RangeError('too deep or cut off');
  for (let i = 0; i < count; i++) at = skipValue(view, at, depth + 1);
  return at;
}

function within(view: DataView, end: number): number {
  if (end > view.byteLength) throw new RangeError('cut off');
  return end;
}
