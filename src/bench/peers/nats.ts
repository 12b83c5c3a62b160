/**
 * NATS: Debian's nats-server with its WebSocket listener, one subject a symbol. It keeps no last values. With
 * JetStream each tick is stored in a file too, as ours are in the log; clients then get it as they do without.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BadFrame } from '../../wire/packed.js';
import { clientFrame, type DialectEvents } from '../harness/dialect.js';
import { JetStream, streamSettings } from './jetstream.js';
import { Outflow } from './outflow.js';
import { BOOK, type Peer, type PeerClients, type PeerStart, type RunningPeer } from './peer.js';
import { Opcode, type PeerReader, type Protocol } from './reader.js';
import { findProgram, freePort, listening, startServer, versionOf } from './servers.js';
import { TICK_BYTES } from './tick.js';

const CR = 13;
const SPACE = 32;
const ZERO = 48;
const LETTER_M = 77;
const CRLF = Buffer.from('\r\n');
/** Bytes of a message's line that are enough for any of ours. */
const LINE_BYTES_MAX = 256;
/** nats-server's default, stated: what it holds for a client before it is a slow consumer and is cut off. */
const MAX_PENDING_BYTES = 64 * 1024 * 1024;
const CONNECT =
  'CONNECT {"verbose":false,"pedantic":false,"lang":"tickwire-bench","version":"1","protocol":1}';

function subject(topic: number): string {
  return topic === BOOK ? 'book' : `t.${topic}`;
}

export const nats: Peer = {
  what: 'nats-server, one subject a symbol, WebSocket listener',
  ...common(false),
};

export const jetstream: Peer = {
  what: 'nats-server with every tick in a JetStream file, one subject a symbol, WebSocket listener',
  ...common(true),
};

function common(stores: boolean): Omit<Peer, 'what'> {
  return {
    keepsLast: false,
    missing: () => (findProgram('nats-server') === null ? 'nats-server (Debian: nats-server)' : null),
    start: (options) => start(options, stores),
    protocol,
  };
}

async function start(
  { symbols, connections, folder, batched }: PeerStart,
  stores: boolean,
): Promise<RunningPeer> {
  const port = await freePort();
  const wsPort = await freePort();
  const settings = {
    'websocket.compression': false,
    max_connections: connections + 16,
    max_pending: MAX_PENDING_BYTES,
    write_deadline: '10s',
  };
  const file = join(folder, 'nats.conf');
  writeFileSync(
    file,
    [
      `listen: "127.0.0.1:${port}"`,
      `websocket { listen: "127.0.0.1:${wsPort}", no_tls: true, compression: false }`,
      `max_connections: ${settings.max_connections}`,
      `max_pending: ${settings.max_pending}`,
      `write_deadline: "${settings.write_deadline}"`,
      ...(stores ? [`jetstream { store_dir: "${join(folder, 'jetstream')}" }`] : []),
    ].join('\n'),
  );
  const program = findProgram('nats-server')!;
  const server = startServer(program, ['-c', file]);
  await listening(server, wsPort);
  const out = await Outflow.connect(port);
  const stream = stores ? new JetStream(out) : null;
  out.onData((data) => {
    if (stream !== null) {
      stream.take(data);
      return;
    }
    // The server asks now and then whether its client is there.
    if (data.includes('PING')) out.write(Buffer.from('PONG\r\n'));
    if (data.includes('-ERR')) throw new Error(`nats-server said ${data.toString('latin1').trim()}`);
  });
  out.write(Buffer.from(`${CONNECT}\r\n`));
  await stream?.create([subject(BOOK), 't.*']);
  const reply = stream === null ? '' : `${stream.inbox} `;
  const heads = Array.from({ length: symbols + 1 }, (_, topic) => `PUB ${subject(topic)} ${reply}`);
  const single = heads.map((head) => Buffer.from(`${head}${TICK_BYTES}\r\n`));
  return {
    port: wsPort,
    version: versionOf(program, ['--version']),
    settings: {
      ...settings,
      subjects: batched ? 'book' : 't.<symbol>',
      ...(stores ? streamSettings : {}),
    },
    processes: [{ name: 'nats-server', pid: server.pid! }],
    publish(topic, ticks) {
      const head = ticks.length === TICK_BYTES ? single[topic] : `${heads[topic]}${ticks.length}\r\n`;
      out.add(typeof head === 'string' ? Buffer.from(head) : head);
      out.add(ticks);
      out.add(CRLF);
      stream?.sent();
    },
    flush: () => out.flush(),
    isFull: () => out.isFull() || stream?.isFull === true,
    isBehind: () => stream?.isBehind === true,
    async stop() {
      out.end();
      await server.stop();
    },
  };
}

function protocol(
  reader: PeerReader,
  { watchedIds, symbols, batched, clients }: PeerClients,
  events: DialectEvents,
): Protocol {
  const { memory } = reader;
  /** By client: bytes of the present message that are still to come, its line end with them. */
  const body = new Float64Array(clients);

  /** Reads a line that is no message. */
  function line(client: number, text: string): void {
    if (text.startsWith('PING')) events.send(client, clientFrame(Opcode.binary, Buffer.from('PONG\r\n')));
    else if (text.startsWith('PONG')) events.subscribed(client);
    else if (text.startsWith('-ERR')) events.fault(client, text);
    else if (!text.startsWith('INFO') && !text.startsWith('+OK')) throw new BadFrame(`NATS: ${text}`);
  }

  /** Reads the line of a message; returns where its payload begins, -1 if it is cut off. */
  function messageLine(client: number, from: number, end: number): number {
    let at = from + 4;
    while (at < end && memory[at] !== SPACE) at++;
    at++;
    while (at < end && memory[at] !== SPACE) at++;
    at++;
    let bytes = 0;
    // What is before the last space is a subject to reply to.
    for (; at < end && memory[at] !== CR; at++)
      bytes = memory[at] === SPACE ? 0 : bytes * 10 + memory[at] - ZERO;
    if (at + 2 > end) {
      if (end - from > LINE_BYTES_MAX) throw new BadFrame('NATS: a line without an end');
      return -1;
    }
    body[client] = bytes + 2;
    return at + 2;
  }

  return {
    path: '/',
    subprotocol: null,
    upgraded(client) {
      const ids = watchedIds[client];
      const subjects = batched ? ['book'] : ids.length === symbols ? ['t.*'] : ids.map(subject);
      const lines = [CONNECT, ...subjects.map((name, i) => `SUB ${name} ${i + 1}`), 'PING', ''];
      events.send(client, clientFrame(Opcode.binary, Buffer.from(lines.join('\r\n'))));
    },
    text() {
      throw new BadFrame('NATS sends no text frames');
    },
    binary(client, from, end) {
      let at = from;
      for (;;) {
        if (body[client] > 2) {
          const until = Math.min(end, at + body[client] - 2);
          const next = reader.ticks(client, at, until);
          body[client] -= next - at;
          at = next;
          if (body[client] > 2) return at;
        }
        if (body[client] > 0) {
          if (at + 2 > end) return at;
          body[client] = 0;
          at += 2;
        }
        if (at === end) return at;
        if (memory[at] === LETTER_M) {
          const next = messageLine(client, at, end);
          if (next < 0) return at;
          at = next;
        } else {
          const cr = memory.subarray(at, end).indexOf(CRLF);
          if (cr < 0) return at;
          line(client, memory.toString('latin1', at, at + cr));
          at += cr + 2;
        }
      }
    },
    reset(client) {
      body[client] = 0;
    },
  };
}
