/** The WebSocket route: decides which HTTP requests become connections, and passes the events of a socket on. */
import { SOCKET_BUFFER_BYTES } from '../../core/limits.js';
import { CloseCode, ENCODINGS, type Encoding, subprotocolOf } from '../../wire/ticks.js';
import { type Admission, ConnectionSlot } from '../access/admission.js';
import { bearerToken, type Verdict } from '../access/auth.js';
import { addressOf } from '../access/client-address.js';
import { type CloseReason, closeReasonFor, RETRY_MS } from '../access/close-reason.js';
import { type AccessContext, ConnectionGuard } from '../access/gate.js';
import type { SharedView } from '../batch/shared-view.js';
import type { RefusalReason } from '../contract/access.js';
import { type Answer, notEncoded, problem, Refusal, send, wrongHost } from '../contract/answers.js';
import { type HostNames, originAllowed } from '../contract/origins.js';
import { parseQuery } from '../contract/query.js';
import {
  type HttpRequest,
  type HttpResponse,
  NO_COMPRESSION,
  type SocketContext,
  type TemplatedApp,
} from '../contract/uws.js';
import type { Cohorts } from '../reader/cohort.js';
import { Connection, type ConnectionData } from './connection.js';
import type { RequestTurns } from './request-queue.js';

/** Seconds after `idleMs` at which uWebSockets closes a silent socket by itself. */
const LAST_RESORT_SECONDS = 16;
/** The largest `idleTimeout` that uWebSockets takes. */
const IDLE_SECONDS_MAX = 960;
/** A message up to this many times the limit is answered by a close code. uWebSockets cuts off a larger one. */
const READ_TO_REFUSE = 2;
/** Placeholder for a request that is no longer valid. */
const NO_REQUEST = { getHeader: () => '', getMethod: () => 'get' } as unknown as HttpRequest;

/** Query parameters of an upgrade. */
const PARAMETERS = ['token'];

export interface UpgradeContext extends AccessContext {
  readonly shared: SharedView;
  readonly admission: Admission;
  readonly connections: Set<Connection>;
  readonly cohorts: Cohorts;
  readonly turns: RequestTurns;
  readonly proxies: ReadonlySet<string>;
  readonly hosts: HostNames;
  count(ticks: number, bytes: number): void;
  resumeSending(connection: Connection): void;
  greet(connection: Connection): void;
}

export function addStream(app: TemplatedApp, context: UpgradeContext): void {
  const { settings, shared } = context;
  const idleSeconds = Math.ceil(settings.idleMs / 1000) + LAST_RESORT_SECONDS;
  app.ws<ConnectionData>('/v1/stream', {
    compression: NO_COMPRESSION,
    maxPayloadLength: READ_TO_REFUSE * settings.limits.messageBytes,
    maxBackpressure: SOCKET_BUFFER_BYTES,
    idleTimeout: Math.min(IDLE_SECONDS_MAX, idleSeconds),
    sendPingsAutomatically: true,
    upgrade: (res, req, socketContext) => upgrade(context, res, req, socketContext),
    open: (socket) => {
      const data = socket.getUserData();
      if ('refused' in data) {
        context.refusals.closed[data.refused.code]++;
        socket.end(data.refused.code, data.refused.reason);
        return;
      }
      const { encoding, guard } = data;
      const { cohorts, count, resumeSending, turns } = context;
      data.connection = new Connection(
        socket,
        shared,
        encoding,
        settings,
        cohorts,
        count,
        guard,
        turns,
        resumeSending,
      );
      context.connections.add(data.connection);
      guard.slot.onGiveWay = (reason) => data.connection?.close(reason);
      context.greet(data.connection);
    },
    message: (socket, message, isBinary) => connectionOf(socket)?.message(message, isBinary),
    ping: (socket) => connectionOf(socket)?.pinged(),
    pong: (socket, message) => connectionOf(socket)?.pong(message),
    drain: () => shared.wake(),
    close: (socket, code) => {
      const connection = connectionOf(socket);
      if (connection === undefined) return;
      context.connections.delete(connection);
      connection.closed(code);
    },
  });
}

function connectionOf(socket: { getUserData(): ConnectionData }): Connection | undefined {
  const data = socket.getUserData();
  return 'connection' in data ? data.connection : undefined;
}

/** The encoding that the server prefers among the offered ones; JSON when none is offered; null when all are unknown. */
function chooseEncoding(offered: string): Encoding | null {
  if (offered.trim() === '') return 'json';
  const names = offered.split(',').map((name) => name.trim());
  return ENCODINGS.find((encoding) => names.includes(subprotocolOf(encoding))) ?? null;
}

