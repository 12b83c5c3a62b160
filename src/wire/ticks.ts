/**
 * The messages of `/v1/stream` as types. The same fields travel in all three encodings; `docs/protocol.md`
 * says what they mean.
 */
import type { FlagName, KindName } from '../core/tick.js';
import type { Epoch, Nanoseconds, Seq, SymbolSeq } from '../core/units.js';

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
/** A cursor; or a time of receipt: ISO 8601 text (without a zone: UTC), or UNIX nanoseconds (an integer, or decimal text). */
export type From = string | number | Nanoseconds;
export type Speed = number | 'max';

export interface SubscribeRequest {
  op: 'subscribe';
  id: RequestId;
  symbols: string[];
  mode?: Mode;
  kinds?: KindName[];
  /** Milliseconds. */
  intervalMs?: number;
  snapshot?: boolean;
  from?: From;
  /** Recorded seconds per second for what comes from the past, or `max`. */
  speed?: Speed;
  deliver?: Deliver;
}

export interface UnsubscribeRequest {
  op: 'unsubscribe';
  id: RequestId;
  sub: number;
}

export interface PauseRequest {
  op: 'pause';
  id: RequestId;
  sub: number;
}

export interface ResumeRequest {
  op: 'resume';
  id: RequestId;
  sub: number;
}

export interface SeekRequest {
  op: 'seek';
  id: RequestId;
  sub: number;
  /** Absent: to the newest, live. */
  from?: From;
  /** Absent: as before. */
  speed?: Speed;
}

/** Asks for the ticks of one symbol by their symbolSeq, both ends inclusive: the ticks that were conflated between two updates. */
export interface HistoryRequest {
  op: 'history';
  id: RequestId;
  symbol: string;
  /** Absent: the present one. */
  epoch?: Epoch;
  fromSymbolSeq: SymbolSeq;
  toSymbolSeq: SymbolSeq;
  /** Seqs between which the ticks lie, where they are known: they make the search short. */
  fromSeq?: Seq;
  toSeq?: Seq;
}

export interface AuthRequest {
  op: 'auth';
  id: RequestId;
  token: string;
}

export interface PingRequest {
  op: 'ping';
  id: RequestId;
}

export type ClientMessage =
  | SubscribeRequest
  | UnsubscribeRequest
  | PauseRequest
  | ResumeRequest
  | SeekRequest
  | HistoryRequest
  | AuthRequest
  | PingRequest;

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
  /** Whether requests are refused until `auth` has been answered. */
  auth: boolean;
}

export interface Subscribed {
  op: 'subscribed';
  id: RequestId;
  sub: number;
  mode: Mode;
  intervalMs: number;
  deliver: Deliver;
  kinds: KindName[];
  speed: Speed;
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

/** No tick of `sub` follows until it is resumed. */
export interface Paused {
  op: 'paused';
  id: RequestId;
  sub: number;
  /** Where it stands. */
  cursor: string;
}

export interface Resumed {
  op: 'resumed';
  id: RequestId;
  sub: number;
}

/** What follows comes from the new place. */
export interface Sought {
  op: 'sought';
  id: RequestId;
  sub: number;
  speed: Speed;
  epoch: number;
  cursor: string;
}

export interface History<T = JsonTick | PackTick> {
  op: 'history';
  id: RequestId;
  symbol: string;
  symbolId: number;
  digits: number;
  epoch: number;
  shard: number;
  fromSymbolSeq: number;
  /** The last one that this answer covers: less than what was asked for when there are more than fit into an answer. */
  toSymbolSeq: number;
  /** Ticks of the covered range that are not held: shed, expired, or conflated before they got a seq. */
  missing: number;
  ticks: T[];
}

export interface Authorised {
  op: 'authorised';
  id: RequestId;
  /** Under which the server counts this connection. */
  name: string;
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
  /** Stands for everything that came before it; a batch's cursor may still lie before state that was sent. */
  cursor?: string;
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
  'unknown_symbol',
  'unauthorised',
  'busy',
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
  /** Where `temporary`: milliseconds after which to try again, not earlier. */
  retryMs?: number;
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
  crowded: 4004,
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
  | Paused
  | Resumed
  | Sought
  | History
  | Authorised
  | Pong
  | Heartbeat
  | CatchingUp
  | CaughtUp
  | Rewound
  | WireError;
