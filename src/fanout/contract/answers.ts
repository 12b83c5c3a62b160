/** HTTP answers: JSON, problem documents (RFC 9457) and pages, with CORS, ETag and HEAD. */
import { HTTP_SMALL_BYTES } from '../../core/limits.js';
import type { LargeResponses } from './large-responses.js';
import { originAllowed } from './origins.js';
import type { HttpRequest, HttpResponse } from './uws.js';

export interface Answer {
  status: number;
  type: string;
  body: string | Uint8Array;
  headers?: Record<string, string>;
}

/** Thrown where a request is refused: `answer` is the response. */
export class Refusal extends Error {
  constructor(readonly answer: Answer) {
    super(`HTTP ${answer.status}`);
  }
}

/** The parts of a request that its answer depends on. They are copied, because a request is valid only in its handler. */
export interface Caller {
  /** Whom the request is counted under: the name of its key, or, without a key, its address. */
  client: string;
  isHead: boolean;
  /** The origin of the page, if that page may read the answer; else empty. */
  origin: string;
  ifNoneMatch: string;
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
  406: '406 Not Acceptable',
  410: '410 Gone',
  429: '429 Too Many Requests',
  500: '500 Internal Server Error',
  501: '501 Not Implemented',
  503: '503 Service Unavailable',
};
/** By code of a problem document: the HTTP statuses it comes with. `docs/protocol.md` says what each code means. */
export const PROBLEMS = {
  bad_request: [400],
  cursor_invalid: [400],
  unknown_subprotocol: [400],
  unauthorised: [401, 429, 503],
  forbidden: [403],
  unknown_symbol: [404],
  no_quote: [404],
  cursor_unknown: [404],
  not_found: [404],
  method_not_allowed: [405],
  not_acceptable: [406],
  cursor_expired: [410],
  internal: [500],
  no_log: [501],
  busy: [503],
  log_failed: [503],
  shutting_down: [503],
} as const satisfies Record<string, readonly number[]>;
export type ProblemCode = keyof typeof PROBLEMS;
/** Headers that scripts of other origins may read. */
const EXPOSED = 'etag, age, link, retry-after, x-next-cursor, x-missing';

export function json(body: unknown, headers: Record<string, string> = {}, status = 200): Answer {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { status, type: 'application/json', body: text, headers };
}

/**
 * @param code a stable lower_snake word, as in the errors of the stream
 * @param more further members of the document
 */
export function problem(
  status: number,
  code: ProblemCode,
  detail: string,
  headers: Record<string, string> = {},
  more: object = {},
): Answer {
  const title = STATUS_TEXT[status].slice(4);
  return {
    status,
    type: 'application/problem+json',
    body: JSON.stringify({ type: 'about:blank', title, status, detail, code, ...more }),
    headers,
  };
}

/** The answer to a request whose `Host` is not a name of this server. */
export function wrongHost(): Answer {
  const detail = 'This server does not answer under the name in Host; http.allowedHosts may allow it.';
  return problem(403, 'forbidden', detail);
}

export function notEncoded(): Answer {
  return problem(400, 'bad_request', 'The path or query is not percent-encoded UTF-8.');
}

/** @param seconds after which the client may ask again */
export function busy(detail: string, seconds = 1): Answer {
  return problem(503, 'busy', detail, { 'retry-after': String(seconds) });
}

/** Whether an `If-None-Match` header has the answer's tag. The comparison is weak, as RFC 9110 requires for GET. */
export function matchesTag(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch.trim() === '*') return true;
  const strong = (tag: string) => tag.replace(/^W\//, '');
  return (ifNoneMatch.match(/(?:W\/)?"[^"]*"/g) ?? []).some((tag) => strong(tag) === strong(etag));
}

export function callerOf(client: string, req: HttpRequest, allowedOrigins: readonly string[]): Caller {
  const origin = req.getHeader('origin');
  return {
    client,
    isHead: req.getMethod() === 'head',
    origin: originAllowed(origin, req.getHeader('host'), allowedOrigins) ? origin : '',
    ifNoneMatch: req.getHeader('if-none-match'),
  };
}

/** Answers at once. The request must still be valid. */
export function send(
  res: HttpResponse,
  req: HttpRequest,
  answer: Answer,
  allowedOrigins: readonly string[],
): void {
  write(res, callerOf('', req, allowedOrigins), answer);
}

/**
 * Writes an answer. The response must not be used afterwards.
 * @param outbox sends large bodies; absent: every body is sent at once
 * @returns the status that was sent
 */
export function write(res: HttpResponse, caller: Caller, answer: Answer, outbox?: LargeResponses): number {
  const bytes = typeof answer.body === 'string' ? Buffer.byteLength(answer.body) : answer.body.length;
  const isLarge = outbox !== undefined && bytes > HTTP_SMALL_BYTES && !caller.isHead;
  const sent =
    isLarge && !outbox.hasRoom(caller.client, bytes)
      ? busy('Answers that were asked for before have not been read yet: read them, or ask again.')
      : answer;
  const etag = sent.headers?.etag;
  const isUnchanged = sent.status === 200 && etag !== undefined && matchesTag(caller.ifNoneMatch, etag);
  const status = isUnchanged ? 304 : sent.status;
  res.cork(() => {
    writeHead(res, caller, sent, status);
    if (status === 204 || status === 304) res.endWithoutBody();
    else if (caller.isHead) res.writeHeader('content-length', String(bytes)).endWithoutBody();
    else if (isLarge && sent === answer)
      outbox.send(
        caller.client,
        res,
        typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body,
      );
    else res.end(sent.body);
  });
  return status;
}

function writeHead(res: HttpResponse, caller: Caller, answer: Answer, status: number): void {
  const headers = { vary: 'origin', ...answer.headers };
  res.writeStatus(STATUS_TEXT[status]);
  if (caller.origin !== '') {
    res.writeHeader('access-control-allow-origin', caller.origin);
    res.writeHeader('access-control-expose-headers', EXPOSED);
  }
  for (const [name, value] of Object.entries(headers)) res.writeHeader(name, value);
  if (status === 204) return;
  res.writeHeader('content-type', answer.type);
  res.writeHeader('x-content-type-options', 'nosniff');
}
