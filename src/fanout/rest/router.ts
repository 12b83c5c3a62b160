/** The routes of REST and of the static page. Each route answers GET, HEAD and OPTIONS. */
import { messageOf } from '../../core/errors.js';
import type { Auth } from '../access/auth.js';
import { addressOf } from '../access/client-address.js';
import type { SharedView } from '../batch/shared-view.js';
import {
  type Answer,
  type Caller,
  callerOf,
  json,
  notEncoded,
  problem,
  Refusal,
  write,
  wrongHost,
} from '../contract/answers.js';
import { LargeResponses } from '../contract/large-responses.js';
import type { FanoutSettings } from '../contract/options.js';
import type { HostNames } from '../contract/origins.js';
import { parseQuery } from '../contract/query.js';
import type { HttpRequest, HttpResponse, TemplatedApp } from '../contract/uws.js';
import { type Entry, entryOf } from './bearer-guard.js';
import type { Rest } from './handlers.js';
import { MetricsPage } from './metrics.js';
import { OPENAPI } from './openapi.js';
import type { RestRequest } from './request.js';
import { type Page, tagOf } from './static-files.js';
import { RestTicks } from './ticks-handler.js';

const METHODS = 'GET, HEAD';
/** Paths that need no token, because their answers contain no ticks. */
const OPEN = ['/healthz', '/readyz', '/openapi.json'];

/** What the routes need from the server. */
export interface RestContext {
  readonly settings: FanoutSettings;
  readonly shared: SharedView;
  /** Absent: no token is required. */
  readonly auth: Auth | undefined;
  readonly proxies: ReadonlySet<string>;
  readonly hosts: HostNames;
  readonly rest: Rest;
  readonly pages: ReadonlyMap<string, Page>;
  /** Whether the app belongs to the host: then the fan-out answers only its own paths. */
  readonly isHostApp: boolean;
}

/** Paths that check their query parameters themselves. Other paths have no parameters. */
const WITH_PARAMETERS = ['/v1/quotes', '/v1/ticks/:symbol'];

type Handler = (request: RestRequest) => Answer | Promise<Answer>;

export function addRestRoutes(app: TemplatedApp, context: RestContext): void {
  const { rest, shared } = context;
  const outbox = new LargeResponses();
  const ticks = new RestTicks(shared);
  const answered = new Map<number, number>();
  const metrics = new MetricsPage(shared.ports, context.rest.stats, answered);
  const openapi = json(OPENAPI, { etag: tagOf(OPENAPI), 'cache-control': 'no-cache' });
  const routes: Record<string, Handler> = {
    '/v1/symbols': () => rest.symbols(),
    '/v1/quotes': (request) => rest.quotes(request),
    '/v1/quotes/:symbol': (request) => rest.quote(request.parameter),
    '/v1/ticks/:symbol': (request) => ticks.page(request),
    '/v1/feeds': () => rest.feeds(),
    '/v1/pipeline': () => rest.pipeline(),
    '/healthz': () => json({ ok: true }),
    '/readyz': () => rest.ready(),
    '/metrics': () => metrics.answer(),
    '/openapi.json': () => openapi,
  };

  const reply = (
    res: HttpResponse,
    req: HttpRequest,
    pattern: string,
    handler: Handler,
    client = addressOf(context, res, req),
  ) => {
    const request = { ...callerOf(client, req, context.settings.allowedOrigins), ...readRequest(req) };
    res.onAborted(() => {
      request.isAborted = true;
      outbox.release(res);
    });
    const finish = (answer: Answer) => {
      if (request.isAborted) return;
      const status = write(res, request, answer, outbox);
      answered.set(status, (answered.get(status) ?? 0) + 1);
    };
    const fail = (error: unknown) => finish(failed(context, error));
    try {
      if (!context.hosts.allows(req.getHeader('host'))) {
        finish(wrongHost());
        return;
      }
      if (pattern.includes(':')) request.parameter = decodeURIComponent(req.getParameter(0));
      const answer = handler(request);
      if (answer instanceof Promise) answer.then(finish).catch(fail);
      else finish(answer);
    } catch (error) {
      fail(error);
    }
  };
  const guarded = (res: HttpResponse, req: HttpRequest, pattern: string, handler: Handler) => {
    if (!context.hosts.allows(req.getHeader('host'))) {
      // `reply` refuses the request. Its token is not checked.
      reply(res, req, pattern, handler);
      return;
    }
    const found = entryOf(context, res, req);
    const enter = (request: RestRequest, entry: Entry) => {
      if ('refused' in entry) return entry.refused;
      request.client = entry.client;
      return handler(request);
    };
    if (!(found instanceof Promise)) reply(res, req, pattern, (request) => enter(request, found));
    else reply(res, req, pattern, async (request) => enter(request, await found));
  };
  for (const [pattern, handler] of Object.entries(routes)) {
    const answer = OPEN.includes(pattern) ? reply : guarded;
    const checked: Handler = (request) => {
      if (!WITH_PARAMETERS.includes(pattern)) parseQuery(request.query, []);
      return handler(request);
    };
    app.get(pattern, (res, req) => answer(res, req, pattern, checked));
    app.head(pattern, (res, req) => answer(res, req, pattern, checked));
    app.any(pattern, (res, req) => {
      const method = req.getMethod();
      reply(res, req, pattern, () => otherMethod(method));
    });
  }
  const rest404 = context.isHostApp ? '/v1/*' : '/*';
  app.any(rest404, (res, req) => {
    const method = req.getMethod();
    reply(res, req, rest404, (request) => page(context, request.path, method));
  });
}

function readRequest(req: HttpRequest): Omit<RestRequest, keyof Caller> {
  return {
    path: req.getUrl(),
    parameter: '',
    // Undefined without a query, though the typings say string.
    query: req.getQuery() ?? '',
    accept: req.getHeader('accept'),
    isAborted: false,
  };
}

function failed(context: RestContext, error: unknown): Answer {
  if (error instanceof Refusal) return error.answer;
  if (error instanceof URIError) return notEncoded();
  context.shared.ports.logger.error({ error: messageOf(error) }, 'A request failed.');
  return problem(500, 'internal', 'The server failed to answer; its log says why.');
}

/** The answer of an existing path to any method but GET and HEAD. */
function otherMethod(method: string): Answer {
  if (method !== 'options')
    return problem(405, 'method_not_allowed', 'Only GET and HEAD are served.', { allow: METHODS });
  return {
    status: 204,
    type: '',
    body: '',
    headers: {
      allow: METHODS,
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': 'authorization, if-none-match',
      'access-control-max-age': '600',
    },
  };
}

function page(context: RestContext, path: string, method: string): Answer {
  const found = context.pages.get(path);
  if (found === undefined) return problem(404, 'not_found', 'There is nothing under this path.');
  if (method !== 'get' && method !== 'head') return otherMethod(method);
  const headers: Record<string, string> = { etag: found.etag, 'cache-control': 'no-cache' };
  const policy = context.settings.contentSecurityPolicy;
  if (policy !== '') headers['content-security-policy'] = policy;
  return { status: 200, type: found.type, body: found.body, headers };
}
