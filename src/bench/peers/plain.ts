/**
 * What a server of one's own speaks: the client sends `{"subscribe": "*"}` or a list of symbol ids as text, the
 * server answers `{"subscribed": n, "last": base64}` with the last tick of each, and then sends ticks in binary messages.
 */
import { BadFrame } from '../../wire/packed.js';
import { clientFrame, type DialectEvents } from '../harness/dialect.js';
import type { PeerClients } from './peer.js';
import { Opcode, type PeerReader, type Protocol } from './reader.js';

export function plainProtocol(reader: PeerReader, options: PeerClients, events: DialectEvents): Protocol {
  return {
    path: '/',
    subprotocol: null,
    upgraded(client) {
      const ids = options.watchedIds[client];
      const subscribe = ids.length === options.symbols ? '*' : ids;
      events.send(client, clientFrame(Opcode.text, Buffer.from(JSON.stringify({ subscribe }))));
    },
    text(client, bytes) {
      const { subscribed, last } = JSON.parse(bytes.toString()) as { subscribed: number; last: string };
      if (!(subscribed > 0)) throw new BadFrame('the server did not subscribe the client');
      if (last !== '') reader.stateOf(client, Buffer.from(last, 'base64'));
      events.subscribed(client);
    },
    binary(client, from, end, isEnd) {
      const next = reader.ticks(client, from, end);
      if (isEnd && next !== end) throw new BadFrame('a message does not end with a tick');
      return next;
    },
    reset() {},
  };
}

/** The subscription that a client asks for: symbol ids, or null for all. */
export function readSubscribe(message: string): number[] | null {
  const { subscribe } = JSON.parse(message) as { subscribe: number[] | '*' };
  return subscribe === '*' ? null : subscribe;
}

/** The server's answer to it. */
export function writeSubscribed(subscribed: number, last: Buffer[]): string {
  return JSON.stringify({ subscribed, last: Buffer.concat(last).toString('base64') });
}
