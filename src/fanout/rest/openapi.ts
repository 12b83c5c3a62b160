/** `GET /openapi.json`: REST described for programs. */
import { REST_PAGE_TICKS, REST_PAGE_TICKS_MAX, SUBSCRIBE_PATTERNS_MAX } from '../../core/limits.js';
import { PROTOCOL_VERSION } from '../../wire/ticks.js';
import type { ProblemCode } from '../contract/answers.js';
import { ref, SCHEMAS, type Schema } from './openapi-schemas.js';

type Responses = Record<string, object>;

const content = (type: string, schema: Schema) => ({ [type]: { schema } });
const header = (description: string) => ({ description, schema: { type: 'string' } });
const ok = (description: string, schema: string, headers: object = {}) => ({
  description,
  headers,
  content: content('application/json', ref(schema)),
});

/** A refusal with these codes. */
function refused(description: string, ...codes: ProblemCode[]): object {
  return {
    description: `${description} Codes: ${codes.join(', ')}.`,
    content: content('application/problem+json', ref('Problem')),
  };
}

const RETRY = { 'retry-after': header('Seconds to wait before the next request.') };
const ETAG = { etag: header('Changes with the ticks; send the value back as If-None-Match.') };
const UNCHANGED = { 304: { description: 'Unchanged since the ETag of If-None-Match.' } };
const GUARDED: Responses = {
  401: refused('The token is missing or wrong.', 'unauthorised'),
  429: { ...refused('Too many wrong tokens came from this address.', 'unauthorised'), headers: RETRY },
};
/** Of every path. */
const ALWAYS: Responses = {
  400: refused('A parameter is unknown or wrong.', 'bad_request'),
  403: refused('The name in Host is not one of this server.', 'forbidden'),
};
const BUSY = { ...refused('Ask again later.', 'busy', 'log_failed', 'unauthorised'), headers: RETRY };

const parameter = (name: string, description: string, schema: Schema = { type: 'string' }) => ({
  name,
  in: name === 'symbol' ? 'path' : 'query',
  required: name === 'symbol',
  description,
  schema,
});
const SYMBOL = parameter('symbol', 'Name of a symbol, percent-encoded.');
const ofTime = (what: string) =>
  parameter(what, 'Time of receipt: ISO 8601 (without a zone: UTC), or UNIX nanoseconds.');

interface Operation {
  operationId: string;
  summary: string;
  parameters?: object[];
  responses: Responses;
  security?: object[];
}

/** An operation that wants the token, where the server is set to ask for one. */
function guarded(operation: Operation): Operation {
  return {
    ...operation,
    security: [{}, { bearer: [] }],
    responses: { ...operation.responses, ...GUARDED, 503: operation.responses[503] ?? BUSY },
  };
}

const TICK_HEADERS = {
  link: header('rel="next": the page after this one, while there is one.'),
  'x-next-cursor': header('The cursor that continues after this page.'),
  'x-missing': header('How many of the seqs read the log does not hold.'),
};

