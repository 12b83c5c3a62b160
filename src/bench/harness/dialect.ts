/** What the load generator needs to know of how a server speaks to its clients. */

import type { LatencySamples } from './latency.js';
import type { TickCheck } from './packed-checker.js';

/** Reads what the server sends to all clients as it comes out of their sockets. */
export interface StreamReader {
  /** What sockets read into. */
  readonly target: Uint8Array;
  readonly check: TickCheck;
  /** Bytes received, by group of clients. */
  readonly bytes: Float64Array;
  /** Makes a client one that has received nothing. */
  reset(client: number, group: number): void;
  /**
   * Takes what a socket has read into `target`.
   * @param from where in it the WebSocket's bytes start
   * @throws BadFrame if a server would not send that
   */
  take(client: number, from: number, bytes: number): void;
}

/** What a dialect reports to its connections. */
export interface DialectEvents {
  /** Sends to a client's server. */
  send(client: number, frame: Uint8Array): void;
  /** Sends after the present read; of several answers in one read only the newest is sent. */
  reply(client: number, frame: Uint8Array): void;
  /** The client receives from now on what it watches. */
  subscribed(client: number): void;
  caughtUpFromLog(): void;
  /** Something is wrong that does not end the connection. */
  fault(client: number, why: string): void;
  /** The connection has ended. */
  failed(client: number, why: string): void;
}

export interface Dialect {
  /** Of the upgrade request. */
  readonly path: string;
  readonly subprotocol: string | null;
  readonly reader: StreamReader;
  /** The client's connection is a WebSocket now. */
  upgraded(client: number): void;
}

export interface DialectOptions {
  clients: number;
  symbols: number;
  /** By client: ids of the symbols that it watches. */
  watchedIds: number[][];
  latency: LatencySamples;
}

const MASKED = 0x80;
const LENGTH_16 = 126;
const LENGTH_16_FROM = 126;
const LENGTH_16_MAX = 0xffff;

/** A frame of a client, with a mask of zeros: masking is for proxies, and none is here. */
export function clientFrame(opcode: number, payload: Uint8Array): Buffer {
  if (payload.length > LENGTH_16_MAX) throw new RangeError('a client sends no frame of more than 64 KiB');
  const long = payload.length >= LENGTH_16_FROM;
  const frame = Buffer.alloc((long ? 8 : 6) + payload.length);
  frame[0] = 0x80 | opcode;
  frame[1] = MASKED | (long ? LENGTH_16 : payload.length);
  if (long) frame.writeUInt16BE(payload.length, 2);
  frame.set(payload, long ? 8 : 6);
  return frame;
}
