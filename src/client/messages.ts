/**
 * What a message of the server must look like before anything relies on it: a client outlives a server that
 * sends garbage. Unknown messages pass, so that a newer server may say more.
 */
import { POW10, WIRE_SYMBOLS_MAX } from '../wire/packed.js';
import type { JsonTick, PackTick, ServerMessage, TicksMessage } from '../wire/ticks.js';

export type AnyMessage = ServerMessage | TicksMessage<JsonTick | PackTick>;

type Check = (value: unknown) => boolean;

const number: Check = (value) => Number.isFinite(value);
const text: Check = (value) => typeof value === 'string';
const list: Check = Array.isArray;
const objects: Check = (value) =>
  Array.isArray(value) && value.every((item) => typeof item === 'object' && item !== null);
const below = (value: unknown, bound: number) =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < bound;
const symbols: Check = (value) =>
  objects(value) &&
  (value as Record<string, unknown>[]).every(
    ({ symbol, symbolId, digits }) =>
      text(symbol) && below(symbolId, WIRE_SYMBOLS_MAX) && below(digits, POW10.length),
  );

const SHAPES = new Map<string, Record<string, Check>>([
  ['hello', { heartbeatMs: (value) => number(value) && (value as number) > 0, logId: text, epoch: number }],
  ['subscribed', { sub: number, epoch: number, cursor: text, symbols, unknown: list }],
  ['symbols', { sub: number, symbols }],
  ['paused', { cursor: text }],
  ['sought', { cursor: text, epoch: number }],
  [
    'history',
    {
      symbol: text,
      symbolId: number,
      digits: number,
      epoch: number,
      shard: number,
      toSymbolSeq: number,
      missing: number,
      ticks: objects,
    },
  ],
  ['heartbeat', { feeds: objects }],
  ['caught_up', { sub: number, cursor: (value) => value === undefined || text(value) }],
  ['rewound', { sub: number, epoch: number, lastSeq: list }],
  ['error', { code: text, message: text }],
  ['ticks', { sub: number, epoch: number, shard: number, cursor: text, ticks: objects }],
]);

/**
 * Returns the message.
 * @throws Error if it is none, or lacks what its kind must have
 */
export function checked(message: unknown): AnyMessage {
  const op = (message as { op?: unknown } | null | undefined)?.op;
  if (typeof op !== 'string') throw new Error('not a message');
  for (const [field, check] of Object.entries(SHAPES.get(op) ?? {})) {
    if (!check((message as Record<string, unknown>)[field])) throw new Error(`${op} with a wrong ${field}`);
  }
  return message as AnyMessage;
}
