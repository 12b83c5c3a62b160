import { sleep } from '../core/sleep.js';
import type { Epoch, SymbolSeq } from '../core/units.js';
import type { Hello, History, HistoryRequest, WireError } from '../wire/ticks.js';
import { Backoff } from './backoff.js';
import { ServerError } from './errors.js';
import type { AnswerOf, RequestHandlers, RequestOf } from './pending-requests.js';
import { PlainReader } from './plain-reader.js';
import { type PlainTick, TickView } from './view.js';

/** Times in a row that a request is tried again because the server is busy, before it is given up. */
const ATTEMPTS_MAX = 8;

/** Ticks of one symbol by their `symbolSeq`, both ends inclusive. */
export type HistoryQuery = Omit<HistoryRequest, 'op' | 'id'>;

/** What the server holds of the range. */
export interface HistoryResult {
  symbol: string;
  /** Decimal digits of its prices. */
  digits: number;
  epoch: Epoch;
  shard: number;
  fromSymbolSeq: SymbolSeq;
  toSymbolSeq: SymbolSeq;
  /** Ticks of the range that the log does not have: expired, shed by the log, or conflated before they were sequenced. */
  missing: number;
  /** In order. */
  ticks: PlainTick[];
}

export interface HistoryHost {
  call(request: RequestOf<'history'>, handlers: RequestHandlers<AnswerOf<'history'>>): void;
  /** Of the server, while requests can be sent. */
  readonly hello: Hello | undefined;
  /** Resolves once requests can be sent; rejects when that will never be. */
  whenOnline(): Promise<void>;
}

type Page = { answer: History } | { error: WireError } | 'lost';

/**
 * Asks for page after page until the range is covered. A page whose connection is lost is asked for again on
 * the next one, a busy server after as long as it says.
 * @throws ServerError if the server refuses, or is busy for too long
 * @throws ConnectionClosedError if the client is closed
 */
export async function readHistory(host: HistoryHost, query: HistoryQuery): Promise<HistoryResult> {
  const { fromSymbolSeq, toSymbolSeq } = query;
  const backoff = new Backoff({ initialDelayMs: 200, maxDelayMs: 10_000, maxAttempts: ATTEMPTS_MAX });
  let result: HistoryResult | undefined;
  let next = query;
  let logId = '';
  for (;;) {
    await host.whenOnline();
    if (host.hello!.logId !== logId) {
      // Another log numbers other ticks: what came of the one before does not go with them.
      logId = host.hello!.logId;
      result = undefined;
      next = query;
    }
    const page = await new Promise<Page>((resolve) => {
      host.call(
        { op: 'history', ...next },
        {
          onAnswer: (answer) => resolve({ answer }),
          onError: (error) => resolve({ error }),
          onLost: () => resolve('lost'),
        },
      );
    });
    if (page === 'lost') continue;
    if ('error' in page) {
      const delayMs = page.error.temporary ? backoff.next(page.error.retryMs) : undefined;
      if (delayMs === undefined) throw new ServerError(page.error);
      await sleep(delayMs);
      continue;
    }
    backoff.succeeded();
    const { answer } = page;
    const { symbol, digits, epoch, shard } = answer;
    result ??= { symbol, digits, epoch, shard, fromSymbolSeq, toSymbolSeq, missing: 0, ticks: [] };
    result.missing += answer.missing;
    const seq = append(result.ticks, answer, logId);
    if (answer.toSymbolSeq === toSymbolSeq) return result;
    next = following(next, answer, seq);
  }
}

/** The query for what `answer` did not reach. `seq` is that of the answer's last tick, or undefined if the answer had none. */
function following(query: HistoryQuery, answer: History, seq: number | undefined): HistoryQuery {
  // symbolSeq is taken modulo 2^32, so positions are compared by their distance from the start.
  const covered = (answer.toSymbolSeq - query.fromSymbolSeq) >>> 0;
  const wanted = (query.toSymbolSeq - query.fromSymbolSeq) >>> 0;
  if (covered > wanted) {
    throw new Error(
      `the server answered symbolSeq ${query.fromSymbolSeq} to ${query.toSymbolSeq} of ${query.symbol} with ` +
        `a page that ends at ${answer.toSymbolSeq}`,
    );
  }
  const fromSymbolSeq = (answer.toSymbolSeq + 1) >>> 0;
  // An absent epoch means the present one, which a restart between two pages would change.
  return { ...query, epoch: answer.epoch, fromSymbolSeq, ...(seq !== undefined && { fromSeq: seq }) };
}

/** Returns the seq of the last tick. */
function append(ticks: PlainTick[], answer: History, logId: string): number | undefined {
  const { symbol, digits, epoch, shard } = answer;
  const reader = new PlainReader();
  const view = new TickView(reader.tick);
  view.info = { symbol, digits, version: 0, index: 0 };
  view.logId = logId;
  view.epoch = epoch;
  view.shard = shard;
  reader.reset({ op: 'ticks', sub: 0, epoch, shard, cursor: '', ticks: answer.ticks });
  reader.nextBatch();
  while (reader.nextRecord()) ticks.push(view.toObject());
  return answer.ticks.length === 0 ? undefined : reader.tick.seq;
}
