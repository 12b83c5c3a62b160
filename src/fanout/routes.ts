/** The routes of the app: the stream, REST, and the static page. */
import { messageOf } from '../errors.js';
import { type Answer, json, problem, send } from './http.js';
import type { Page } from './pages.js';
import type { Rest } from './rest.js';
import { addStream, type UpgradeContext } from './upgrade.js';
import type { HttpRequest, HttpResponse, TemplatedApp } from './uws.js';

export interface RouteContext extends UpgradeContext {
  readonly rest: Rest;
  readonly pages: ReadonlyMap<string, Page>;
  /** Whether the app is the host's own: then only our own paths are answered. */
  readonly shared: boolean;
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
