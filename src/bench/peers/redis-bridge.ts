/** The bridge between Redis and its WebSocket clients, in a process of its own. Started as a child; see `bench/harness/child.ts`. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { serveParent } from '../harness/child.js';
import { BOOK } from './peer.js';
import { CHANNEL_PREFIX_BYTES, channelOf } from './redis-channels.js';
import { command, type Reply, RespReader } from './resp.js';
import { startWsServer, type WsServer } from './ws.js';

export interface BridgeStart {
  redisPort: number;
  symbols: number;
  batched: boolean;
}

const ZERO = 48;
const LETTER_M = 109;

let server: WsServer;
const waiting: ((reply: Reply) => void)[] = [];

async function dial(port: number, take: (reply: Reply) => void): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const reader = new RespReader(take);
  await once(socket, 'connect');
  socket.on('data', (data) => reader.push(data));
  socket.on('close', () => process.exit(1));
  return socket;
}

async function start({
  redisPort,
  symbols,
  batched,
}: BridgeStart): Promise<Omit<WsServer, 'publish' | 'stop'>> {
  const asking = await dial(redisPort, (reply) => waiting.shift()?.(reply));
  const lastOf = async (ids: number[]) => {
    const answer = new Promise<Reply>((resolve) => waiting.push(resolve));
    asking.write(command('HMGET', 'last', ...ids.map(String)));
    return ((await answer) as (Buffer | null)[]).flatMap((tick) => tick ?? []);
  };
  server = await startWsServer(symbols, batched, lastOf);
  const listening = await dial(redisPort, (reply) => {
    const [what, channel, ticks] = reply as [Buffer, Buffer, Buffer | number];
    if (typeof ticks === 'number' || what[0] !== LETTER_M) return;
    let id = 0;
    for (let i = CHANNEL_PREFIX_BYTES; i < channel.length; i++) id = id * 10 + channel[i] - ZERO;
    server.publish(id, ticks);
  });
  const topics = batched ? [BOOK] : Array.from({ length: symbols }, (_, i) => i + 1);
  listening.write(command('SUBSCRIBE', ...topics.map(channelOf)));
  return { port: server.port, settings: server.settings };
}

const api = { start, stop: (_: object) => server?.stop() };
export type BridgeApi = typeof api;

serveParent(api);
