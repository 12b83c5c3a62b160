/** Socket.IO in the process that has the ticks: a room a symbol, WebSocket only, ticks as binary. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { messageOf } from '../../core/errors.js';
import { BadFrame } from '../../wire/packed.js';
import { clientFrame } from '../harness/dialect.js';
import { BOOK, CLIENT_BYTES_MAX, type Peer } from './peer.js';
import { Opcode } from './reader.js';

/** What is used of the package, which the product does not depend on. */
interface Io {
  on(event: 'connection', take: (socket: IoSocket) => void): void;
  to(room: string): { emit(event: string, data: Buffer): void };
  close(): Promise<void>;
}
interface IoSocket {
  join(rooms: string[]): void;
  on(event: 'subscribe', take: (ids: number[] | '*') => void): void;
  emit(event: string, ...data: unknown[]): void;
  disconnect(close: boolean): void;
  conn: { transport: { socket: { bufferedAmount: number } } };
}

/** Peers have packages of their own, beside their sources. */
const PACKAGES = new URL('../../../../src/bench/peers/package.json', import.meta.url);
const INSTALL = 'npm ci --prefix src/bench/peers';
/** Kinds of packets: engine.io's, then socket.io's. */
const Packet = { open: '0', ping: '2', pong: '3', connected: '40', event: '42', binaryEvent: '45' } as const;
const PING_INTERVAL_MS = 25_000;
const PING_TIMEOUT_MS = 60_000;
/** Milliseconds between two looks for clients that do not read. */
const LOOK_MS = 100;

function roomOf(topic: number): string {
  return topic === BOOK ? 'book' : `t${topic}`;
}

function load<T>(name: string): T {
  return createRequire(PACKAGES)(name) as T;
}

export const socketio: Peer = {
  what: 'Socket.IO, one room a symbol, WebSocket only, binary',
  keepsLast: true,
  missing() {
    try {
      load('socket.io');
      return null;
    } catch (error) {
      return `socket.io (${INSTALL}): ${messageOf(error).split('\n', 1)[0]}`;
    }
  },

  async start({ symbols, batched }) {
    const options = {
      transports: ['websocket'],
      perMessageDeflate: false,
      httpCompression: false,
      serveClient: false,
      pingInterval: PING_INTERVAL_MS,
      pingTimeout: PING_TIMEOUT_MS,
    };
    const { Server } = load<{ Server: new (http: unknown, options: unknown) => Io }>('socket.io');
    const http = createServer();
    const io = new Server(http, options);
    const rooms = Array.from({ length: symbols + 1 }, (_, topic) => roomOf(topic));
    const last: (Buffer | undefined)[] = [];
    const sockets = new Set<IoSocket>();
    io.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('subscribe', (wanted) => {
        const ids = wanted === '*' ? [...rooms.keys()].slice(1) : wanted;
        socket.join((batched ? [BOOK] : ids).map((id) => rooms[id]));
        const state = batched ? [] : ids.flatMap((id) => last[id] ?? []);
        if (state.length > 0) socket.emit('last', Buffer.concat(state));
        socket.emit('subscribed', ids.length);
      });
    });
    // The package bounds nothing by itself.
    const timer = setInterval(() => {
      for (const socket of sockets) {
        if (!(socket.conn.transport.socket?.bufferedAmount > CLIENT_BYTES_MAX)) continue;
        sockets.delete(socket);
        socket.disconnect(true);
      }
    }, LOOK_MS);
    http.listen(0, '127.0.0.1', 4096);
    await once(http, 'listening');
    return {
      port: (http.address() as { port: number }).port,
      version: load<{ version: string }>('socket.io/package.json').version,
      settings: {
        transports: 'websocket',
        perMessageDeflate: false,
        pingInterval: PING_INTERVAL_MS,
        'bufferedAmount, then disconnect': CLIENT_BYTES_MAX,
        rooms: batched ? 'book' : 't<symbol>',
      },
      processes: [],
      publish(topic, ticks) {
        last[topic] = ticks;
        io.to(rooms[topic]).emit('t', ticks);
      },
      flush() {},
      isFull: () => false,
      async stop() {
        clearInterval(timer);
        await io.close();
      },
    };
  },

  protocol(reader, { watchedIds, symbols, clients }, events) {
    /** By client: whether the next binary message is a state. */
    const isState = new Uint8Array(clients);
    return {
      path: '/socket.io/?EIO=4&transport=websocket',
      subprotocol: null,
      upgraded() {},
      text(client, bytes) {
        const message = bytes.toString('latin1');
        const send = (text: string) => events.send(client, clientFrame(Opcode.text, Buffer.from(text)));
        if (message.startsWith(Packet.binaryEvent)) isState[client] = message.includes('"last"') ? 1 : 0;
        else if (message === Packet.ping) send(Packet.pong);
        else if (message.startsWith(Packet.connected)) {
          const ids = watchedIds[client];
          const wanted = ids.length === symbols ? '*' : ids;
          send(`${Packet.event}${JSON.stringify(['subscribe', wanted])}`);
        } else if (message.startsWith(Packet.event)) events.subscribed(client);
        else if (message.startsWith(Packet.open)) send(Packet.connected);
        else throw new BadFrame(`Socket.IO: ${message.slice(0, 100)}`);
      },
      binary(client, from, end, isEnd) {
        const next =
          isState[client] === 1 ? reader.state(client, from, end) : reader.ticks(client, from, end);
        if (isEnd && next !== end) throw new BadFrame('a message does not end with a tick');
        return next;
      },
      reset(client) {
        isState[client] = 0;
      },
    };
  },
};
