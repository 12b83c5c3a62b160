/** A server of one's own on the package ws: a Map of symbols with their last tick and who watches them. */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { type WebSocket, WebSocketServer } from 'ws';
import { BOOK, CLIENT_BYTES_MAX, type Peer, type RunningPeer } from './peer.js';
import { plainProtocol, readSubscribe, writeSubscribed } from './plain.js';

interface Topic {
  last: Buffer | null;
  watchers: Set<WebSocket>;
}

/** The server with its Map; the bridge of Redis is one too. */
export interface WsServer {
  port: number;
  settings: RunningPeer['settings'];
  publish(topic: number, ticks: Buffer): void;
  stop(): Promise<void>;
}

/** @param lastOf last ticks by symbol id, where somebody else keeps them */
export async function startWsServer(
  symbols: number,
  batched: boolean,
  lastOf?: (ids: number[]) => Promise<Buffer[]>,
): Promise<WsServer> {
  const topics = new Map<number, Topic>();
  for (let id = BOOK; id <= symbols; id++) topics.set(id, { last: null, watchers: new Set() });
  const settings = {
    perMessageDeflate: false,
    noDelay: true,
    'bufferedAmount, then terminate': CLIENT_BYTES_MAX,
  };
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    perMessageDeflate: false,
    clientTracking: false,
    backlog: 4096,
  });
  const sockets = new Set<WebSocket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('message', (message) => void subscribe(socket, readSubscribe(String(message))));
    socket.on('close', () => {
      sockets.delete(socket);
      for (const { watchers } of topics.values()) watchers.delete(socket);
    });
  });

  async function subscribe(socket: WebSocket, wanted: number[] | null): Promise<void> {
    const ids = wanted ?? [...topics.keys()].filter((id) => id !== BOOK);
    const conflated = batched ? [] : await lastOf?.(ids);
    const last = conflated ?? ids.flatMap((id) => topics.get(id)?.last ?? []);
    for (const id of batched ? [BOOK] : ids) topics.get(id)?.watchers.add(socket);
    socket.send(writeSubscribed(ids.length, last));
  }

  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    settings,
    publish(id, ticks) {
      const topic = topics.get(id)!;
      topic.last = ticks;
      for (const socket of topic.watchers) {
        if (socket.bufferedAmount > CLIENT_BYTES_MAX) socket.terminate();
        else socket.send(ticks);
      }
    },
    async stop() {
      for (const socket of sockets) socket.terminate();
      server.close();
      await once(server, 'close');
    },
  };
}

export const ws: Peer = {
  what: 'a Node server of one’s own on ws, with a Map of symbols',
  keepsLast: true,
  missing: () => null,

  async start({ symbols, batched }) {
    const server = await startWsServer(symbols, batched);
    const { version } = createRequire(import.meta.url)('ws/package.json') as { version: string };
    return {
      port: server.port,
      version,
      settings: server.settings,
      processes: [],
      publish: server.publish,
      flush() {},
      isFull: () => false,
      stop: server.stop,
    };
  },

  protocol: plainProtocol,
};