/** Why a request does not become a connection, apart from its token and its address; null where it may. */
function refusalOf(
  context: UpgradeContext,
  req: HttpRequest,
): { reason: RefusalReason; answer: Answer } | null {
  if (context.closing) {
    const headers = { 'retry-after': String(Math.ceil(RETRY_MS / 1000)) };
    const answer = problem(503, 'shutting_down', 'The server shuts down.', headers);
    return { reason: 'closing', answer };
  }
  if (!context.hosts.allows(req.getHeader('host'))) return { reason: 'host', answer: wrongHost() };
  if (!originAllowed(req.getHeader('origin'), req.getHeader('host'), context.settings.allowedOrigins)) {
    const answer = problem(403, 'forbidden', 'Pages of this origin may not connect.');
    return { reason: 'origin', answer };
  }
  if (chooseEncoding(req.getHeader('sec-websocket-protocol')) === null) {
    const detail = `Offer one of ${ENCODINGS.map(subprotocolOf).join(', ')}.`;
    return { reason: 'subprotocol', answer: problem(400, 'unknown_subprotocol', detail) };
  }
  return null;
}

function upgrade(
  context: UpgradeContext,
  res: HttpResponse,
  req: HttpRequest,
  socketContext: SocketContext,
): void {
  const refusal = refusalOf(context, req);
  if (refusal !== null) {
    refuse(context, res, refusal.reason, refusal.answer);
    return;
  }
  let query: Map<string, string>;
  try {
    query = parseQuery(req.getQuery() ?? '', PARAMETERS);
  } catch (error) {
    refuse(context, res, 'query', error instanceof Refusal ? error.answer : notEncoded());
    return;
  }
  const { auth } = context;
  const offered = req.getHeader('sec-websocket-protocol');
  const encoding = chooseEncoding(offered)!;
  const key = req.getHeader('sec-websocket-key');
  const protocol = offered === '' ? '' : subprotocolOf(encoding);
  const extensions = req.getHeader('sec-websocket-extensions');
  const finish = (data: ConnectionData) => {
    res.upgrade<ConnectionData>(data, key, protocol, extensions, socketContext);
  };
  const slot = context.admission.enter(addressOf(context, res, req));
  if (!(slot instanceof ConnectionSlot)) {
    // A browser shows a page why its socket was closed, but never why an upgrade was refused.
    finish({ refused: slot });
    return;
  }
  const guard = new ConnectionGuard(context, slot, performance.now());
  const token = auth && (bearerToken(req.getHeader('authorization')) ?? tokenIn(query));
  if (auth === undefined || token === undefined) {
    slot.wait();
    finish({ encoding, guard, connection: undefined });
    return;
  }
  const take = (verdict: Verdict) => admit(context, res, guard, verdict, encoding, finish);
  const verdict = auth.check(token, slot.address);
  if (!(verdict instanceof Promise)) {
    take(verdict);
    return;
  }
  let [isGone, isDecided] = [false, false];
  res.onAborted(() => {
    isGone = true;
    slot.leave();
  });
  slot.onGiveWay = (closeReason) => {
    isDecided = true;
    // uWebSockets cannot finish this upgrade during the upgrade of another request.
    setImmediate(() => {
      if (!isGone) res.cork(() => finish({ refused: closeReason }));
    });
  };
  slot.wait();
  void verdict.then((found) => {
    if (!isGone && !isDecided) res.cork(() => take(found));
  });
}

function admit(
  context: UpgradeContext,
  res: HttpResponse,
  guard: ConnectionGuard,
  verdict: Verdict,
  encoding: Encoding,
  finish: (data: ConnectionData) => void,
): void {
  if ('refused' in verdict && verdict.refused === 'failed') {
    guard.slot.leave();
    const headers = { 'retry-after': String(Math.ceil(verdict.retryMs / 1000)) };
    const detail = 'The token could not be checked; try again.';
    refuse(context, res, 'authoriser', problem(503, 'unauthorised', detail, headers));
    return;
  }
  // The server may have begun to shut down while the token was checked.
  const refused = context.closing ? shuttingDown() : guard.admit(verdict);
  if (refused !== null) guard.slot.leave();
  finish(refused === null ? { encoding, guard, connection: undefined } : { refused });
}

export function shuttingDown(): CloseReason {
  return closeReasonFor(CloseCode.shutdown, 'the server shuts down');
}

function refuse(context: UpgradeContext, res: HttpResponse, reason: RefusalReason, answer: Answer): void {
  context.refusals.refused[reason]++;
  send(res, NO_REQUEST, answer, []);
}

/** The token in the query: browsers cannot set headers on an upgrade. */
function tokenIn(query: ReadonlyMap<string, string>): string | undefined {
  const token = query.get('token');
  return token === '' ? undefined : token;
}
