/** The load generator's connections: raw sockets that all read into one buffer, and WebSocket by hand. */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { messageOf } from '../errors.js';
import { packControl, unpackMessage } from '../wire/msgpack.js';
import type { Mode, ServerMessage } from '../wire/ticks.js';
import { FanoutReader } from './fanout-reader.js';
import type { LatencySamples } from './latency.js';

const OPCODE_BINARY = 2;
const OPCODE_PONG = 10;
const END_OF_HEAD = '\r\n\r\n';

export interface SocketsOptions {
  port: number;
  mode: Mode;
  intervalMs: number;
  clients: number;
  symbols: number;
  /** By client: the names and patterns that it subscribes to. */
  watched: string[][];
}

/** A frame of a client, with a mask of zeros: masking is for proxies, and none is here. */
function clientFrame(opcode: number, payload: Uint8Array): Buffer {
  const long = payload.length > 125;
  const frame = Buffer.alloc((long ? 8 : 6) + payload.length);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (long ? 126 : payload.length);
  if (long) frame.writeUInt16BE(payload.length, 2);
  frame.set(payload, long ? 8 : 6);
  return frame;
}

interface Client {
  socket: Socket;
  group: number;
  /** The upgrade's answer as far as it has come; null once it is whole. */
  head: string | null;
  subscribed: boolean;
  /** Payload of the newest ping that is not answered. */
  ping: Uint8Array | null;
}

export class FanoutSockets {
  readonly reader: FanoutReader;
  /** Connections that ended, or never came to be, other than by `close`. */
  failures: string[] = [];
  catchUps = 0;
  subscribed = 0;
  readonly #clients: (Client | undefined)[];

  /** @param now microseconds since the anchor of event times */
  constructor(
    readonly options: SocketsOptions,
    latency: LatencySamples,
    readonly now: () => number,
  ) {
    const { clients, symbols, mode } = options;
    this.#clients = new Array(clients);
    this.reader = new FanoutReader(clients, symbols, mode === 'every', latency, {
      control: (client, bytes) => this.#control(client, unpackMessage(bytes) as ServerMessage),
      ping: (client, bytes) => {
        // Of several pings in one read the newest stands for all.
        this.#clients[client]!.ping = Uint8Array.from(bytes);
      },
      close: (client) => this.#failed(client, 'the server closed the connection'),
    });
  }

  /** Connects a client of a group and subscribes it. */
  open(client: number, group: number): void {
    this.reader.reset(client, group);
    const socket = connect({
      host: '127.0.0.1',
      port: this.options.port,
      noDelay: true,
      onread: {
        buffer: this.reader.target,
        callback: (bytes) => {
          this.#read(client, bytes);
          return true;
        },
      },
    });
    this.#clients[client] = { socket, group, head: '', subscribed: false, ping: null };
    socket.on('error', (error) => this.#failed(client, messageOf(error)));
    socket.on('close', () => this.#failed(client, 'the connection was lost'));
    socket.write(
      [
        'GET /v1/stream HTTP/1.1',
        `Host: 127.0.0.1:${this.options.port}`,
        'Upgrade: websocket',
        'Connection: Upgrade',
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
        'Sec-WebSocket-Version: 13',
        `Sec-WebSocket-Protocol: ticks.packed.v1${END_OF_HEAD}`,
      ].join('\r\n'),
    );
  }

  /** Ends a client that is not to be counted any more. */
  close(client: number): void {
    const known = this.#clients[client];
    if (known === undefined) return;
    this.#clients[client] = undefined;
    if (known.subscribed) this.subscribed--;
    known.socket.destroy();
  }

  /** Stops reading from a client's socket. */
  pause(client: number): void {
    this.#clients[client]?.socket.pause();
  }

  resume(client: number): void {
    this.#clients[client]?.socket.resume();
  }

  #failed(client: number, why: string): void {
    if (this.#clients[client] === undefined) return;
    this.failures.push(`client ${client}: ${why}`);
    this.close(client);
  }

  #read(client: number, bytes: number): void {
    const known = this.#clients[client];
    if (known === undefined) return;
    try {
      const from = known.head === null ? 0 : this.#head(client, known, bytes);
      if (known.head !== null) return;
      this.reader.check.nowUs = this.now();
      this.reader.take(client, from, bytes);
    } catch (error) {
      this.#failed(client, messageOf(error));
      return;
    }
    if (known.ping === null) return;
    known.socket.write(clientFrame(OPCODE_PONG, known.ping));
    known.ping = null;
  }

  /** Takes the answer to the upgrade; returns where in this read the WebSocket begins. */
  #head(client: number, known: Client, bytes: number): number {
    const before = known.head!.length;
    known.head += Buffer.from(this.reader.target.subarray(0, bytes)).toString('latin1');
    const end = known.head!.indexOf(END_OF_HEAD);
    if (end < 0) return bytes;
    if (!known.head!.startsWith('HTTP/1.1 101'))
      throw new Error(`the upgrade was refused: ${known.head!.split('\r\n', 1)[0]}`);
    known.head = null;
    this.#subscribe(client, known);
    return end + END_OF_HEAD.length - before;
  }

  #subscribe(client: number, known: Client): void {
    const { mode, intervalMs, watched } = this.options;
    const interval = mode === 'latest' ? { intervalMs } : {};
    const request = { op: 'subscribe', id: 1, symbols: watched[client], mode, ...interval };
    known.socket.write(clientFrame(OPCODE_BINARY, packControl(request)));
  }

  #control(client: number, message: ServerMessage): void {
    if (message.op === 'subscribed') {
      for (const { symbolId, digits } of message.symbols) this.reader.check.digits[symbolId] = digits;
      this.#clients[client]!.subscribed = true;
      this.subscribed++;
      if (message.unknown.length > 0) this.failures.push(`client ${client}: a symbol is not known`);
    } else if (message.op === 'catching_up') {
      this.catchUps++;
    } else if (message.op === 'error') {
      this.failures.push(`client ${client}: ${message.message}`);
    }
  }
}
