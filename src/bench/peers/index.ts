/** The systems that tickwire is compared with. */
import type { Dialect, DialectEvents, DialectOptions } from '../harness/dialect.js';
import { mosquitto } from './mosquitto.js';
import { jetstream, nats } from './nats.js';
import type { Peer } from './peer.js';
import { PeerReader } from './reader.js';
import { redis } from './redis.js';
import { socketio } from './socketio.js';
import { uws } from './uws.js';
import { ws } from './ws.js';

export const PEERS = { nats, jetstream, redis, mosquitto, ws, socketio, uws } satisfies Record<string, Peer>;
export type PeerName = keyof typeof PEERS;

export function peerOf(name: PeerName): Peer {
  return PEERS[name];
}

/** The peer as the load generator reads it. */
export function peerDialect(
  name: PeerName,
  batched: boolean,
  options: DialectOptions,
  events: DialectEvents,
): Dialect {
  const reader = new PeerReader(options, events);
  const protocol = PEERS[name].protocol(reader, { ...options, batched }, events);
  reader.protocol = protocol;
  return {
    path: protocol.path,
    subprotocol: protocol.subprotocol,
    reader,
    upgraded: (client) => protocol.upgraded(client),
  };
}
