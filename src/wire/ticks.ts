/**
 * The messages of `/v1/stream` as types. The same fields travel in all three encodings; `docs/protocol.md`
 * says what they mean.
 */
import type { FlagName, KindName } from '../tick.js';

export const PROTOCOL_VERSION = 1;
/** Subprotocols, in the order in which the server prefers them. */
export const ENCODINGS = ['packed', 'msgpack', 'json'] as const;
export type Encoding = (typeof ENCODINGS)[number];

export function subprotocolOf(encoding: Encoding): string {
  return `ticks.${encoding}.v1`;
}

export type Mode = 'latest' | 'every';
export type Deliver = 'published' | 'durable';
export type RequestId = string | number;

export interface SubscribeRequest {
  op: 'subscribe';
  id: RequestId;
  symbols: string[];
  mode?: Mode;
  kinds?: KindName[];
  /** Milliseconds. */
  intervalMs?: number;
  snapshot?: boolean;
  /** A cursor token as text. */
  from?: string;
  deliver?: Deliver;
}

export interface UnsubscribeRequest {
  op: 'unsubscribe';
  id: RequestId;
  sub: number;
}

export interface PingRequest {
  op: 'ping';
  id: RequestId;
}

export type ClientMessage = SubscribeRequest | UnsubscribeRequest | PingRequest;

export interface WireSymbol {
  symbol: string;
  symbolId: number;
  digits: number;
  version: number;
}

export interface Hello {
  op: 'hello';
  protocol: number;
  server: string;
  logId: string;
  epoch: number;
  shards: number;
  heartbeatMs: number;
}

export interface Subscribed {
  op: 'subscribed';
  id: RequestId;
  sub: number;
  mode: Mode;
  intervalMs: number;
  deliver: Deliver;
  kinds: KindName[];
  epoch: number;
  cursor: string;
  symbols: WireSymbol[];
  unknown: string[];
}

export interface SymbolsMessage {
  op: 'symbols';
  sub: number;
  symbols: WireSymbol[];
}

export interface Unsubscribed {
  op: 'unsubscribed';
  id: RequestId;
  sub: number;
}

/** UNIX nanoseconds: decimal text in JSON, an unsigned integer in MessagePack. */
export type WireTime = string | number | bigint;

export interface Pong {
  op: 'pong';
  id: RequestId;
  time: WireTime;
}

export interface Heartbeat {
  op: 'heartbeat';
  time: WireTime;
  feeds: { feed: string; state: string; ageMs: number | null }[];
}

export interface CatchingUp {
  op: 'catching_up';
  sub: number;
  /** Sequence numbers between the subscription and the head. */
  behind: number;
}

export interface CaughtUp {
  op: 'caught_up';
  sub: number;
}

/** The ticks of `epoch` after `lastSeq` are withdrawn: the server was killed before they were safe. */
export interface Rewound {
  op: 'rewound';
  sub: number;
  epoch: number;
  /** By shard. */
  lastSeq: number[];
}

/** Stable words; `docs/protocol.md` says when each is sent. */
export const WIRE_ERRORS = [
  'bad_request',
  'bad_message',
  'too_many_subscriptions',
  'too_many_symbols',
  'unknown_subscription',
  'cursor_invalid',
  'cursor_unknown',
  'cursor_expired',
  'no_log',
  'log_failed',
] as const;
export type WireErrorCode = (typeof WIRE_ERRORS)[number];

export interface WireError {
  op: 'error';
  id: RequestId | null;
  code: WireErrorCode;
  message: string;
  temporary: boolean;
  /** With `cursor_expired`: the oldest cursor that is still held. */
  oldest?: string;
  /** Where a running subscription failed. */
  sub?: number;
}

/** Close codes: 4000-4499 reconnect with backoff, 4500-4999 do not. */
export const CloseCode = {
  shutdown: 4000,
  slow: 4001,
  rate: 4002,
  idle: 4003,
  badRequest: 4500,
  unauthorised: 4501,
  forbidden: 4502,
  tooManyConnections: 4503,
} as const;

export interface TickHead {
  symbol: string;
  seq: number;
  symbolSeq: number;
  tsEvent: string | null;
  tsRecv: string;
  flags: FlagName[];
}

export type JsonTick =
  | (TickHead & { kind: 'quote'; bid: number; ask: number; bidSize: number | null; askSize: number | null })
  | (TickHead & {
      kind: 'trade';
      price: number;
      size: number | null;
      side: 'buy' | 'sell' | null;
      tradeId: number | null;
    })
  | (TickHead & { kind: 'status'; code: number; args: [number, number, number, number] })
  | (TickHead & { kind: 'gap'; reason: number; first: number; last: number; count: number });

/** `[kind, symbolId, seq, symbolSeq, flags, tsEvent, tsRecv, a, b, c, d]`. */
export type PackTick = [
  kind: number,
  symbolId: number,
  seq: number,
  symbolSeq: number,
  flags: number,
  tsEvent: number | bigint | null,
  tsRecv: number | bigint,
  a: number,
  b: number | null,
  c: number | null,
  d: number | null,
];

/** A batch in JSON (`JsonTick`) or MessagePack (`PackTick`). */
export interface TicksMessage<T = JsonTick> {
  op: 'ticks';
  sub: number;
  epoch: number;
  shard: number;
  cursor: string;
  snapshot?: true;
  ticks: T[];
}

/** Every control message of the server: what a client gets besides ticks. */
export type ServerMessage =
  | Hello
  | Subscribed
  | SymbolsMessage
  | Unsubscribed
  | Pong
  | Heartbeat
  | CatchingUp
  | CaughtUp
  | Rewound
  | WireError;
