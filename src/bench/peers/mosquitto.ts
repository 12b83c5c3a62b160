/** MQTT: Debian's mosquitto over WebSocket, QoS 0, the last value of each symbol retained. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BadFrame } from '../../wire/packed.js';
import { clientFrame } from '../harness/dialect.js';
import { Outflow } from './outflow.js';
import { BOOK, CLIENT_BYTES_MAX, type Peer } from './peer.js';
import { Opcode } from './reader.js';
import { findProgram, freePort, listening, startServer, versionOf } from './servers.js';

/** Types of packets, in the upper four bits of their first byte. */
const Packet = { connect: 1, connack: 2, publish: 3, subscribe: 8, suback: 9 } as const;
const RETAIN = 1;
/** Of a packet's flags where the standard wants them so. */
const SUBSCRIBE_FLAGS = 2;
const MQTT_3_1_1 = 4;
const CLEAN_SESSION = 2;
/** Packets that mosquitto holds for a client before it drops those of QoS 0. */
const QUEUED_MAX = 500_000;

function topicOf(topic: number): string {
  return topic === BOOK ? 'book' : `t/${topic}`;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const head = Buffer.alloc(2);
  head.writeUInt16BE(bytes.length);
  return Buffer.concat([head, bytes]);
}

function lengthOf(bytes: number): Buffer {
  const digits: number[] = [];
  let rest = bytes;
  do {
    digits.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return Buffer.from(digits);
}

function packet(type: number, flags: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(type << 4) | flags]), lengthOf(body.length), body]);
}

/** Without keep-alive, as connections here are quiet for as long as nothing is measured. */
function connectPacket(id: string): Buffer {
  return packet(
    Packet.connect,
    0,
    Buffer.concat([text('MQTT'), Buffer.from([MQTT_3_1_1, CLEAN_SESSION, 0, 0]), text(id)]),
  );
}

function subscribePacket(topics: string[]): Buffer {
  const parts = topics.flatMap((topic) => [text(topic), Buffer.from([0])]);
  return packet(Packet.subscribe, SUBSCRIBE_FLAGS, Buffer.concat([Buffer.from([0, 1]), ...parts]));
}

export const mosquitto: Peer = {
  what: 'mosquitto over WebSocket, one topic a symbol, QoS 0, retained',
  keepsLast: true,
  missing: () => (findProgram('mosquitto') === null ? 'mosquitto (Debian: mosquitto)' : null),

  async start({ symbols, folder, batched }) {
    const port = await freePort();
    const wsPort = await freePort();
    const settings = {
      set_tcp_nodelay: true,
      persistence: false,
      max_queued_messages: QUEUED_MAX,
      max_queued_bytes: CLIENT_BYTES_MAX,
      log_type: 'none',
    };
    const file = join(folder, 'mosquitto.conf');
    const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}`);
    const listeners = [`listener ${port} 127.0.0.1`, `listener ${wsPort} 127.0.0.1`, 'protocol websockets'];
    writeFileSync(file, [...lines, 'allow_anonymous true', ...listeners, ''].join('\n'));
    const program = findProgram('mosquitto')!;
    const server = startServer(program, ['-c', file]);
    await listening(server, wsPort);
    const out = await Outflow.connect(port);
    out.onData(() => {});
    out.write(connectPacket('publisher'));
    const retain = batched ? 0 : RETAIN;
    const topics = Array.from({ length: symbols + 1 }, (_, topic) => text(topicOf(topic)));
    const first = Buffer.from([(Packet.publish << 4) | retain]);
    return {
      port: wsPort,
      version: versionOf(program, ['-h']),
      settings: { ...settings, qos: 0, retain: retain === RETAIN, topics: batched ? 'book' : 't/<symbol>' },
      processes: [{ name: 'mosquitto', pid: server.pid! }],
      publish(topic, ticks) {
        out.add(first);
        out.add(lengthOf(topics[topic].length + ticks.length));
        out.add(topics[topic]);
        out.add(ticks);
      },
      flush: () => out.flush(),
      isFull: () => out.isFull(),
      async stop() {
        out.end();
        await server.stop();
      },
    };
  },

  protocol(reader, { watchedIds, symbols, batched, clients }, events) {
    const { memory } = reader;
    /** By client: bytes of ticks of the present packet that are still to come, and whether they are retained ones. */
    const left = new Float64Array(clients);
    const isState = new Uint8Array(clients);

    function control(client: number, type: number, bytes: Buffer): void {
      const ids = watchedIds[client];
      if (type === Packet.connack) {
        if (bytes[1] !== 0) throw new BadFrame(`MQTT: the connection was refused with ${bytes[1]}`);
        const topics = batched ? ['book'] : ids.length === symbols ? ['t/+'] : ids.map(topicOf);
        events.send(client, clientFrame(Opcode.binary, subscribePacket(topics)));
      } else if (type === Packet.suback) events.subscribed(client);
      else throw new BadFrame(`MQTT: packet of type ${type}`);
    }

    /** Reads a packet up to its ticks; returns where they begin, -1 if that is cut off. */
    function head(client: number, from: number, end: number): number {
      let at = from + 1;
      let bytes = 0;
      for (let shift = 0; ; shift += 7) {
        if (at >= end) return -1;
        const digit = memory[at++];
        bytes |= (digit & 0x7f) << shift;
        if (digit < 0x80) break;
      }
      const type = memory[from] >>> 4;
      if (type !== Packet.publish) {
        if (at + bytes > end) return -1;
        control(client, type, memory.subarray(at, at + bytes));
        return at + bytes;
      }
      if (at + 2 > end) return -1;
      const topicBytes = 2 + ((memory[at] << 8) | memory[at + 1]);
      if (at + topicBytes > end) return -1;
      left[client] = bytes - topicBytes;
      isState[client] = memory[from] & RETAIN;
      return at + topicBytes;
    }

    return {
      path: '/mqtt',
      subprotocol: 'mqtt',
      upgraded(client) {
        events.send(client, clientFrame(Opcode.binary, connectPacket(`c${client}`)));
      },
      text() {
        throw new BadFrame('MQTT sends no text frames');
      },
      binary(client, from, end) {
        let at = from;
        while (at < end) {
          if (left[client] > 0) {
            const until = Math.min(end, at + left[client]);
            const next =
              isState[client] === 1 ? reader.state(client, at, until) : reader.ticks(client, at, until);
            left[client] -= next - at;
            at = next;
            if (left[client] > 0) return at;
          } else {
            const next = head(client, at, end);
            if (next < 0) return at;
            at = next;
          }
        }
        return at;
      },
      reset(client) {
        left[client] = 0;
      },
    };
  },
};
