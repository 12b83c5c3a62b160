/** What a hostile or broken client may send: nearly valid requests, garbage, and abuse of the framing. */
import fc from 'fast-check';
import { cursorToText } from '../../src/wire/cursor.js';
import { packControl } from '../../src/wire/msgpack.js';
import type { Encoding } from '../../src/wire/ticks.js';
import { LOG_ID } from './fanout.js';
import { frame, Opcode } from './raw-socket.js';

export interface FuzzMessage {
  payload: Buffer;
  /** Whether it is a whole request, so that its id can be read. */
  isRequest: boolean;
}

/** One step of a client. */
export interface FuzzStep {
  /** Bytes as they go over TCP. */
  frames: Buffer[];
  /** Messages among them: each is answered once. */
  messages: FuzzMessage[];
  /** Whether the protocol layer cuts the connection off, without a close frame. */
  isViolation: boolean;
  /** Ticks that flow meanwhile. */
  ticks: number;
}

type Json = Record<string, unknown>;

const HUGE = 'x'.repeat(100_000);
const hostile = fc.oneof(
  fc.constantFrom<unknown>(Number.NaN, Number.POSITIVE_INFINITY, -0, 2 ** 53, -1, 1e308, 0.5, 4_294_967_296),
  fc.constantFrom<unknown>('', '__proto__', 'constructor', '\0', '\ud800', HUGE, '*'.repeat(128), 'max'),
  fc.constantFrom<unknown>(null, true, [], {}, [[]], [null], { length: 1e9 }),
  fc.string(),
  fc.double(),
  fc.array(fc.string(), { maxLength: 4 }),
  fc.dictionary(fc.string(), fc.integer(), { maxKeys: 3 }),
);

const START_NS = '1790000000000000000';
const from = fc.constantFrom<unknown>(
  null,
  START_NS,
  1.79e18,
  '2026-09-21T14:13:20.5Z',
  '1900-01-01',
  '9999-12-31T23:59:59Z',
  'AQAAAAAAAAAAAAAAAAAAAA',
  cursorToText({ logId: LOG_ID, epoch: 1, seqs: [0] }),
  cursorToText({ logId: LOG_ID, epoch: 1, seqs: [100] }),
  cursorToText({ logId: LOG_ID, epoch: 1, seqs: [2 ** 53 - 1] }),
  cursorToText({ logId: LOG_ID, epoch: 1, seqs: [0, 0] }),
  cursorToText({ logId: LOG_ID, epoch: 9, seqs: [0] }),
  cursorToText({ logId: 'fedcba9876543210', epoch: 1, seqs: [0] }),
);
const symbols = fc.oneof(
  fc.array(fc.constantFrom('S0', 'S1', 'S*', '*', 'NOPE', '**', '*0', '$engine', '__proto__'), {
    minLength: 1,
    maxLength: 5,
  }),
  fc.constant(Array.from({ length: 10_001 }, () => 'S0')),
  fc.constant(Array.from({ length: 65 }, (_, i) => `${i}*`)),
);
const sub = fc.integer({ min: 0, max: 4 });
const symbolSeq = fc.constantFrom(0, 1, 5, 40, 5_000, 0xffff_ffff);
const speed = fc.constantFrom<unknown>('max', 1, 1e-9, 1_000, 1e6);

type Fields = Record<string, fc.Arbitrary<unknown>>;
/** Each operation with the fields that it needs, and those that it may have. */
const operations: Record<string, { needed: Fields; optional: Fields }> = {
  subscribe: {
    needed: { symbols },
    optional: {
      mode: fc.constantFrom('latest', 'every'),
      kinds: fc.subarray(['quote', 'trade', 'status', 'gap'], { minLength: 1 }),
      intervalMs: fc.constantFrom(0, 1, 3_600_000),
      snapshot: fc.boolean(),
      from,
      speed,
      deliver: fc.constantFrom('published', 'durable'),
    },
  },
  unsubscribe: { needed: { sub }, optional: {} },
  pause: { needed: { sub }, optional: {} },
  resume: { needed: { sub }, optional: {} },
  seek: { needed: { sub }, optional: { from, speed } },
  history: {
    needed: { symbol: fc.constantFrom('S0', 'S1', 'NOPE'), fromSymbolSeq: symbolSeq, toSymbolSeq: symbolSeq },
    optional: {
      epoch: fc.constantFrom(1, 2, 77),
      fromSeq: fc.constantFrom(0, 1, 100),
      toSeq: fc.constantFrom(0, 50, Number.MAX_SAFE_INTEGER),
    },
  },
  auth: { needed: { token: fc.constantFrom('', 'a-token-of-the-desk', HUGE) }, optional: {} },
  ping: { needed: {}, optional: {} },
};