const OPERATIONS: Record<string, Operation> = {
  '/v1/symbols': guarded({
    operationId: 'symbols',
    summary: 'Every symbol that a source has defined.',
    responses: { 200: ok('The symbols.', 'Symbols') },
  }),
  '/v1/quotes': guarded({
    operationId: 'quotes',
    summary: 'The newest state of all symbols with ticks, or of some.',
    parameters: [
      parameter(
        'symbols',
        `Names, and up to ${SUBSCRIBE_PATTERNS_MAX} patterns such as XAU*, separated by commas. A backslash before *, a comma or a backslash makes it stand for itself.`,
      ),
    ],
    responses: {
      200: ok('The states.', 'Quotes', ETAG),
      ...UNCHANGED,
      400: refused('The query is wrong.', 'bad_request'),
    },
  }),
  '/v1/quotes/{symbol}': guarded({
    operationId: 'quote',
    summary: 'The newest state of one symbol.',
    parameters: [SYMBOL],
    responses: {
      200: ok('The state.', 'State', { ...ETAG, age: header('Seconds since it was received.') }),
      ...UNCHANGED,
      400: refused('The path is wrong.', 'bad_request'),
      404: refused('There is none.', 'unknown_symbol', 'no_quote'),
    },
  }),
  '/v1/ticks/{symbol}': guarded({
    operationId: 'ticks',
    summary: 'The ticks of one symbol that the log holds, page by page.',
    parameters: [
      SYMBOL,
      {
        ...ofTime('from'),
        description: `${ofTime('from').description} Inclusive; default: the oldest tick.`,
      },
      { ...ofTime('to'), description: `${ofTime('to').description} Exclusive; default: the newest tick.` },
      parameter('limit', 'Ticks of a page.', {
        type: 'integer',
        minimum: 1,
        maximum: REST_PAGE_TICKS_MAX,
        default: REST_PAGE_TICKS,
      }),
      parameter('cursor', 'Go on after this place: the cursor of a page, or of the stream.'),
      parameter('format', 'Instead of Accept.', { enum: ['json', 'ndjson', 'csv', 'msgpack'] }),
      parameter(
        'spreadsheet',
        'Of CSV: an apostrophe before a name that a spreadsheet would take for a formula.',
        {
          type: 'boolean',
          default: false,
        },
      ),
    ],
    responses: {
      200: {
        description:
          'A page. A page may have fewer ticks than the limit, even none, and yet have a next page.',
        headers: TICK_HEADERS,
        content: {
          ...content('application/json', ref('TickPage')),
          ...content('application/x-ndjson', { type: 'string' }),
          ...content('text/csv', { type: 'string' }),
          'application/msgpack': {},
          'application/vnd.msgpack': {},
          'application/x-msgpack': {},
        },
      },
      400: refused('A parameter is wrong.', 'bad_request', 'cursor_invalid'),
      404: refused('There is none.', 'unknown_symbol', 'cursor_unknown'),
      406: refused('None of the media types is accepted.', 'not_acceptable'),
      410: refused('The ticks after the cursor are no longer held.', 'cursor_expired'),
      501: refused('The server keeps no log.', 'no_log'),
      503: BUSY,
    },
  }),
  '/v1/feeds': guarded({
    operationId: 'feeds',
    summary: 'The feeds, and the age of their last tick.',
    responses: { 200: ok('The feeds.', 'Feeds') },
  }),
  '/v1/pipeline': guarded({
    operationId: 'pipeline',
    summary: 'Counters, rates and depths of every stage.',
    responses: { 200: ok('The figures.', 'Pipeline') },
  }),
  '/healthz': {
    operationId: 'health',
    summary: 'Whether the process answers.',
    responses: { 200: ok('It does.', 'Health') },
  },
  '/readyz': {
    operationId: 'readiness',
    summary: 'Whether the engine works.',
    responses: { 200: ok('It does.', 'Readiness'), 503: ok('It does not.', 'Readiness') },
  },
  '/metrics': guarded({
    operationId: 'metrics',
    summary: 'Counters and gauges for Prometheus.',
    responses: {
      200: { description: 'Text format 0.0.4.', content: content('text/plain', { type: 'string' }) },
    },
  }),
  '/openapi.json': {
    operationId: 'openapi',
    summary: 'This document.',
    responses: {
      200: { description: 'OpenAPI 3.1.', content: content('application/json', { type: 'object' }) },
      ...UNCHANGED,
    },
  },
};

/** The document as text; it never changes while a server runs. */
export const OPENAPI = JSON.stringify({
  openapi: '3.1.0',
  info: {
    title: 'tickwire',
    version: String(PROTOCOL_VERSION),
    summary: 'Quotes, history and health of a tick stream.',
    description:
      'HEAD gets the same response as GET, without the body. The stream itself is /v1/stream, a WebSocket.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: '/' }],
  paths: Object.fromEntries(
    Object.entries(OPERATIONS).map(([path, operation]) => {
      const responses = { ...ALWAYS, ...operation.responses };
      return [path, { get: { ...operation, responses } }];
    }),
  ),
  components: {
    schemas: SCHEMAS,
    securitySchemes: {
      bearer: {
        type: 'http',
        scheme: 'bearer',
        description: 'A token of http.auth, if the server requires one.',
      },
    },
  },
});
