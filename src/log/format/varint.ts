/** Varints: integers in as few bytes as possible, seven bits a byte, the lowest first. */

/** V8 stores integers below this bound without an object. */
const SMALL = 2 ** 30;

/** A growing array of bytes. */
export class ByteWriter {
  bytes: Uint8Array;
  at = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    if (this.at + count <= this.bytes.length) return;
    const larger = new Uint8Array(2 * (this.at + count));
    larger.set(this.bytes.subarray(0, this.at));
    this.bytes = larger;
  }

  /** A whole number from 0 to 2^53 - 1. */
  unsigned(value: number): void {
    if (this.at + 8 > this.bytes.length) this.reserve(8);
    const { bytes } = this;
    let at = this.at;
    let v = value;
    for (; v >= SMALL; v = Math.floor(v / 0x80)) bytes[at++] = (v % 0x80) | 0x80;
    // Most values are small integers and need no division.
    let low = v | 0;
    for (; low >= 0x80; low >>= 7) bytes[at++] = (low & 0x7f) | 0x80;
    bytes[at++] = low;
    this.at = at;
  }

  /** The difference of two words, modulo 2^32; short when the words are close together. */
  difference(word: number, before: number): void {
    const d = (word - before) | 0;
    this.unsigned(((d << 1) ^ (d >> 31)) >>> 0);
  }
}

/** Reads the bytes of a `ByteWriter`. Beyond the end every value is 0. */
export class ByteReader {
  constructor(
    readonly bytes: Uint8Array,
    public at: number,
    readonly end: number,
  ) {}

  unsigned(): number {
    let value = 0;
    for (let scale = 1; this.at < this.end; scale *= 0x80) {
      const byte = this.bytes[this.at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    return value;
  }

  /** The word whose difference from `before` follows. */
  difference(before: number): number {
    const z = this.unsigned();
    return (before + ((z >>> 1) ^ -(z & 1))) >>> 0;
  }
}
