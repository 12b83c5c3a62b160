/**
 * Reads what a server sends to many clients as it comes out of their sockets: WebSocket frames, batches and
 * records may be cut anywhere, and only the part that was cut off is ever copied.
 *
 * ```
 * memory
 *   one carry a client: the beginning of a part that the last read cut off
 *   headroom: a carry is put here, before what is read next, so that each part is whole
 *   what a socket reads into
 * ```
 */
import {
  BATCH_HEADER_BYTES,
  BATCH_SNAPSHOT,
  BadFrame,
  FRAME_HEADER_BYTES,
  FRAME_MAGIC,
  POW10,
} from '../../wire/packed.js';
import type { LatencySamples } from '../harness/latency.js';
import { TickCheck } from '../harness/packed-checker.js';

/** The clients that are measured, and those that will stop reading. */
export const Group = { readers: 0, stoppers: 1 } as const;

const CARRY_BYTES = 512;
const READ_BYTES = 512 * 1024;

/** What comes next of a client. */
const Phase = {
  header: 0,
  message: 1,
  control: 2,
  ping: 3,
  close: 4,
  batch: 5,
  records: 6,
  ended: 7,
} as const;

// Words of a client's state in its stream.
const PHASE = 0;
/** Bytes of the message that are not yet accounted for. */
const LEFT = 1;
const BATCHES = 2;
const RECORDS = 3;
/** Bytes of records that are not yet read. */
const RECORD_BYTES_LEFT = 4;
const SNAPSHOT = 5;
const GROUP = 6;
/** Frames of ticks that have begun. */
const FRAMES = 7;
const STATE_WORDS = 8;
const BASE_WORDS = 4;

const FIN = 0x80;
const MASKED = 0x80;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const OPCODE_BINARY = 2;
const OPCODE_CLOSE = 8;
const OPCODE_PING = 9;
const NEED_MORE = -1;

/** What comes besides ticks. `bytes` are only good during the call. */
export interface ReaderEvents {
  control(client: number, bytes: Uint8Array): void;
  ping(client: number, bytes: Uint8Array): void;
  close(client: number): void;
}

export class FanoutReader {
  /** What sockets read into. */
  readonly target: Uint8Array;
  readonly check: TickCheck;
  /** Bytes received, by group of clients. */
  readonly bytes = new Float64Array(2);
  readonly #memory: Uint8Array;
  readonly #view: DataView;
  readonly #targetAt: number;
  readonly #carried: Int32Array;
  readonly #states: Int32Array;
  /** By client, of the batch at hand: event time in µs since the anchor, µs per unit, seq, receipt in ns since the anchor's second. */
  readonly #bases: Float64Array;
  readonly #controls = new Map<number, { bytes: Uint8Array; filled: number }>();

  /** See `TickCheck` for the parameters. */
  constructor(
    clients: number,
    symbols: number,
    dense: boolean,
    latency: LatencySamples,
    readonly events: ReaderEvents,
  ) {
    this.#targetAt = (clients + 1) * CARRY_BYTES;
    this.#memory = new Uint8Array(this.#targetAt + READ_BYTES);
    this.#view = new DataView(this.#memory.buffer);
    this.target = this.#memory.subarray(this.#targetAt);
    this.check = new TickCheck(this.#view, clients, symbols, dense, latency);
    this.#carried = new Int32Array(clients);
    this.#states = new Int32Array(clients * STATE_WORDS);
    this.#bases = new Float64Array(clients * BASE_WORDS);
  }

  /** Makes a client one that has received nothing. */
  reset(client: number, group: number): void {
    this.#carried[client] = 0;
    this.#states.fill(0, client * STATE_WORDS, (client + 1) * STATE_WORDS);
    this.#states[client * STATE_WORDS + GROUP] = group;
    this.#controls.delete(client);
    this.check.reset(client);
  }

  /**
   * Takes what a socket has read into `target`.
   * @param from where in it the WebSocket's bytes start
   * @throws BadFrame if a server would not send that
   */
  take(client: number, from: number, bytes: number): void {
    const memory = this.#memory;
    const end = this.#targetAt + bytes;
    let at = this.#targetAt + from;
    const carryAt = client * CARRY_BYTES;
    const carried = this.#carried[client];
    if (carried > 0) {
      at -= carried;
      memory.copyWithin(at, carryAt, carryAt + carried);
    }
    this.bytes[this.#states[client * STATE_WORDS + GROUP]] += bytes - from;
    at = this.#walk(client, at, end);
    const rest = end - at;
    if (rest > CARRY_BYTES) throw new BadFrame('a part of a frame is longer than any should be');
    if (rest > 0) memory.copyWithin(carryAt, at, end);
    this.#carried[client] = rest;
  }

  /** Reads all parts that are whole; returns where the first one starts that is not. */
  #walk(client: number, start: number, end: number): number {
    const p = client * STATE_WORDS;
    let at = start;
    for (;;) {
      const next = this.#part(client, p, at, end);
      if (next === NEED_MORE) return at;
      at = next;
    }
  }

  #part(client: number, p: number, at: number, end: number): number {
    switch (this.#states[p + PHASE]) {
      case Phase.records:
        return this.#records(client, p, at, end);
      case Phase.batch:
        return this.#batch(client, p, at, end);
      case Phase.header:
        return this.#header(p, at, end);
      case Phase.message:
        return this.#message(client, p, at, end);
      case Phase.control:
        return this.#control(client, p, at, end);
      case Phase.ended:
        return at === end ? NEED_MORE : end;
      default:
        return this.#brief(client, p, at, end);
    }
  }