/** A field that is good, hostile or left out, in these shares. */
function field(value: fc.Arbitrary<unknown>, present: number, absent: number): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: present, arbitrary: value },
    { weight: 1, arbitrary: hostile },
    { weight: absent, arbitrary: fc.constant(undefined) },
  );
}

function fieldsOf(op: string): fc.Arbitrary<Json> {
  const { needed, optional } = operations[op];
  return fc
    .record({
      ...Object.fromEntries(Object.entries(needed).map(([name, value]) => [name, field(value, 30, 1)])),
      ...Object.fromEntries(Object.entries(optional).map(([name, value]) => [name, field(value, 10, 20)])),
    })
    .map((fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)));
}

/** Requests of which most fields are good, some hostile, some missing, some unheard of. */
const request: fc.Arbitrary<Json> = fc
  .constantFrom('subscribe', 'subscribe', 'seek', 'seek', ...Object.keys(operations))
  .chain((op) =>
    fc.record({
      op: fc.oneof({ weight: 30, arbitrary: fc.constant<unknown>(op) }, { weight: 1, arbitrary: hostile }),
      id: fc.oneof({ weight: 8, arbitrary: fc.nat() }, { weight: 4, arbitrary: fc.string() }, hostile),
      fields: fieldsOf(op),
      more: fc.option(fc.record({ toString: hostile, unheardOf: hostile }), { freq: 8 }),
    }),
  )
  .map(({ op, id, fields, more }) => ({ op, id, ...fields, ...(more ?? {}) }));

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

