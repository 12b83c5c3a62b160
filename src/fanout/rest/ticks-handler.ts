/** Handles `GET /v1/ticks/{symbol}`: checks the request, reads its page, and builds the answer. */
import { messageOf } from '../../core/errors.js';
import { REST_PAGE_TICKS, REST_PAGE_TICKS_MAX } from '../../core/limits.js';
import type { LogPort, StreamPosition } from '../../core/log-port.js';
import { isEarlier, type Time } from '../../core/time.js';
import { digitsHint, parseTime } from '../../core/time-text.js';
import { cursorFromText } from '../../wire/cursor.js';
import { pageTokenFromText } from '../../wire/page-token.js';
import { REST_SHARES, Shares } from '../access/shares.js';
import type { SharedView } from '../batch/shared-view.js';
import { type Answer, busy, PROBLEMS, problem, Refusal } from '../contract/answers.js';
import { acceptedType, badRequest, parseQuery } from '../contract/query.js';
import { type Resume, resumeAt } from '../session/resume.js';
import { unknownSymbol } from './handlers.js';
import { positionAt, readMergedPage } from './merged-page.js';
import type { RestRequest } from './request.js';
import { encodePage, MEDIA_TYPES } from './tick-formats.js';
import { readTickPage, type TickPage, type TickPageRequest } from './tick-page.js';

const PARAMETERS = ['from', 'to', 'limit', 'cursor', 'format', 'spreadsheet'];

interface Asked {
  query: Map<string, string>;
  from: Time | null;
  to: Time | null;
  limit: number;
  cursor: string | undefined;
  mediaType: string;
  isForSheet: boolean;
}

export class RestTicks {
  constructor(
    readonly shared: SharedView,
    readonly shares = new Shares(REST_SHARES),
  ) {}

  /** @throws Refusal */
  async page(request: RestRequest): Promise<Answer> {
    const asked = parse(request);
    const { catchUp, registry } = this.shared.ports;
    this.shared.filters.refresh();
    const symbolId = registry.symbolId(request.parameter);
    if (symbolId === undefined || symbolId === 0) return unknownSymbol(request.parameter);
    if (catchUp === undefined)
      return problem(
        501,
        'no_log',
        'This server keeps no log, so there is no history; /v1/quotes has the newest.',
      );
    if (!(await this.shares.enter(request.client, request)))
      return busy('Too many pages are being read from the log; ask again, for fewer at once.');
    try {
      const page = await this.#read(request, asked, catchUp, symbolId);
      const body = await encodePage(page, MEDIA_TYPES[asked.mediaType], asked.isForSheet, request);
      return { status: 200, type: asked.mediaType, body, headers: headersOf(page, asked) };
    } catch (error) {
      if (error instanceof Refusal) throw error;
      this.shared.ports.logger.error(
        { error: messageOf(error) },
        'The log could not be read for a page of ticks.',
      );
      const detail = "The log could not be read; the server's log says why.";
      return problem(503, 'log_failed', detail, { 'retry-after': '1' });
    } finally {
      this.shares.leave(request.client);
    }
  }

  async #read(request: RestRequest, asked: Asked, catchUp: LogPort, symbolId: number): Promise<TickPage> {
    const { from, to, limit, cursor } = asked;
    const token = cursor === undefined ? null : pageTokenFromText(cursor);
    const resumed = cursor === undefined ? null : await this.#resume(token?.cursor ?? cursor);
    const after = from === null ? null : await catchUp.seekTime(from.seconds, from.nanos);
    const end = to === null ? null : await catchUp.seekTime(to.seconds, to.nanos);
    const { name, digits } = this.shared.ports.registry.symbols[symbolId]!;
    const wanted: TickPageRequest = {
      logId: this.shared.logId,
      symbol: { symbol: name, symbolId, digits },
      bucket: this.shared.ports.registry.bucket[symbolId],
      starts: [resumed?.point, after].filter((position) => position !== undefined && position !== null),
      end,
      limit,
      rewound: resumed?.rewound,
    };
    // A cursor of the stream has no position among imports: only live ticks follow it.
    if (token === null && cursor !== undefined) return readTickPage(wanted, catchUp, request);
    return readMergedPage(wanted, token ?? positionAt(from), to, catchUp, request);
  }

  async #resume(
    cursor: string,
  ): Promise<{ point: StreamPosition; rewound?: { epoch: number; lastSeq: number[] } }> {
    if (cursorFromText(cursor) === null) {
      const detail = 'The cursor cannot be read; take one of a page or of the stream.';
      throw new Refusal(problem(400, 'cursor_invalid', detail));
    }
    const resume: Resume = await resumeAt(this.shared, cursor, false);
    // `resumeAt` may have read newer heads: the next flush must serve them.
    this.shared.wake();
    if (!('refused' in resume)) return resume;
    const { code, message, oldest } = resume.refused;
    const more = oldest === undefined ? {} : { oldest };
    throw new Refusal(problem(PROBLEMS[code][0], code, message, {}, more));
  }
}

/** @throws Refusal, URIError */
function parse(request: RestRequest): Asked {
  const query = parseQuery(request.query, PARAMETERS);
  const from = timeOf(query, 'from');
  const to = timeOf(query, 'to');
  if (from !== null && to !== null && isEarlier(to, from))
    throw badRequest('from lies after to; exchange them.');
  const limitText = query.get('limit') ?? String(REST_PAGE_TICKS);
  const limit = /^\d{1,9}$/.test(limitText) ? Number(limitText) : 0;
  if (limit < 1 || limit > REST_PAGE_TICKS_MAX)
    throw badRequest(`limit must be a whole number from 1 to ${REST_PAGE_TICKS_MAX}; page on by the cursor.`);
  const sheet = query.get('spreadsheet') ?? 'false';
  if (sheet !== 'true' && sheet !== 'false') throw badRequest('spreadsheet must be true or false.');
  return {
    query,
    from,
    to,
    limit,
    cursor: query.get('cursor'),
    mediaType: mediaTypeOf(request, query),
    isForSheet: sheet === 'true',
  };
}

function timeOf(query: Map<string, string>, name: string): Time | null {
  const text = query.get(name);
  if (text === undefined) return null;
  const time = parseTime(text);
  if (time !== null) return time;
  throw badRequest(
    `${name} must be a time such as 2024-06-19T08:00:00Z (without a zone: UTC), or UNIX time in nanoseconds, not ${JSON.stringify(text)}.${digitsHint(text)}`,
  );
}

function mediaTypeOf(request: RestRequest, query: Map<string, string>): string {
  const types = Object.keys(MEDIA_TYPES);
  const format = query.get('format');
  if (format !== undefined) {
    const named = types.find((type) => MEDIA_TYPES[type] === format);
    if (named !== undefined) return named;
    throw badRequest('format must be json, ndjson, csv or msgpack.');
  }
  const accepted = acceptedType(request.accept, types);
  if (accepted !== null) return accepted;
  throw new Refusal(problem(406, 'not_acceptable', `Accept one of ${types.join(', ')}.`));
}

function headersOf(page: TickPage, asked: Asked): Record<string, string> {
  const headers: Record<string, string> = {
    'cache-control': 'no-cache',
    vary: 'accept, origin',
    'x-next-cursor': page.cursor,
    'x-missing': String(page.gaps.reduce((missing, gap) => missing + gap.last - gap.first + 1, 0)),
  };
  if (!page.more) return headers;
  const query = new Map(asked.query).set('cursor', page.cursor);
  const text = Array.from(query, ([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
  headers.link = `</v1/ticks/${encodeURIComponent(page.symbol.symbol)}?${text}>; rel="next"`;
  return headers;
}
