/** The shapes of REST's answers, as JSON Schema. */
import { KIND_NAMES } from '../../core/tick.js';

export type Schema = Record<string, unknown>;

/** An object whose members are all there, but for those named after it. */
function object(properties: Record<string, Schema>, ...optional: string[]): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required };
}
const array = (items: Schema): Schema => ({ type: 'array', items });
const text = (description: string): Schema => ({ type: 'string', description });
const orNull = (schema: Schema): Schema => ({ ...schema, type: [schema.type, 'null'] });
const number: Schema = { type: 'number' };
const boolean: Schema = { type: 'boolean' };
const count: Schema = { type: 'integer', minimum: 0 };
const counts: Schema = { type: 'object', additionalProperties: count };
export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const refOrNull = (name: string): Schema => ({ oneOf: [ref(name), { type: 'null' }] });

const time: Schema = {
  type: 'string',
  pattern: '^\\d+$',
  description: 'UNIX time in nanoseconds, UTC, as decimal text.',
};
const name = text('Name of a symbol.');

function tick(kind: string, fields: Record<string, Schema>): Schema {
  return object({
    kind: { const: kind },
    symbol: name,
    seq: count,
    symbolSeq: count,
    ...fields,
    tsEvent: orNull(time),
    tsRecv: time,
    flags: array({
      enum: ['crossed', 'locked', 'late', 'snapshot', 'suspicious', 'conflated', 'buy', 'sell'],
    }),
  });
}

const totals = [
  ...[
    'received',
    'split',
    'generated',
    'rejected',
    'duplicate',
    'conflated',
    'dropped',
    'pendingOneSided',
    'inFlight',
  ],
  ...['sequenced', 'logged', 'shed', 'crossed', 'locked', 'late', 'suspicious'],
];
const feedTotals = ['received', 'duplicate', 'rejected', 'dropped', 'conflated', 'inFlight'];
const fanoutFigures = [
  ...[
    'connections',
    'unauthorised',
    'subscriptions',
    'flushes',
    'ticksSent',
    'bytesSent',
    'catchingUp',
    'inCohorts',
    'gapsSent',
  ],
  ...['groups', 'symbolFilters', 'lost', 'badMessages', 'overBounds', 'wrongTokens'],
];
const all = (names: string[], schema: Schema) => Object.fromEntries(names.map((n) => [n, schema]));

export const SCHEMAS: Record<string, Schema> = {
  Problem: {
    ...object(
      {
        type: text('Always about:blank; see code.'),
        title: text('The status in words.'),
        status: count,
        detail: text('What is wrong, and what to do.'),
        code: { type: 'string', pattern: '^[a-z_]+$', description: 'A stable word.' },
        oldest: text('With cursor_expired: the oldest cursor held.'),
      },
      'oldest',
    ),
    description: 'What went wrong (RFC 9457).',
  },
  Quote: tick('quote', { bid: number, ask: number, bidSize: orNull(number), askSize: orNull(number) }),
  Trade: tick('trade', {
    price: number,
    size: orNull(number),
    side: { enum: ['buy', 'sell', null] },
    tradeId: orNull(number),
  }),
  Status: tick('status', { code: count, args: array(orNull(number)) }),
  Gap: tick('gap', { reason: count, first: number, last: number, count: number }),
  Tick: {
    oneOf: KIND_NAMES.map((kind) => ref(`${kind[0].toUpperCase()}${kind.slice(1)}`)),
  },
  State: {
    ...object({
      symbol: name,
      digits: count,
      quote: refOrNull('Quote'),
      trade: refOrNull('Trade'),
      status: refOrNull('Status'),
      ageMs: { ...number, description: 'Time since the newest of quote and trade was received.' },
      stale: {
        ...boolean,
        description:
          'Whether the quote (without a quote: the trade) is older than the ttlMs of the symbol, is of an earlier epoch, or the symbol misses ticks.',
      },
    }),
    description: 'The last tick of each kind.',
  },
  Symbols: object({
    symbols: array(
      object({
        symbol: name,
        digits: count,
        version: { ...count, description: 'Counts the definitions of the symbol.' },
        ttlMs: { ...orNull(number), description: 'Age from which a quote is stale; null: never.' },
      }),
    ),
  }),
  Quotes: object({
    epoch: count,
    quotes: array(ref('State')),
    unknown: { ...array(name), description: 'Names asked for that no source has defined.' },
  }),
  TickPage: object(
    {
      symbol: name,
      symbolId: count,
      digits: count,
      epoch: { ...count, description: 'Of all ticks of the page, unless it has runs.' },
      shard: count,
      cursor: text('Continues exactly after this page.'),
      more: { ...boolean, description: 'Whether the range has more to read now.' },
      gaps: {
        ...array(object({ epoch: count, shard: count, first: count, last: count })),
        description: 'Seqs of the shard that the log does not hold.',
      },
      rewound: {
        ...object({ epoch: count, lastSeq: array(count) }),
        description: 'The cursor was beyond the durable end of its epoch.',
      },
      runs: {
        ...array(object({ epoch: count, shard: count, count })),
        description: 'Epoch and shard of the ticks, in their order, if the page has imported ticks.',
      },
      ticks: array(ref('Tick')),
    },
    'rewound',
    'runs',
  ),
  Feeds: object({
    feeds: array(
      object({
        name: text('Name of the feed.'),
        state: { enum: ['starting', 'live', 'paused', 'ended', 'failed'] },
        detail: text('One sentence.'),
        ageMs: { ...orNull(number), description: 'Time since the last tick; null before the first.' },
      }),
    ),
  }),
  Pipeline: object({
    epoch: count,
    totals: object({ ...all(totals, count), rejectedBy: counts }),
    perSecond: object(all(['received', 'sequenced', 'logged', 'sent'], number)),
    feeds: array(
      object({
        feed: text('Name of the feed.'),
        ...all(feedTotals, count),
        policy: { enum: ['block', 'conflate'] },
        rawDepth: array(count),
        rawSlots: count,
      }),
    ),
    shards: array(
      object({
        ...all(['shard', 'head', 'applied', 'ringSlots'], count),
        visible: orNull(count),
        durable: orNull(count),
        lag: orNull(
          object({
            ...all(['visibleTicks', 'durableTicks'], count),
            ...all(['visibleMs', 'durableMs'], number),
          }),
        ),
      }),
    ),
    fanout: object({
      ...all(fanoutFigures, count),
      ...all(['flushMs', 'intervalMs'], number),
      ...all(['refused', 'closed'], counts),
    }),
  }),
  Health: object({ ok: { const: true } }),
  Readiness: object({ ready: boolean, reasons: array(text('One sentence each.')) }),
};
