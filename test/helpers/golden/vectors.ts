/**
 * The golden vectors of `fixtures/wire/messages.json`: every message of `/v1/stream`, in each encoding, with
 * what it means. Run compiled, with a folder as its argument, it writes them; the test compares them with
 * what the encoders make today.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { toTick } from '../../../src/core/tick-record.js';
import { jsonControl, tickJson } from '../../../src/wire/json.js';
import { packControl, packTick } from '../../../src/wire/msgpack.js';
import type { ServerMessage, WireSymbol } from '../../../src/wire/ticks.js';
import { batchOf, encode, joinFrames, jsonTick, textOf } from '../wire.js';
import { ANSWERS, HISTORY, REQUESTS, SYMBOLS } from './messages.js';
import { type GoldenBatch, HISTORY_TICKS, TICKS } from './ticks.js';

export interface Vector {
  name: string;
  /** Who sends it. */
  from: 'client' | 'server';
  /** The message's text in JSON. */
  json?: string;
  /** Base64 of its bytes in MessagePack, and in packed where that makes no difference. */
  msgpack?: string;
  /** Base64 of a frame of ticks. */
  packed?: string;
  /** What it means: a control message, or for ticks `{op: 'ticks', batches: […]}`. */
  expect: object;
}

export interface GoldenFile {
  protocol: number;
  /** What `subscribed` and `symbols` have said of wire ids. */
  symbols: WireSymbol[];
  vectors: Vector[];
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

const jsonTicks = ({ records, seqs }: GoldenBatch) =>
  seqs.map((seq, i) => jsonTick({ ...toTick(records, i), seq }));

/** A name, with what distinguishes it from others of its op. */
const named = (op: string, what: string) => (what === '' ? op : `${op}: ${what}`);

function controls(from: Vector['from'], table: Record<string, Record<string, object>>): Vector[] {
  return Object.entries(table).flatMap(([op, examples]) =>
    Object.entries(examples).map(([what, message]) => ({
      name: named(op, what),
      from,
      json: jsonControl(message),
      msgpack: base64(packControl(message)),
      expect: JSON.parse(jsonControl(message)) as object,
    })),
  );
}

function ticks(name: string, batches: GoldenBatch[]): Vector {
  const encoded = (encoding: 'json' | 'msgpack' | 'packed') =>
    batches.map(({ records, seqs, options }) => encode(encoding, records, seqs, options).message);
  const alone = batches.length === 1 && {
    json: textOf(encoded('json')[0]),
    msgpack: base64(encoded('msgpack')[0]),
  };
  return {
    name,
    from: 'server',
    ...alone,
    packed: base64(joinFrames(encoded('packed'))),
    expect: {
      op: 'ticks',
      batches: batches.map((batch) => ({ ...batchOf(batch.options), ticks: jsonTicks(batch) })),
    },
  };
}

function history(): Vector {
  const { records, seqs } = HISTORY_TICKS;
  const text = seqs.map((seq, i) => JSON.parse(tickJson(records, i, seq, HISTORY.symbol)) as object);
  const arrays = seqs.map((seq, i) => packTick(records, i, seq));
  return {
    name: 'history',
    from: 'server',
    json: jsonControl({ ...HISTORY, ticks: text }),
    msgpack: base64(packControl({ ...HISTORY, ticks: arrays })),
    expect: { ...HISTORY, ticks: jsonTicks(HISTORY_TICKS) },
  };
}

function goldenFile(): GoldenFile {
  return {
    protocol: 1,
    symbols: SYMBOLS,
    vectors: [
      ...controls('client', REQUESTS),
      ...controls('server', ANSWERS),
      history(),
      ...Object.entries(TICKS).map(([name, batches]) => ticks(name, batches)),
    ],
  };
}

/** The ops of the server that must have a vector; an op that is forgotten here does not compile. */
export const SERVER_OPS = Object.keys({
  ...ANSWERS,
  history: HISTORY,
} satisfies Record<ServerMessage['op'], object>);
export const CLIENT_OPS = Object.keys(REQUESTS);

/** One vector a line, so that a change shows as the lines that changed. */
export function goldenText(): string {
  const { vectors, ...rest } = goldenFile();
  const head = JSON.stringify(rest).slice(0, -1);
  return `${head},"vectors":[\n${vectors.map((vector) => JSON.stringify(vector)).join(',\n')}\n]}\n`;
}

const [, script, folder] = process.argv;
if (folder !== undefined && import.meta.url === pathToFileURL(script).href) {
  writeFileSync(join(folder, 'messages.json'), goldenText());
}
