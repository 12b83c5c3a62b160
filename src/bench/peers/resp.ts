/** RESP, as Redis speaks it: commands out, replies in, however they are cut. */

export type Reply = Buffer | number | string | null | Reply[];

const CR = 13;
const MINUS = 45;
const ZERO = 48;
const CRLF_BYTES = 2;
const Type = { simple: 43, error: 45, integer: 58, bulk: 36, array: 42 } as const;

/** A command, its parts as bulk strings. */
export function command(...parts: (string | Buffer)[]): Buffer {
  const pieces: Buffer[] = [Buffer.from(`*${parts.length}\r\n`)];
  for (const part of parts) {
    const bytes = Buffer.from(part);
    pieces.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(pieces);
}

export class RespReader {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  /** @param take what a whole reply is given to; bulk strings are views on what came in */
  constructor(readonly take: (reply: Reply) => void) {}

  /** @throws Error that the server sent */
  push(data: Buffer): void {
    this.#bytes =
      this.#at < this.#bytes.length ? Buffer.concat([this.#bytes.subarray(this.#at), data]) : data;
    this.#at = 0;
    for (;;) {
      const start = this.#at;
      const reply = this.#reply();
      if (reply === undefined) {
        this.#at = start;
        return;
      }
      this.take(reply);
    }
  }

  /** The number on the line at hand; undefined if it is cut off. */
  #number(): number | undefined {
    const end = this.#bytes.indexOf(CR, this.#at);
    if (end < 0 || end + CRLF_BYTES > this.#bytes.length) return undefined;
    let value = 0;
    let sign = 1;
    for (let i = this.#at; i < end; i++) {
      const code = this.#bytes[i];
      if (code === MINUS) sign = -1;
      else value = value * 10 + code - ZERO;
    }
    this.#at = end + CRLF_BYTES;
    return sign * value;
  }

  #line(): string | undefined {
    const end = this.#bytes.indexOf(CR, this.#at);
    if (end < 0 || end + CRLF_BYTES > this.#bytes.length) return undefined;
    const text = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end + CRLF_BYTES;
    return text;
  }

  #bulk(): Buffer | null | undefined {
    const bytes = this.#number();
    if (bytes === undefined || bytes < 0) return bytes === undefined ? undefined : null;
    const end = this.#at + bytes;
    if (end + CRLF_BYTES > this.#bytes.length) return undefined;
    const value = this.#bytes.subarray(this.#at, end);
    this.#at = end + CRLF_BYTES;
    return value;
  }

  #reply(): Reply | undefined {
    if (this.#at >= this.#bytes.length) return undefined;
    const type = this.#bytes[this.#at++];
    if (type === Type.bulk) return this.#bulk();
    if (type === Type.integer) return this.#number();
    if (type === Type.simple || type === Type.error) {
      const line = this.#line();
      if (type === Type.error && line !== undefined) throw new Error(`Redis said ${line}`);
      return line;
    }
    if (type !== Type.array) throw new Error(`Redis sent a reply of type ${type}`);
    const count = this.#number();
    if (count === undefined) return undefined;
    const replies: Reply[] = [];
    for (let i = 0; i < count; i++) {
      const reply = this.#reply();
      if (reply === undefined) return undefined;
      replies.push(reply);
    }
    return replies;
  }
}
