/** Decodes and checks the requests of clients. */
import { z } from 'zod';
import { SPEED_MAX } from '../../core/limits.js';
import { KIND_NAMES, type KindName } from '../../core/tick.js';
import { digitsHint } from '../../core/time-text.js';
import { unpackMessage } from '../../wire/msgpack.js';
import type { Encoding, RequestId } from '../../wire/ticks.js';
import {
  CURSOR_LENGTH_MAX,
  complaintOf,
  ID_LENGTH_MAX,
  INTERVAL_MS_MAX,
  PATTERN_LENGTH_MAX,
  SYMBOL_SEQ_MAX,
  TOKEN_LENGTH_MAX,
} from './complaint.js';
import { isPlainMsgpack } from './msgpack-check.js';

const id = z.union([z.string().max(ID_LENGTH_MAX), z.number()]);
const sub = z.number();
const from = z
  .union([z.string().max(CURSOR_LENGTH_MAX), z.int().min(0), z.bigint().min(0n)])
  .refine((value) => digitsHint(String(value)) === '')
  .nullish();
const speed = z.union([z.literal('max'), z.number().positive().max(SPEED_MAX)]);
const symbolSeq = z.int().min(0).max(SYMBOL_SEQ_MAX);
const seq = z.int().min(0).optional();
const subscribe = z.object({
  op: z.literal('subscribe'),
  id,
  symbols: z.array(z.string().min(1).max(PATTERN_LENGTH_MAX)).min(1),
  mode: z.enum(['latest', 'every']).default('latest'),
  kinds: z
    .array(z.enum(KIND_NAMES as [KindName, ...KindName[]]))
    .min(1)
    .default([...KIND_NAMES]),
  intervalMs: z.number().min(0).max(INTERVAL_MS_MAX).default(0),
  snapshot: z.boolean().default(true),
  from,
  speed: speed.default('max'),
  deliver: z.enum(['published', 'durable']).default('published'),
});
const seek = z.object({ op: z.literal('seek'), id, sub, from, speed: speed.optional() });
const history = z
  .object({
    op: z.literal('history'),
    id,
    symbol: z.string().min(1).max(PATTERN_LENGTH_MAX),
    epoch: z.int().min(1).max(SYMBOL_SEQ_MAX).optional(),
    fromSymbolSeq: symbolSeq,
    toSymbolSeq: symbolSeq,
    fromSeq: seq,
    toSeq: seq,
  })
  .refine(({ fromSymbolSeq, toSymbolSeq }) => ((toSymbolSeq - fromSymbolSeq) | 0) >= 0, {
    error: 'fromSymbolSeq lies after toSymbolSeq: exchange them.',
  });
const request = z.discriminatedUnion('op', [
  subscribe,
  z.object({ op: z.literal('unsubscribe'), id, sub }),
  z.object({ op: z.literal('pause'), id, sub }),
  z.object({ op: z.literal('resume'), id, sub }),
  seek,
  history,
  z.object({ op: z.literal('auth'), id, token: z.string().max(TOKEN_LENGTH_MAX) }),
  z.object({ op: z.literal('ping'), id }),
]);
const OPS = request.options.map((option) => option.shape.op.value);

export type Subscribe = z.output<typeof subscribe>;
export type Seek = z.output<typeof seek>;
export type HistoryQuestion = z.output<typeof history>;
export type Request = z.output<typeof request>;

export type Parsed =
  | { request: Request }
  | { error: { id: RequestId | null; code: 'bad_message' | 'bad_request'; message: string } };

const text = new TextDecoder('utf-8', { fatal: true });

/** Decodes and checks one message of a client. Never throws. */
export function parseMessage(message: ArrayBuffer, isBinary: boolean, encoding: Encoding): Parsed {
  let value: unknown;
  try {
    value = encoding === 'json' ? parse(message, isBinary) : unpack(message, isBinary);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('no map');
  } catch {
    const wanted =
      encoding === 'json' ? 'a JSON object in a text message' : 'a MessagePack map in a binary message';
    return { error: { id: null, code: 'bad_message', message: `A request is ${wanted}.` } };
  }
  const parsed = request.safeParse(value);
  if (parsed.success) return { request: parsed.data };
  const known = id.safeParse((value as { id?: unknown }).id);
  return {
    error: {
      id: known.success ? known.data : null,
      code: 'bad_request',
      message: complaintOf(parsed.error.issues[0], value, OPS),
    },
  };
}

function parse(message: ArrayBuffer, isBinary: boolean): unknown {
  if (isBinary) throw new TypeError('not text');
  return JSON.parse(text.decode(message));
}

function unpack(message: ArrayBuffer, isBinary: boolean): unknown {
  const bytes = new Uint8Array(message);
  if (!isBinary || !isPlainMsgpack(bytes)) throw new TypeError('not plain MessagePack');
  // A copy: the memory of the message is valid only until the handler returns.
  return unpackMessage(bytes.slice());
}
