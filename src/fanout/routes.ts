/** The routes of the app: the stream, REST, and the static page. */
import { messageOf } from '../errors.js';
import { CloseCode, ENCODINGS, type Encoding, subprotocolOf } from '../wire/ticks.js';
import { Connection, type ConnectionData } from './connection.js';
import { type Answer, json, problem, send } from './http.js';
import type { FanoutSettings } from './options.js';
import { originAllowed } from './origins.js';
import type { Page } from './pages.js';
import type { Rest } from './rest.js';
import type { Stream } from './stream.js';
import { type HttpRequest, type HttpResponse, NO_COMPRESSION, type TemplatedApp } from './uws.js';

/** Seconds without any sign of life (pongs count) after which a connection is given up. */
const IDLE_SECONDS = 60;
/** Bytes that uWebSockets may buffer for a socket; windows keep all but bursts of answers far below it. */
const SOCKET_BUFFER_BYTES = 32 * 1024 * 1024;

export interface RouteContext {
  readonly stream: Stream;
  readonly settings: FanoutSettings;
  readonly rest: Rest;
  readonly pages: ReadonlyMap<string, Page>;
  /** Whether the app is the host's own: then only our own paths are answered. */
  readonly shared: boolean;
  readonly connections: Set<Connection>;
  closing: boolean;
  count(ticks: number, bytes: number): void;
  greet(connection: Connection): void;
}

export function addRoutes(app: TemplatedApp, context: RouteContext): void {
  addStream(app, context);
  const { rest } = context;
  const get = (pattern: string, answer: (req: HttpRequest) => Answer) => {
    app.get(pattern, (res, req) => reply(context, res, req, answer));
  };
  get('/v1/symbols', () => rest.symbols());
  get('/v1/quotes', (req) => rest.quotes(decoded(req.getQuery('symbols') ?? '')));
  get('/v1/quotes/:symbol', (req) => rest.quote(decoded(req.getParameter(0))));
  get('/v1/feeds', () => rest.feeds());
  get('/v1/pipeline', () => rest.pipeline());
  get('/healthz', () => json({ ok: true }));
  get('/readyz', () => rest.ready());
  app.any(context.shared ? '/v1/*' : '/*', (res, req) => reply(context, res, req, (r) => other(context, r)));
}

function reply(
  context: RouteContext,
  res: HttpResponse,
  req: HttpRequest,
  answer: (req: HttpRequest) => Answer,
): void {
  let found: Answer;
  try {
    found = answer(req);
  } catch (error) {
    if (error instanceof URIError)
      found = problem(400, 'bad_request', 'The path or query is not valid UTF-8.');
    else {
      context.stream.deps.logger.error({ error: messageOf(error) }, 'A request failed.');
      found = problem(500, 'internal', 'The server failed to answer; its log says why.');
    }
  }
  send(res, req, found, context.settings.allowedOrigins);
}

/** @throws URIError */
function decoded(text: string): string {
  return decodeURIComponent(text);
}

function other(context: RouteContext, req: HttpRequest): Answer {
  const method = req.getMethod();
  if (method === 'options') {
    const allow = { allow: 'GET', 'access-control-allow-methods': 'GET', 'access-control-max-age': '600' };
    return { status: 204, type: '', body: '', headers: allow };
  }
  if (method !== 'get') return problem(405, 'method_not_allowed', 'Only GET is served.', { allow: 'GET' });
  const page = context.pages.get(req.getUrl());
  if (page === undefined) return problem(404, 'not_found', 'There is nothing under this path.');
  return {
    status: 200,
    type: page.type,
    body: page.body,
    headers: { etag: page.etag, 'cache-control': 'no-cache' },
  };
}

/** The first encoding that the client offers and we speak; JSON when it offers none; null when only others. */
function chooseEncoding(offered: string): Encoding | null {
  if (offered.trim() === '') return 'json';
  const names = offered.split(',').map((name) => name.trim());
  return ENCODINGS.find((encoding) => names.includes(subprotocolOf(encoding))) ?? null;
}

function addStream(app: TemplatedApp, context: RouteContext): void {
  const { settings, stream, connections } = context;
  app.ws<ConnectionData>('/v1/stream', {
    compression: NO_COMPRESSION,
    maxPayloadLength: settings.limits.messageBytes,
    maxBackpressure: SOCKET_BUFFER_BYTES,
    idleTimeout: IDLE_SECONDS,
    sendPingsAutomatically: true,
    upgrade: (res, req, socketContext) => {
      const offered = req.getHeader('sec-websocket-protocol');
      const encoding = chooseEncoding(offered);
      if (!originAllowed(req.getHeader('origin'), req.getHeader('host'), settings.allowedOrigins)) {
        send(res, req, problem(403, 'forbidden', 'Pages of this origin may not connect.'), []);
      } else if (encoding === null) {
        const detail = `Offer one of ${ENCODINGS.map(subprotocolOf).join(', ')}.`;
        send(res, req, problem(400, 'unknown_subprotocol', detail), []);
      } else {
        res.upgrade<ConnectionData>(
          { encoding, connection: undefined },
          req.getHeader('sec-websocket-key'),
          offered === '' ? '' : subprotocolOf(encoding),
          req.getHeader('sec-websocket-extensions'),
          socketContext,
        );
      }
    },
    open: (socket) => {
      if (context.closing) {
        socket.end(CloseCode.shutdown, 'shutting down');
        return;
      }
      if (connections.size >= settings.limits.connections) {
        socket.end(CloseCode.tooManyConnections, 'too many connections');
        return;
      }
      const data = socket.getUserData();
      data.connection = new Connection(socket, stream, data.encoding, settings, context.count);
      connections.add(data.connection);
      context.greet(data.connection);
    },
    message: (socket, message, isBinary) => socket.getUserData().connection?.message(message, isBinary),
    pong: (socket, message) => socket.getUserData().connection?.pong(message),
    drain: () => stream.wake(),
    close: (socket) => {
      const { connection } = socket.getUserData();
      if (connection === undefined) return;
      connections.delete(connection);
      connection.closed();
    },
  });
}