  #header(p: number, at: number, end: number): number {
    if (at + 2 > end) return NEED_MORE;
    const first = this.#memory[at];
    const second = this.#memory[at + 1];
    if ((first & 0xf0) !== FIN || (second & MASKED) !== 0)
      throw new BadFrame('a WebSocket frame in parts, or masked');
    let bytes = second;
    let next = at + 2;
    if (second === LENGTH_16) {
      if (at + 4 > end) return NEED_MORE;
      bytes = this.#view.getUint16(at + 2);
      next = at + 4;
    } else if (second === LENGTH_64) {
      if (at + 10 > end) return NEED_MORE;
      bytes = this.#view.getUint32(at + 6);
      next = at + 10;
    }
    const opcode = first & 0xf;
    this.#states[p + LEFT] = bytes;
    if (opcode === OPCODE_BINARY) this.#states[p + PHASE] = Phase.message;
    else if (opcode === OPCODE_PING) this.#states[p + PHASE] = Phase.ping;
    else if (opcode === OPCODE_CLOSE) this.#states[p + PHASE] = Phase.close;
    else throw new BadFrame(`WebSocket opcode ${opcode}`);
    return next;
  }

  /** The first byte of a binary message distinguishes a frame of ticks from a control message. */
  #message(client: number, p: number, at: number, end: number): number {
    if (at === end) return NEED_MORE;
    const states = this.#states;
    if (this.#memory[at] !== FRAME_MAGIC) {
      this.#controls.set(client, { bytes: new Uint8Array(states[p + LEFT]), filled: 0 });
      states[p + PHASE] = Phase.control;
      return at;
    }
    if (at + FRAME_HEADER_BYTES > end) return NEED_MORE;
    states[p + BATCHES] = this.#view.getUint16(at + 2, true);
    states[p + LEFT] -= FRAME_HEADER_BYTES;
    states[p + PHASE] = Phase.batch;
    states[p + FRAMES]++;
    return at + FRAME_HEADER_BYTES;
  }

  #batch(client: number, p: number, at: number, end: number): number {
    const states = this.#states;
    if (states[p + BATCHES] === 0) {
      if (states[p + LEFT] !== 0) throw new BadFrame('a frame is not as long as its batches');
      states[p + PHASE] = Phase.header;
      return at;
    }
    if (at + BATCH_HEADER_BYTES > end) return NEED_MORE;
    const v = this.#view;
    const headerBytes = BATCH_HEADER_BYTES + ((v.getUint16(at + 44, true) + 7) & ~7);
    if (at + headerBytes > end) return NEED_MORE;
    states[p + RECORDS] = v.getUint32(at + 4, true);
    states[p + RECORD_BYTES_LEFT] = v.getUint32(at + 8, true);
    states[p + SNAPSHOT] = v.getUint8(at + 14) & BATCH_SNAPSHOT;
    const eventS = v.getUint32(at + 24, true) - this.check.anchorS;
    const recvS = v.getUint32(at + 32, true) - this.check.anchorS;
    const base = client * BASE_WORDS;
    this.#bases[base] = eventS * 1e6 + v.getUint32(at + 28, true) / 1e3;
    this.#bases[base + 1] = POW10[v.getUint8(at + 15)] / 1e3;
    this.#bases[base + 2] = v.getFloat64(at + 16, true);
    this.#bases[base + 3] = recvS * 1e9 + v.getUint32(at + 36, true);
    states[p + BATCHES]--;
    states[p + LEFT] -= headerBytes + states[p + RECORD_BYTES_LEFT];
    states[p + PHASE] = Phase.records;
    return at + headerBytes;
  }

  #records(client: number, p: number, at: number, end: number): number {
    const states = this.#states;
    const { check } = this;
    let next: number;
    if (states[p + SNAPSHOT] === 0) {
      const base = client * BASE_WORDS;
      check.batchUs = this.#bases[base];
      check.unitUs = this.#bases[base + 1];
      if (check.traced !== undefined) {
        check.traced.frame = states[p + FRAMES];
        check.traced.batchSeq = this.#bases[base + 2];
        check.traced.batchRecvNs = this.#bases[base + 3];
      }
      next = check.ticks(client, states[p + GROUP], at, end, states[p + RECORDS]);
    } else {
      next = check.snapshot(client, at, end, states[p + RECORDS]);
    }
    states[p + RECORDS] = check.left;
    states[p + RECORD_BYTES_LEFT] -= next - at;
    if (check.left === 0) {
      if (states[p + RECORD_BYTES_LEFT] !== 0) throw new BadFrame('a batch is not as long as its records');
      states[p + PHASE] = Phase.batch;
    } else if (next === at) {
      return NEED_MORE;
    }
    return next;
  }

  #control(client: number, p: number, at: number, end: number): number {
    const gathered = this.#controls.get(client)!;
    const bytes = Math.min(end - at, this.#states[p + LEFT]);
    gathered.bytes.set(this.#memory.subarray(at, at + bytes), gathered.filled);
    gathered.filled += bytes;
    this.#states[p + LEFT] -= bytes;
    if (this.#states[p + LEFT] > 0) return bytes === 0 ? NEED_MORE : at + bytes;
    this.#controls.delete(client);
    this.#states[p + PHASE] = Phase.header;
    this.events.control(client, gathered.bytes);
    return at + bytes;
  }

  /** A ping or a close: short, and taken when whole. */
  #brief(client: number, p: number, at: number, end: number): number {
    const states = this.#states;
    const next = at + states[p + LEFT];
    if (next > end) return NEED_MORE;
    const isPing = states[p + PHASE] === Phase.ping;
    states[p + PHASE] = isPing ? Phase.header : Phase.ended;
    if (isPing) this.events.ping(client, this.#memory.subarray(at, next));
    else this.events.close(client);
    return next;
  }
}
