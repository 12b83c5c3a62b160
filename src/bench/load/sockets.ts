/** The load generator's connections: raw sockets that all read into one buffer, and the WebSocket's upgrade by hand. */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { messageOf } from '../../core/errors.js';
import type { Dialect, DialectEvents, StreamReader } from '../harness/dialect.js';
import { CLIENT_HEADER } from '../harness/traced.js';

const END_OF_HEAD = '\r\n\r\n';

interface Client {
  socket: Socket;
  group: number;
  /** The upgrade's answer as far as it has come; null once it is whole. */
  head: string | null;
  subscribed: boolean;
  /** What is sent after the read at hand. */
  reply: Uint8Array | null;
}

export class FanoutSockets {
  readonly reader: StreamReader;
  /** Connections that ended, or never came to be, other than by `close`. */
  failures: string[] = [];
  /** How many of these connections ended, by group of clients. */
  readonly disconnected = [0, 0];
  catchUps = 0;
  subscribed = 0;
  readonly #dialect: Dialect;
  readonly #clients: (Client | undefined)[];

  /** @param now microseconds since the anchor of event times */
  constructor(
    readonly port: number,
    clients: number,
    dialect: (events: DialectEvents) => Dialect,
    readonly now: () => number,
  ) {
    this.#clients = new Array(clients);
    this.#dialect = dialect({
      send: (client, frame) => this.#clients[client]?.socket.write(frame),
      reply: (client, frame) => {
        const known = this.#clients[client];
        if (known !== undefined) known.reply = frame;
      },
      subscribed: (client) => {
        this.#clients[client]!.subscribed = true;
        this.subscribed++;
      },
      caughtUpFromLog: () => {
        this.catchUps++;
      },
      fault: (client, why) => this.failures.push(`client ${client}: ${why}`),
      failed: (client, why) => this.#failed(client, why),
    });
    this.reader = this.#dialect.reader;
  }

  /** Connects a client of a group and subscribes it. */
  open(client: number, group: number): void {
    this.reader.reset(client, group);
    const socket = connect({
      host: '127.0.0.1',
      port: this.port,
      noDelay: true,
      onread: {
        buffer: this.reader.target,
        callback: (bytes) => {
          this.#read(client, bytes);
          return true;
        },
      },
    });
    this.#clients[client] = { socket, group, head: '', subscribed: false, reply: null };
    // The client may have another socket by the time that its old one is gone.
    const ended = (why: string) => {
      if (this.#clients[client]?.socket === socket) this.#failed(client, why);
    };
    socket.on('error', (error) => ended(messageOf(error)));
    socket.on('close', () => ended('the connection was lost'));
    const { path, subprotocol } = this.#dialect;
    const head = [
      `GET ${path} HTTP/1.1`,
      `Host: 127.0.0.1:${this.port}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      'Sec-WebSocket-Version: 13',
      `${CLIENT_HEADER}: ${client}`,
    ];
    if (subprotocol !== null) head.push(`Sec-WebSocket-Protocol: ${subprotocol}`);
    socket.write(head.join('\r\n') + END_OF_HEAD);
  }

  /** Ends a client that must not be counted any more. */
  close(client: number): void {
    const known = this.#clients[client];
    if (known === undefined) return;
    this.#clients[client] = undefined;
    if (known.subscribed) this.subscribed--;
    known.socket.destroy();
  }

  /** Whether a client has a connection. */
  isOpen(client: number): boolean {
    return this.#clients[client] !== undefined;
  }

  /** Stops reading from a client's socket. */
  pause(client: number): void {
    this.#clients[client]?.socket.pause();
  }

  resume(client: number): void {
    this.#clients[client]?.socket.resume();
  }

  #failed(client: number, why: string): void {
    const known = this.#clients[client];
    if (known === undefined) return;
    this.failures.push(`client ${client}: ${why}`);
    this.disconnected[known.group]++;
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
    if (known.reply === null) return;
    known.socket.write(known.reply);
    known.reply = null;
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
    this.#dialect.upgraded(client);
    return end + END_OF_HEAD.length - before;
  }
}