/** Texts that are JSON, or nearly, but not quite requests. */
const brokenText = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      '{"op":"ping","op":"subscribe","id":1,"id":2}',
      '{"__proto__":{"op":"ping","id":3},"id":4}',
      '{"op":"ping","id":5,"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
      '{"op":"ping","id":1e999}',
      '{"op":"ping","id":-0}',
      '{"op":"ping","id":9007199254740993}',
      '{"op":"subscribe","id":6,"symbols":{"length":1e9}}',
      '',
      ' ',
      'null',
      '[]',
      '[{"op":"ping","id":1}]',
      '"ping"',
      '\ufeff{"op":"ping","id":7}',
      '{"op":"ping","id":8}{"op":"ping","id":9}',
      '{"op":"ping","id":',
      '['.repeat(50_000),
      `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
      `{"op":"ping","id":10,"deep":${'['.repeat(2_000)}${']'.repeat(2_000)}}`,
    ),
  },
  { weight: 2, arbitrary: fc.string({ maxLength: 200 }) },
  { weight: 1, arbitrary: fc.json() },
);

const packed = request.map((message) => Buffer.from(packControl(message)));
/** Bytes that are MessagePack, or nearly, but not quite requests. */
const brokenBytes = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.tuple(packed, fc.nat()).map(([bytes, at]) => bytes.subarray(0, at % (bytes.length + 1))),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(packed, fc.nat(), fc.nat(255)).map(([bytes, at, byte]) => {
      const changed = Buffer.from(bytes);
      changed[at % changed.length] = byte;
      return changed;
    }),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      Buffer.alloc(0),
      Buffer.from([0xc1]),
      Buffer.from([0xc1, 1, 0, 0, 0, 0, 0, 0]),
      Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]),
      Buffer.from([0xdf, 0xff, 0xff, 0xff, 0xff]),
      Buffer.from([0xdb, 0xff, 0xff, 0xff, 0xff]),
      Buffer.from([0xc6, 0xff, 0xff, 0xff, 0xff]),
      Buffer.from([0xc7, 0xff, 0x01]),
      Buffer.from([0xd4, 0x72, 0x40]),
      Buffer.from([0xd6, 0xff, 0, 0, 0, 0]),
      Buffer.alloc(10_000, 0x91),
      Buffer.alloc(10_000, 0x81),
      // The same key twice; keys that are no text; keys of the prototype; text that is not UTF-8.
      Buffer.concat([Buffer.from([0x84]), ...['op', 'ping', 'id', 1, 'op', 'pong', 'id', 2].map(pack)]),
      Buffer.concat([Buffer.from([0x83, 0x01, 0x02]), ...['op', 'ping', 'id', 11].map(pack)]),
      Buffer.concat([Buffer.from([0x83]), ...['__proto__', { id: 1 }, 'op', 'ping', 'id', 12].map(pack)]),
      Buffer.concat([
        Buffer.from([0x82]),
        ...['op', 'ping', 'id'].map(pack),
        Buffer.from([0xa2, 0xff, 0xfe]),
      ]),
      Buffer.concat([
        Buffer.from([0x82]),
        ...['op', 'ping', 'id'].map(pack),
        Buffer.from([0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]),
      ]),
      pack({ op: 'ping', id: 13, deep: nested(20) }),
      pack([{ op: 'ping', id: 14 }]),
      pack({ op: 'ping', id: 2n ** 60n }),
    ),
  },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)) },
);

function pack(value: unknown): Buffer {
  return Buffer.from(packControl(value as object));
}

/** Frames that end the connection at the protocol layer. */
const violation = fc.constantFrom<Buffer[]>(
  [frame(Opcode.text, Buffer.from([0xff, 0xfe]))],
  [frame(3, 'reserved opcode')],
  [frame(Opcode.binary, 'reserved bits', { reserved: 4 })],
  [frame(Opcode.ping, Buffer.alloc(126))],
  [frame(Opcode.ping, 'p', { final: false })],
  [frame(Opcode.continuation, 'of nothing')],
  [frame(Opcode.binary, 'x', { length: 2 ** 31 })],
  [frame(Opcode.binary, 'x', { length: 2 ** 53 })],
  [frame(Opcode.binary, Buffer.alloc(600 * 1024))],
  [frame(Opcode.text, 'not masked, not masked', { masked: false }), Buffer.alloc(64, 0xff)],
  [Buffer.from('GET / HTTP/1.1\r\n\r\n')],
);

const ticks = fc.nat(20);

interface Sent extends FuzzMessage {
  opcode: number;
}

function message(encoding: Encoding): fc.Arbitrary<Sent> {
  const isJson = encoding === 'json';
  const [own, other] = isJson ? [Opcode.text, Opcode.binary] : [Opcode.binary, Opcode.text];
  const texts = brokenText.map((text) => Buffer.from(text, 'utf8'));
  const whole = isJson ? request.map((body) => Buffer.from(JSON.stringify(body))) : packed;
  return fc.oneof(
    { weight: 16, arbitrary: whole.map((payload) => ({ payload, opcode: own as number, isRequest: true })) },
    {
      weight: 6,
      arbitrary: (isJson ? texts : brokenBytes).map((payload) => ({
        payload,
        opcode: own as number,
        isRequest: false,
      })),
    },
    {
      weight: 1,
      arbitrary: (isJson ? brokenBytes : texts).map((payload) => ({
        payload,
        opcode: other as number,
        isRequest: false,
      })),
    },
  );
}

function step(frames: Buffer[], messages: FuzzMessage[], ticks: number, isViolation = false): FuzzStep {
  return { frames, messages, isViolation, ticks };
}

/** A client's steps; the last one may be a violation. */
export function fuzzSteps(encoding: Encoding): fc.Arbitrary<FuzzStep[]> {
  const whole = fc
    .tuple(message(encoding), ticks)
    .map(([sent, n]) => step([frame(sent.opcode, sent.payload)], [sent], n));
  const fragmented = fc.tuple(message(encoding), fc.nat(), ticks).map(([sent, at, n]) => {
    const { opcode, payload } = sent;
    const cut = at % (payload.length + 1);
    const frames = [
      frame(opcode, payload.subarray(0, cut), { final: false }),
      frame(Opcode.ping, 'between'),
      frame(Opcode.continuation, payload.subarray(cut)),
    ];
    return step(frames, [sent], n);
  });
  const flood = fc
    .tuple(
      fc.constantFrom(Opcode.ping, Opcode.pong),
      fc.integer({ min: 1, max: 50 }),
      fc.uint8Array({ maxLength: 8 }),
      ticks,
    )
    .map(([opcode, count, payload, n]) =>
      step(
        Array.from({ length: count }, () => frame(opcode, payload)),
        [],
        n,
      ),
    );
  const last = fc.tuple(violation, ticks).map(([frames, n]) => step(frames, [], n, true));
  const any = fc.oneof(
    { weight: 10, arbitrary: whole },
    { weight: 2, arbitrary: fragmented },
    { weight: 1, arbitrary: flood },
  );
  return fc
    .tuple(fc.array(any, { minLength: 1, maxLength: 40 }), fc.option(last, { freq: 3 }))
    .map(([steps, end]) => (end === null ? steps : [...steps, end]));
}
