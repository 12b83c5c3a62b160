/** Bare uWebSockets.js: its own publish and subscribe in the process that has the ticks, one topic a symbol. */
import { createRequire } from 'node:module';
import { FLUSH_INTERVAL_MS_MAX } from '../../core/limits.js';
import {
  closeListenSocket,
  createApp,
  listen,
  NO_COMPRESSION,
  type WebSocket,
} from '../../fanout/contract/uws.js';
import { BOOK, CLIENT_BYTES_MAX, type Peer } from './peer.js';
import { plainProtocol, readSubscribe, writeSubscribed } from './plain.js';

function topicOf(topic: number): string {
  return topic === BOOK ? 'book' : `t${topic}`;
}

export const uws: Peer = {
  what: 'bare uWebSockets.js publish, one topic a symbol',
  keepsLast: true,
  // What our own fan-out waits for at most: the two differ in nothing but what the architecture adds.
  batchMs: FLUSH_INTERVAL_MS_MAX,
  missing: () => null,

  async start({ symbols, batched }) {
    const settings = {
      compression: false,
      maxBackpressure: CLIENT_BYTES_MAX,
      closeOnBackpressureLimit: 1,
      idleTimeout: 0,
      topics: batched ? 'book' : 't<symbol>',
    };
    const topics = Array.from({ length: symbols + 1 }, (_, topic) => topicOf(topic));
    const last: (Buffer | undefined)[] = [];
    const app = createApp();
    app.ws('/*', {
      compression: NO_COMPRESSION,
      maxBackpressure: settings.maxBackpressure,
      closeOnBackpressureLimit: settings.closeOnBackpressureLimit,
      idleTimeout: settings.idleTimeout,
      sendPingsAutomatically: false,
      message(ws: WebSocket<unknown>, message: ArrayBuffer) {
        const wanted = readSubscribe(Buffer.from(message).toString());
        const ids = wanted ?? [...topics.keys()].slice(1);
        for (const id of batched ? [BOOK] : ids) ws.subscribe(topics[id]);
        const state = ids.flatMap((id) => last[id] ?? []);
        ws.send(writeSubscribed(ids.length, batched ? [] : state), false);
      },
    });
    const { socket, port } = await listen(app, '127.0.0.1', 0);
    const { version } = createRequire(import.meta.url)('uWebSockets.js/package.json') as { version: string };
    return {
      port,
      version,
      settings,
      processes: [],
      publish(topic, ticks) {
        last[topic] = ticks;
        app.publish(topics[topic], ticks, true);
      },
      flush() {},
      isFull: () => false,
      async stop() {
        closeListenSocket(socket);
        app.close();
      },
    };
  },

  protocol: plainProtocol,
};
