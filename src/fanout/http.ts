/** Answers over HTTP: JSON, problem documents (RFC 9457), pages; with CORS and ETag. */
import { originAllowed } from './origins.js';
import type { HttpRequest, HttpResponse } from './uws.js';

export interface Answer {
  status: number;
  type: string;
  body: string | Uint8Array;
  headers?: Record<string, string>;
}

const STATUS_TEXT: Record<number, string> = {
  200: '200 OK',
  204: '204 No Content',
  304: '304 Not Modified',
  400: '400 Bad Request',
  401: '401 Unauthorized',
  403: '403 Forbidden',
  404: '404 Not Found',
  405: '405 Method Not Allowed',
  429: '429 Too Many Requests',
  500: '500 Internal Server Error',
  503: '503 Service Unavailable',
};

export function json(body: unknown, headers: Record<string, string> = {}, status = 200): Answer {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { status, type: 'application/json', body: text, headers };
}

/** @param code a stable lower_snake word, as in the errors of the stream */
export function problem(
  status: number,
  code: string,
  detail: string,
  headers: Record<string, string> = {},
): Answer {
  const title = STATUS_TEXT[status].slice(4);
  return {
    status,
    type: 'application/problem+json',
    body: JSON.stringify({ type: 'about:blank', title, status, detail, code }),
    headers,
  };
}

/** Writes an answer at once; the request must be read before. */
export function send(
  res: HttpResponse,
  req: HttpRequest,
  answer: Answer,
  allowedOrigins: readonly string[],
): void {
  const origin = req.getHeader('origin');
  const { etag } = answer.headers ?? {};
  const unchanged = etag !== undefined && req.getHeader('if-none-match') === etag;
  res.cork(() => {
    res.writeStatus(STATUS_TEXT[unchanged ? 304 : answer.status]);
    if (origin !== '' && originAllowed(origin, req.getHeader('host'), allowedOrigins)) {
      res.writeHeader('access-control-allow-origin', origin);
      res.writeHeader('access-control-expose-headers', 'etag, age');
    }
    res.writeHeader('vary', 'origin');
    for (const [name, value] of Object.entries(answer.headers ?? {})) res.writeHeader(name, value);
    if (answer.status === 204) {
      res.endWithoutBody();
      return;
    }
    res.writeHeader('content-type', answer.type);
    res.writeHeader('x-content-type-options', 'nosniff');
    if (unchanged) res.endWithoutBody();
    else res.end(answer.body);
  });
}
