/** The encoded bytes equal the fixtures in `fixtures/wire`. A change of a fixture is a change of the protocol. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { createCodec } from '../../src/client/codec.js';
import { PlainReader } from '../../src/client/plain-reader.js';
import { parseMessage } from '../../src/fanout/session/requests.js';
import { jsonControl } from '../../src/wire/json.js';
import { unpackMessage } from '../../src/wire/msgpack.js';
import { ENCODINGS, type Encoding, type History, type TicksMessage } from '../../src/wire/ticks.js';
import {
  CLIENT_OPS,
  type GoldenFile,
  goldenText,
  SERVER_OPS,
  type Vector,
} from '../helpers/golden/vectors.js';
import { jsonTick, NAMES, plain } from '../helpers/wire.js';

// The compiled file is one folder deeper than the source.
const FILE = resolve(dirname(fileURLToPath(import.meta.url)), '../../../fixtures/wire/messages.json');
const text = readFileSync(FILE, 'utf8');
const { vectors, symbols } = JSON.parse(text) as GoldenFile;
const idOf = new Map([['$engine', 0], ...symbols.map((s) => [s.symbol, s.symbolId] as const)]);

/** The message as a WebSocket delivers it; undefined where the fixture has none in the encoding. */
function received(vector: Vector, encoding: Encoding): string | Uint8Array | undefined {
  if (encoding === 'json') return vector.json;
  const bytes = encoding === 'packed' ? (vector.packed ?? vector.msgpack) : vector.msgpack;
  return bytes === undefined ? undefined : new Uint8Array(Buffer.from(bytes, 'base64'));
}

/** A message decoded by the client, in the form of `expect`. */
function decode(encoding: Encoding, message: string | Uint8Array): unknown {
  const { reader, decode } = createCodec(encoding, NAMES.digits);
  const tickOf = (r: Pick<typeof reader, 'tick' | 'symbol'>) =>
    jsonTick({
      ...plain(r.tick),
      symbolId: r.symbol === undefined ? r.tick.symbolId : (idOf.get(r.symbol) ?? -1),
    });
  const control = decode(message);
  if (control?.op === 'history') {
    const { ticks: _, ...rest } = control;
    return { ...rest, ticks: historyTicks(control).map(tickOf) };
  }
  if (control !== undefined) return JSON.parse(jsonControl(control));
  const batches: object[] = [];
  while (reader.nextBatch()) {
    const { sub, epoch, shard, snapshot } = reader;
    const cursor = reader.cursor();
    const ticks: object[] = [];
    while (reader.nextRecord()) ticks.push(tickOf(reader));
    const cursorText = typeof cursor === 'string' ? cursor : Buffer.from(cursor).toString('base64url');
    batches.push({ sub, epoch, shard, cursor: cursorText, snapshot, ticks });
  }
  return { op: 'ticks', batches };
}

/** A decoded request. The client's decoders read only messages of the server. */
function readRequest(message: string | Uint8Array): unknown {
  return JSON.parse(typeof message === 'string' ? message : jsonControl(unpackMessage(message) as object));
}

/** The ticks of an answer, each decoded by a reader of its own, in the form of a batch. */
function historyTicks(history: History): PlainReader[] {
  return history.ticks.map((tick) => {
    const reader = new PlainReader();
    const head = { op: 'ticks', sub: 0, epoch: history.epoch, shard: history.shard, cursor: '' } as const;
    reader.reset({ ...head, ticks: [tick] } as TicksMessage);
    reader.nextBatch();
    reader.nextRecord();
    return reader;
  });
}

t.test('the encoders produce exactly these bytes', async (t) => {
  t.equal(
    goldenText(),
    text,
    'after an intended change run: node dist/test/helpers/golden/vectors.js fixtures/wire',
  );
});

t.test('the decoders read these bytes', async (t) => {
  const seen = new Set<string>();
  for (const vector of vectors) {
    for (const encoding of ENCODINGS) {
      const message = received(vector, encoding);
      if (message === undefined) continue;
      seen.add(encoding);
      const read = vector.from === 'server' ? decode(encoding, message) : readRequest(message);
      t.strictSame(read, vector.expect, `${vector.name} in ${encoding}`);
    }
  }
  t.same([...seen].sort(), [...ENCODINGS].sort());
});

t.test('every kind of message has a fixture', async (t) => {
  const opsOf = (from: Vector['from']) =>
    new Set(vectors.filter((v) => v.from === from).map((v) => (v.expect as { op: string }).op));
  t.same([...opsOf('client')].sort(), [...CLIENT_OPS].sort());
  t.same([...opsOf('server')].sort(), [...SERVER_OPS, 'ticks'].sort());
});

t.test('the server accepts the requests', async (t) => {
  for (const vector of vectors.filter(({ from }) => from === 'client')) {
    for (const encoding of ENCODINGS) {
      const message = received(vector, encoding)!;
      const binary = typeof message !== 'string';
      const bytes = binary ? message : new TextEncoder().encode(message);
      const parsed = parseMessage(bytes.buffer as ArrayBuffer, binary, encoding);
      const plain = JSON.parse(jsonControl(parsed)) as { request?: object };
      t.match(plain.request, vector.expect, `${vector.name} in ${encoding}`);
    }
  }
});
