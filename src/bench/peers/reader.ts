/**
 * Reads what a peer sends to many clients as it comes out of their sockets: WebSocket frames may be cut
 * anywhere, and a protocol's units may be cut by frames. Only the part that was cut off is ever copied.
 *
 * ```
 * memory
 *   one carry a client: the beginning of a unit, and of a frame's header, that the last read cut off
 *   headroom: a carry is put here, before what is read next, so that each part is whole
 *   what a socket reads into │ scratch for a state that came as text
 * ```
 */
import { BadFrame } from '../../wire/packed.js';
import {
  clientFrame,
  type DialectEvents,
  type DialectOptions,
  type StreamReader,
} from '../harness/dialect.js';
import { TickCheck } from '../harness/packed-checker.js';
import { TICK_BYTES } from './tick.js';

const CARRY_BYTES = 2048;
const READ_BYTES = 512 * 1024;
const FIN = 0x80;
const MASKED = 0x80;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
export const Opcode = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** What a protocol makes of the payloads. */
export interface Protocol {
  readonly path: string;
  readonly subprotocol: string | null;
  upgraded(client: number): void;
  /** A whole text message; good during the call only. */
  text(client: number, bytes: Buffer): void;
  /**
   * Reads units of the binary payload between `from` and `end`.
   * @param isEnd whether a message ends there
   * @returns where the first unit begins that is not whole
   */
  binary(client: number, from: number, end: number, isEnd: boolean): number;
  reset(client: number): void;
}

export class PeerReader implements StreamReader {
  readonly target: Uint8Array;
  readonly memory: Buffer;
  readonly view: DataView;
  readonly check: TickCheck;
  readonly bytes = new Float64Array(2);
  protocol!: Protocol;
  readonly #targetAt: number;
  readonly #scratchAt: number;
  readonly #carried: Int32Array;
  /** By client: bytes of a unit among what is carried; the others are of a frame's header. */
  readonly #part: Int32Array;
  /** By client: payload bytes of the present frame that are still to come. */
  readonly #left: Float64Array;
  readonly #opcode: Uint8Array;
  readonly #group: Uint8Array;
  readonly #texts = new Map<number, { bytes: Buffer; filled: number }>();

