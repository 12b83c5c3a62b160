/**
 * The control messages among the golden vectors. Both tables are typed by the unions of src/wire/ticks.ts:
 * an `op` without an example does not compile.
 */
import type { ClientMessage, RequestId, ServerMessage, WireSymbol } from '../../../src/wire/ticks.js';
import { WIRE_ERRORS, type WireErrorCode } from '../../../src/wire/ticks.js';
import { cursorText, NAMES } from '../wire.js';

type ByOp<Message extends { op: string }> = {
  [Op in Message['op']]: Record<string, Extract<Message, { op: Op }>>;
};

const CURSOR = cursorText({});
const NOW = 1_790_000_000_250_700_000n;

export const SYMBOLS: WireSymbol[] = NAMES.symbols.slice(1).map(({ name }, i) => ({
  symbol: name,
  symbolId: i + 1,
  digits: NAMES.digits[i + 1],
  version: 1,
}));
const [eurusd, xauusd, odd] = SYMBOLS;

export const REQUESTS: ByOp<ClientMessage> = {
  subscribe: {
    'with no more than it must say': { op: 'subscribe', id: 1, symbols: ['EURUSD'] },
    'latest, all fields': {
      op: 'subscribe',
      id: 'a-1',
      symbols: ['EURUSD', 'XAU*', '*', 'é'],
      mode: 'latest',
      kinds: ['quote', 'trade', 'status', 'gap'],
      intervalMs: 250.5,
      snapshot: false,
      deliver: 'published',
    },
    'every, from a cursor': {
      op: 'subscribe',
      id: 2,
      symbols: ['*'],
      mode: 'every',
      from: CURSOR,
      deliver: 'durable',
    },
    'every, from a time as text, at a speed': {
      op: 'subscribe',
      id: 3,
      symbols: ['*'],
      mode: 'every',
      from: '2026-09-21T14:13:20.250700001Z',
      speed: 2.5,
    },
    'every, from a time as an integer': {
      op: 'subscribe',
      id: 4,
      symbols: ['*'],
      mode: 'every',
      from: NOW,
      speed: 'max',
    },
  },
  unsubscribe: { '': { op: 'unsubscribe', id: 5, sub: 9 } },
  pause: { '': { op: 'pause', id: 6, sub: 9 } },
  resume: { '': { op: 'resume', id: 7, sub: 9 } },
  seek: {
    'to a cursor': { op: 'seek', id: 8, sub: 9, from: CURSOR, speed: 'max' },
    'to a time as an integer': { op: 'seek', id: 9, sub: 9, from: NOW, speed: 10 },
    'to the newest': { op: 'seek', id: 10, sub: 9 },
  },
  history: {
    'with no more than it must say': {
      op: 'history',
      id: 11,
      symbol: 'EURUSD',
      fromSymbolSeq: 8,
      toSymbolSeq: 11,
    },
    'with all fields': {
      op: 'history',
      id: 12,
      symbol: 'EURUSD',
      epoch: 4,
      fromSymbolSeq: 4_294_967_290,
      toSymbolSeq: 4_294_967_295,
      fromSeq: 2 ** 32 + 501,
      toSeq: 2 ** 32 + 504,
    },
  },
  auth: { '': { op: 'auth', id: 13, token: 'geheim-ß' } },
  ping: {
    'with a number': { op: 'ping', id: 14 },
    'with text': { op: 'ping', id: 'p-15' },
    'with a number that is no integer': { op: 'ping', id: -0.5 },
  },
};

const subscribed = {
  op: 'subscribed',
  sub: 9,
  mode: 'every',
  intervalMs: 0,
  deliver: 'published',
  kinds: ['quote', 'trade', 'status', 'gap'],
  speed: 'max',
  epoch: 4,
  cursor: CURSOR,
} as const;

const failed = (code: WireErrorCode, temporary = false, id: RequestId | null = 3) =>
  ({ op: 'error', id, code, message: `For people: ${code}.`, temporary }) as const;

/** `history` carries ticks and is with the ticks. */
export const ANSWERS: ByOp<Exclude<ServerMessage, { op: 'history' }>> = {
  hello: {
    'without auth': {
      op: 'hello',
      protocol: 1,
      server: 'tickwire',
      logId: '00112233445566ff',
      epoch: 4,
      shards: 2,
      heartbeatMs: 5000,
      auth: false,
    },
    'with auth': {
      op: 'hello',
      protocol: 1,
      server: 'tickwire',
      logId: '00112233445566ff',
      epoch: 4_294_967_295,
      shards: 1,
      heartbeatMs: 100,
      auth: true,
    },
  },
  subscribed: {
    'with symbols, and an unknown one': {
      ...subscribed,
      id: 1,
      kinds: [...subscribed.kinds],
      symbols: SYMBOLS,
      unknown: ['NOPE'],
    },
    'with nothing yet': {
      ...subscribed,
      id: 'a-1',
      mode: 'latest',
      intervalMs: 250.5,
      kinds: ['trade'],
      speed: 2.5,
      symbols: [],
      unknown: [],
    },
  },
  symbols: { '': { op: 'symbols', sub: 9, symbols: [{ ...xauusd, digits: 3, version: 2 }, odd] } },
  unsubscribed: { '': { op: 'unsubscribed', id: 5, sub: 9 } },
  paused: { '': { op: 'paused', id: 6, sub: 9, cursor: CURSOR } },
  resumed: { '': { op: 'resumed', id: 7, sub: 9 } },
  sought: {
    'at full speed': { op: 'sought', id: 8, sub: 9, speed: 'max', epoch: 4, cursor: CURSOR },
    'at a speed': { op: 'sought', id: 9, sub: 9, speed: 10, epoch: 3, cursor: cursorText({ epoch: 3 }) },
  },
  authorised: { '': { op: 'authorised', id: 13, name: 'desk-ß' } },
  pong: { '': { op: 'pong', id: 14, time: NOW } },
  heartbeat: {
    'with feeds': {
      op: 'heartbeat',
      time: NOW,
      feeds: [
        { feed: 'mt5', state: 'live', ageMs: 12 },
        { feed: 'new', state: 'connecting', ageMs: null },
      ],
    },
    'without feeds': { op: 'heartbeat', time: NOW, feeds: [] },
  },
  catching_up: {
    '': { op: 'catching_up', sub: 9, behind: 70_000 },
    'very far behind': { op: 'catching_up', sub: 9, behind: 2 ** 40 },
  },
  caught_up: { '': { op: 'caught_up', sub: 9 } },
  rewound: {
    '': { op: 'rewound', sub: 9, epoch: 3, lastSeq: [69_000] },
    'with shards': { op: 'rewound', sub: 9, epoch: 3, lastSeq: [2 ** 32 + 7, 0] },
  },
  error: {
    ...Object.fromEntries(WIRE_ERRORS.map((code) => [code, failed(code)])),
    'bad_message, to nobody': failed('bad_message', false, null),
    'busy, with a time': { ...failed('busy', true), retryMs: 1500 },
    'cursor_expired, with the oldest': { ...failed('cursor_expired'), oldest: CURSOR },
    'log_failed, of a subscription': { ...failed('log_failed', true, null), sub: 9, retryMs: 1000 },
  },
};

/** What `history` answers, but for its ticks. */
export const HISTORY = {
  op: 'history',
  id: 11,
  symbol: eurusd.symbol,
  symbolId: eurusd.symbolId,
  digits: eurusd.digits,
  epoch: 4,
  shard: 0,
  fromSymbolSeq: 99,
  toSymbolSeq: 103,
  missing: 1,
} as const;
