/**
 * Types of the messages of `/v1/stream`. All three encodings have the same fields. `docs/protocol.md` says what the
 * fields mean.
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
/**
 * A cursor, or a time of receipt. A time is ISO 8601 text (without a zone: UTC), or UNIX nanoseconds as an integer or
 * as decimal text.
 */
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
  /** Pace of ticks from the past: recorded seconds per second, or `max`. */
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
  /** Absent: the newest tick. */
  from?: From;
  /** Absent: unchanged. */
  speed?: Speed;
}

/** Requests ticks of one symbol by symbolSeq, both ends inclusive. For example: ticks conflated between two updates. */
export interface HistoryRequest {
  op: 'history';
  id: RequestId;
  symbol: string;
  /** Absent: the present epoch. */
  epoch?: Epoch;
  fromSymbolSeq: SymbolSeq;
  toSymbolSeq: SymbolSeq;
  /** The ticks lie between these seqs, inclusive. Optional; they make the search shorter. */
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
  /** Cursor of the subscription at the pause. */
  cursor: string;
}

export interface Resumed {
  op: 'resumed';
  id: RequestId;
  sub: number;
}

/** Later ticks of `sub` follow the new cursor. */
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
  /** The last symbolSeq that this answer covers: less than requested when not all ticks fit into one answer. */
  toSymbolSeq: number;
  /** Ticks of the covered range that are not held: shed, expired, or conflated before they got a seq. */
  missing: number;
  ticks: T[];
}

export interface Authorised {
  op: 'authorised';
  id: RequestId;
  /** The account name that the server counts this connection under. */
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
  /** Number of seqs between the cursor of the subscription and the newest tick. */
  behind: number;
}

export interface CaughtUp {
  op: 'caught_up';
  sub: number;
  /** Covers everything sent before this message. The cursor of a batch may lie before state that was sent already. */
  cursor?: string;
}

/** The ticks of `epoch` after `lastSeq` are withdrawn: the server was killed before they were durable. */
export interface Rewound {
  op: 'rewound';
  sub: number;
  epoch: number;
  /** By shard. */
  lastSeq: number[];
}

/** Stable error codes; `docs/protocol.md` says when each is sent. */
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
  /** With `temporary`: milliseconds to wait at least before trying again. */
  retryMs?: number;
  /** With `cursor_expired`: the oldest cursor whose ticks are still held. */
  oldest?: string;
  /** The subscription that failed, where a running one did. */
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

/** Every control message of the server: all messages but ticks. */
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