  constructor(
    readonly options: DialectOptions,
    readonly events: DialectEvents,
  ) {
    const { clients, symbols, latency } = options;
    this.#targetAt = (clients + 1) * CARRY_BYTES;
    this.#scratchAt = this.#targetAt + READ_BYTES;
    this.memory = Buffer.alloc(this.#scratchAt + symbols * TICK_BYTES);
    this.view = new DataView(this.memory.buffer, this.memory.byteOffset, this.memory.length);
    this.target = this.memory.subarray(this.#targetAt, this.#scratchAt);
    this.check = new TickCheck(this.view, clients, symbols, true, latency);
    this.check.unitUs = 1;
    this.#carried = new Int32Array(clients);
    this.#part = new Int32Array(clients);
    this.#left = new Float64Array(clients);
    this.#opcode = new Uint8Array(clients);
    this.#group = new Uint8Array(clients);
  }

  reset(client: number, group: number): void {
    this.#carried[client] = 0;
    this.#part[client] = 0;
    this.#left[client] = 0;
    this.#group[client] = group;
    this.#texts.delete(client);
    this.check.reset(client);
    this.protocol.reset(client);
  }

  take(client: number, from: number, bytes: number): void {
    const end = this.#targetAt + bytes;
    let start = this.#targetAt + from;
    const carryAt = client * CARRY_BYTES;
    const carried = this.#carried[client];
    let at = start;
    if (carried > 0) {
      start -= carried;
      this.memory.copyWithin(start, carryAt, carryAt + carried);
      // A header that was cut off is read again from its first byte.
      at = this.#left[client] === 0 ? start + this.#part[client] : at;
    }
    this.bytes[this.#group[client]] += bytes - from;
    start = this.#walk(client, start, at, end);
    const rest = end - start;
    if (rest > CARRY_BYTES) throw new BadFrame('a part of a frame is longer than any should be');
    if (rest > 0) this.memory.copyWithin(carryAt, start, end);
    this.#carried[client] = rest;
  }

  /**
   * Reads all that is whole.
   * @param start where the unit begins that is not yet whole, its bytes in a row
   * @param at where what was not yet looked at begins
   * @returns where the first unit or header begins that is not whole
   */
  #walk(client: number, start: number, at: number, end: number): number {
    let unit = start;
    let next = at;
    for (;;) {
      if (this.#left[client] === 0) {
        const header = this.#header(client, next, end);
        if (header < 0) {
          this.#part[client] = next - unit;
          return unit;
        }
        const part = next - unit;
        unit = header - part;
        if (part > 0) this.memory.copyWithin(unit, next - part, next);
        next = header;
        if (this.#left[client] === 0) continue;
      }
      const until = Math.min(end, next + this.#left[client]);
      this.#left[client] -= until - next;
      next = until;
      unit = this.#payload(client, unit, until);
      if (until === end) {
        this.#part[client] = end - unit;
        return unit;
      }
    }
  }

  /** Reads a frame's header, and control frames whole; returns where the payload begins, -1 if it is cut off. */
  #header(client: number, at: number, end: number): number {
    if (at + 2 > end) return -1;
    const first = this.memory[at];
    const second = this.memory[at + 1];
    if ((first & 0xf0) !== FIN || (second & MASKED) !== 0)
      throw new BadFrame('a WebSocket frame in parts, or masked');
    let bytes = second;
    let next = at + 2;
    if (second === LENGTH_16) {
      if (at + 4 > end) return -1;
      bytes = this.view.getUint16(at + 2);
      next = at + 4;
    } else if (second === LENGTH_64) {
      if (at + 10 > end) return -1;
      bytes = this.view.getUint32(at + 6);
      next = at + 10;
    }
    const opcode = first & 0xf;
    if (opcode === Opcode.binary || opcode === Opcode.text) {
      this.#opcode[client] = opcode;
      this.#left[client] = bytes;
      return next;
    }
    if (next + bytes > end) return -1;
    if (opcode === Opcode.ping)
      this.events.reply(client, clientFrame(Opcode.pong, this.memory.subarray(next, next + bytes)));
    else if (opcode === Opcode.close) this.events.failed(client, 'the server closed the connection');
    return next + bytes;
  }

  #payload(client: number, from: number, end: number): number {
    const isEnd = this.#left[client] === 0;
    if (this.#opcode[client] === Opcode.binary) return this.protocol.binary(client, from, end, isEnd);
    this.#text(client, from, end, isEnd);
    return end;
  }

  /** Text is for control messages: one that was cut off is put together elsewhere. */
  #text(client: number, from: number, end: number, isEnd: boolean): void {
    const gathered = this.#texts.get(client);
    if (gathered === undefined && isEnd) {
      this.protocol.text(client, this.memory.subarray(from, end));
      return;
    }
    const text = gathered ?? { bytes: Buffer.alloc(end - from + this.#left[client]), filled: 0 };
    this.memory.copy(text.bytes, text.filled, from, end);
    text.filled += end - from;
    this.#texts.set(client, text);
    if (!isEnd) return;
    this.#texts.delete(client);
    this.protocol.text(client, text.bytes);
  }

  /** Reads ticks; returns where the first one begins that is not whole. */
  ticks(client: number, from: number, end: number): number {
    const count = Math.floor((end - from) / TICK_BYTES);
    const next = from + count * TICK_BYTES;
    if (count === 0) return from;
    this.check.ticks(client, this.#group[client], from, next, count);
    if (this.check.left > 0) throw new BadFrame('a tick is not as long as it should be');
    return next;
  }

  /** Reads the last values of symbols, which a client is given before what follows. */
  state(client: number, from: number, end: number): number {
    const count = Math.floor((end - from) / TICK_BYTES);
    this.check.snapshot(client, from, end, count);
    return from + count * TICK_BYTES;
  }

  /** As `state`, of bytes that do not lie in `memory`. */
  stateOf(client: number, bytes: Buffer): void {
    bytes.copy(this.memory, this.#scratchAt);
    this.state(client, this.#scratchAt, this.#scratchAt + bytes.length);
  }
}
