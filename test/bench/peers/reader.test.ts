/** What a peer sends is read alike however frames and reads cut it. */
import t from 'tap';
import type { DialectEvents } from '../../../src/bench/harness/dialect.js';
import { LatencySamples } from '../../../src/bench/harness/latency.js';
import { type PeerName, peerDialect } from '../../../src/bench/peers/index.js';
import { TickWriter } from '../../../src/bench/peers/tick.js';
import { Market, STANDARD_MARKET } from '../../../src/feeds/synthetic/index.js';
import { Random } from '../../helpers/random.js';

const SYMBOLS = 5;
const TICKS = 400;
const BINARY = 2;
const TEXT = 1;

/** A frame as a server sends it. */
function framed(opcode: number, payload: Uint8Array | string): Buffer {
  const bytes = Buffer.from(payload as string);
  const head = Buffer.alloc(bytes.length < 126 ? 2 : bytes.length < 0x10000 ? 4 : 10);
  head[0] = 0x80 | opcode;
  head[1] = head.length === 2 ? bytes.length : head.length === 4 ? 126 : 127;
  if (head.length === 4) head.writeUInt16BE(bytes.length, 2);
  if (head.length === 10) head.writeUInt32BE(bytes.length, 6);
  return Buffer.concat([head, bytes]);
}

/** A market's ticks, with the symbol of each. */
function ticks(): { id: number; tick: Buffer; writer: TickWriter }[] {
  const market = new Market({ ...STANDARD_MARKET, symbols: SYMBOLS, tradeShare: 0 });
  const writer = new TickWriter(market);
  return Array.from({ length: TICKS }, (_, i) => {
    const tick = Buffer.alloc(32);
    writer.write(tick, i);
    market.advance();
    return { id: writer.symbolId, tick, writer };
  });
}

type Given = ReturnType<typeof ticks>;

/** Cuts a stream of bytes into frames, with pings between them. */
function inFrames(bytes: Buffer, random: Random): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + 1 + random.below(300));
    frames.push(framed(BINARY, bytes.subarray(at, end)));
    if (random.below(5) === 0) frames.push(framed(9, 'ping'));
    at = end;
  }
  return frames;
}

function mqttPublish(topic: string, payload: Buffer): Buffer {
  const length = 2 + topic.length + payload.length;
  const digits = length < 128 ? [length] : [(length & 0x7f) | 0x80, length >>> 7];
  return Buffer.concat([Buffer.from([0x30, ...digits, 0, topic.length]), Buffer.from(topic), payload]);
}

/** @param reply subject to reply to, which messages have that are acknowledged */
function natsStream(given: Given, random: Random, reply = ''): Buffer[] {
  const message = (subject: string, payload: Buffer) =>
    Buffer.concat([
      Buffer.from(`MSG ${subject} 1 ${reply}${payload.length}\r\n`),
      payload,
      Buffer.from('\r\n'),
    ]);
  const head = Buffer.from('INFO {"server_id":"x"}\r\nPONG\r\n');
  const units = messages(given).map(({ id, payload }) => message(`t.${id}`, payload));
  return inFrames(Buffer.concat([head, ...units, Buffer.from('PING\r\n')]), random);
}

/** What each peer sends for the ticks: alone, and then the rest of them in messages of 20. */
const STREAMS: Record<PeerName, (given: Given, random: Random) => Buffer[]> = {
  nats: natsStream,
  jetstream: (given, random) => natsStream(given, random, '_A '),
  mosquitto: (given, random) => {
    const head = Buffer.from([0x20, 2, 0, 0, 0x90, 3, 0, 1, 0]);
    const units = messages(given).map(({ id, payload }) => mqttPublish(`t/${id}`, payload));
    return inFrames(Buffer.concat([head, ...units]), random);
  },
  socketio: (given) => [
    framed(TEXT, '0{"sid":"x"}'),
    framed(TEXT, '40{"sid":"y"}'),
    framed(TEXT, '42["subscribed",5]'),
    framed(TEXT, '2'),
    ...messages(given).flatMap(({ payload }) => [
      framed(TEXT, '451-["t",{"_placeholder":true,"num":0}]'),
      framed(BINARY, payload),
    ]),
  ],
  ws: plain,
  uws: plain,
  redis: plain,
};

function plain(given: Given): Buffer[] {
  return [
    framed(TEXT, '{"subscribed":5,"last":""}'),
    ...messages(given).map(({ payload }) => framed(BINARY, payload)),
  ];
}

function messages(given: Given): { id: number; payload: Buffer }[] {
  const single = given.slice(0, TICKS / 2).map(({ id, tick }) => ({ id, payload: tick }));
  const batches: { id: number; payload: Buffer }[] = [];
  for (let i = TICKS / 2; i < TICKS; i += 20)
    batches.push({ id: 1, payload: Buffer.concat(given.slice(i, i + 20).map(({ tick }) => tick)) });
  return [...single, ...batches];
}

for (const [name, stream] of Object.entries(STREAMS) as [PeerName, (typeof STREAMS)[PeerName]][]) {
  t.test(name, async (t) => {
    const given = ticks();
    const { writer } = given[given.length - 1];
    for (let seed = 1; seed <= 30; seed++) {
      const random = new Random(seed);
      let subscribed = 0;
      const events: DialectEvents = {
        send() {},
        reply() {},
        subscribed: () => subscribed++,
        caughtUpFromLog() {},
        fault: (_, why) => t.fail(why),
        failed: (_, why) => t.fail(why),
      };
      const watchedIds = [0, 1].map(() => [1, 2, 3, 4, 5]);
      const options = { clients: 2, symbols: SYMBOLS, watchedIds, latency: new LatencySamples() };
      const { reader } = peerDialect(name, false, options, events);
      reader.reset(0, 0);
      reader.reset(1, 1);
      const bytes = Buffer.concat(stream(given, random));
      const at = [0, 0];
      while (at[0] < bytes.length || at[1] < bytes.length) {
        for (const client of [0, 1]) {
          const end = Math.min(bytes.length, at[client] + 1 + random.below(seed % 3 === 0 ? 20 : 3000));
          reader.target.set(bytes.subarray(at[client], end));
          reader.take(client, 0, end - at[client]);
          at[client] = end;
        }
      }
      const { check } = reader;
      t.equal(subscribed, 2);
      t.same([...check.delivered], [TICKS, TICKS], `seed ${seed}: all ticks`);
      t.match(check, { lost: 0, reordered: 0 });
      for (const id of [1, 2, 3, 4, 5]) {
        t.equal(check.symbolSeq(1, id), writer.symbolSeqs[id]);
        t.equal(check.check(1, id), writer.checks[id], 'prices');
      }
    }
  });
}

t.test('the state that a newcomer is given counts as nothing', async (t) => {
  const given = ticks();
  const events = { subscribed() {}, send() {}, fault: t.fail, failed: t.fail } as unknown as DialectEvents;
  const options = { clients: 1, symbols: SYMBOLS, watchedIds: [[1]], latency: new LatencySamples() };
  const { reader } = peerDialect('ws', false, options, events);
  reader.reset(0, 0);
  const last = given[TICKS - 1];
  const text = framed(TEXT, JSON.stringify({ subscribed: 1, last: last.tick.toString('base64') }));
  for (const part of [text.subarray(0, 30), text.subarray(30)]) {
    reader.target.set(part);
    reader.take(0, 0, part.length);
  }
  t.same([...reader.check.delivered], [0, 0]);
  t.equal(reader.check.symbolSeq(0, last.id), last.tick.readInt32LE(4));
  t.match(reader.check, { lost: 0, reordered: 0 });
});
