/** Redis: Debian's redis-server, pub/sub with one channel a symbol, last values in a hash, and a bridge on ws. */
import { Child } from '../harness/child.js';
import { Outflow } from './outflow.js';
import { BOOK, type Peer } from './peer.js';
import { plainProtocol } from './plain.js';
import type { BridgeApi } from './redis-bridge.js';
import { channelOf } from './redis-channels.js';
import { command } from './resp.js';
import { findProgram, freePort, listening, startServer, versionOf } from './servers.js';

const END_OF_LINE = Buffer.from('\r\n');

export const redis: Peer = {
  what: 'redis-server pub/sub, one channel a symbol, last values in a hash, a bridge on ws',
  keepsLast: true,
  missing: () => (findProgram('redis-server') === null ? 'redis-server (Debian: redis-server)' : null),

  async start({ symbols, folder, batched }) {
    const port = await freePort();
    const settings = {
      save: '',
      appendonly: 'no',
      'client-output-buffer-limit': 'pubsub 64mb 64mb 0',
      'tcp-backlog': 511,
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const program = findProgram('redis-server')!;
    const server = startServer(program, [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
      ...flags,
    ]);
    await listening(server, port);
    const bridge = new Child<BridgeApi>('bridge', new URL('./redis-bridge.js', import.meta.url), undefined);
    const bridged = await bridge.ask('start', { redisPort: port, symbols, batched });
    const out = await Outflow.connect(port);
    out.onData((data) => {
      if (data.includes('-ERR')) throw new Error(`Redis said ${data.toString('latin1').trim()}`);
    });
    const heads = Array.from({ length: symbols + 1 }, (_, topic) => {
      const channel = channelOf(topic);
      return `*3\r\n$7\r\nPUBLISH\r\n$${channel.length}\r\n${channel}\r\n$`;
    });
    /** The newest tick of each symbol since the last flush. */
    const changed = new Map<number, Buffer>();
    return {
      port: bridged.port,
      version: versionOf(program, ['--version']),
      settings: { ...settings, ...bridged.settings, channels: batched ? channelOf(BOOK) : 't:<symbol>' },
      processes: [
        { name: 'redis-server', pid: server.pid! },
        { name: 'bridge', pid: bridge.pid, gc: () => bridge.gc() },
      ],
      publish(topic, ticks) {
        out.add(Buffer.from(`${heads[topic]}${ticks.length}\r\n`));
        out.add(ticks);
        out.add(END_OF_LINE);
        if (!batched) changed.set(topic, ticks);
      },
      flush() {
        if (changed.size > 0)
          out.add(command('HSET', 'last', ...[...changed].flatMap(([id, tick]) => [String(id), tick])));
        changed.clear();
        out.flush();
      },
      isFull: () => out.isFull(),
      async stop() {
        out.end();
        await bridge.ask('stop', {}).catch(() => {});
        await bridge.end();
        await server.stop();
      },
    };
  },

  protocol: plainProtocol,
};
