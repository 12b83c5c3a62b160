/** Carries out the requests of a connection: begins, moves and ends subscriptions, and answers `history`. */
import { messageOf } from '../../core/errors.js';
import { PAGE_TICKS, SEEKS_WAITING_MAX, SUBSCRIBE_PATTERNS_MAX } from '../../core/limits.js';
import { isPattern } from '../../core/pattern.js';
import { KIND_NAMES, kindsMaskOf } from '../../core/tick.js';
import { parseTime } from '../../core/time-text.js';
import type { Encoding, From, RequestId, ServerMessage, WireError } from '../../wire/ticks.js';
import type { SharedView } from '../batch/shared-view.js';
import type { SymbolFilter, Wanted } from '../batch/symbol-filter.js';
import type { FanoutSettings } from '../contract/options.js';
import type { Start } from '../reader/subscription-reader.js';
import { HistoryBusy, historyOf, UnknownSymbol } from './history.js';
import type { HistoryQuestion, Request, Seek, Subscribe } from './requests.js';
import { type Resume, resumeAt } from './resume.js';
import { Subscription, type SubscriptionHost } from './subscription.js';

/** Milliseconds after which a client may repeat a request that was refused as `busy`. */
const BUSY_RETRY_MS = 500;

/** Milliseconds after which a client may repeat a request that was refused because a quota is full. */
const ROOM_RETRY_MS = 5_000;

/** The connection, as its operations see it. */
export interface OperationsHost extends SubscriptionHost {
  readonly isClosed: boolean;
  /** The address whose quotas the connection counts against. */
  readonly address: string;
  /** Leaves the cohort; called before the subscriptions change. */
  leaveCohort(): void;
}

type Found = Exclude<Resume, { refused: unknown }>;
/** Where a subscription begins, and the ticks that were withdrawn before it. */
type Opening = { point: Start; rewound?: Found['rewound'] };
type Refusal = Omit<WireError, 'op' | 'id' | 'temporary'> & { temporary?: boolean };

export class Operations {
  /** All subscriptions, in the order in which they began. */
  readonly subscriptions: Subscription[] = [];
  readonly #bySub = new Map<number, Subscription>();
  #nextSub = 1;
  /** Subscribe requests whose start or symbols are still being looked up. */
  #opening = 0;
  /** By subscription: the number of its unanswered seeks, and a promise that resolves after the last of them. */
  readonly #seeks = new Map<Subscription, { waiting: number; last: Promise<void> }>();

  constructor(
    readonly shared: SharedView,
    readonly host: OperationsHost,
    readonly encoding: Encoding,
    readonly settings: FanoutSettings,
  ) {}

  /**
   * Carries out a request. The connection itself answers `ping` and `auth`.
   * @returns a promise where later requests must wait for it
   */
  handle(request: Exclude<Request, { op: 'ping' | 'auth' }>): void | Promise<void> {
    if (request.op === 'subscribe') return this.#subscribe(request);
    if (request.op === 'history') void this.#history(request);
    else {
      const subscription = this.#bySub.get(request.sub);
      if (subscription === undefined) {
        const message = `There is no subscription ${request.sub} on this connection.`;
        this.refuse(request.id, { code: 'unknown_subscription', message });
      } else if (request.op === 'seek') this.#seek(subscription, request);
      else this.#controlSubscription(subscription, request.op, request.id);
    }
  }

  #controlSubscription(
    subscription: Subscription,
    op: 'unsubscribe' | 'pause' | 'resume',
    id: RequestId,
  ): void {
    const { sub } = subscription;
    if (op === 'unsubscribe') {
      this.end(sub);
      this.host.control({ op: 'unsubscribed', id, sub });
    } else if (op === 'pause') {
      subscription.paused = true;
      this.host.control({ op: 'paused', id, sub, cursor: subscription.cursorText() });
    } else {
      subscription.resume();
      this.host.control({ op: 'resumed', id, sub });
      this.shared.wake();
    }
  }

  end(sub: number): void {
    const subscription = this.#bySub.get(sub);
    if (subscription === undefined) return;
    subscription.close();
    this.#bySub.delete(sub);
    this.subscriptions.splice(this.subscriptions.indexOf(subscription), 1);
  }

  endAll(): void {
    for (const { sub } of [...this.subscriptions]) this.end(sub);
  }

  refuse(id: RequestId, { temporary = false, ...refusal }: Refusal): void {
    this.host.control({ op: 'error', id, temporary, ...refusal } satisfies ServerMessage);
  }

  #subscribe(request: Subscribe): void | Promise<void> {
    const refusal = this.#refusalOf(request);
    if (refusal !== null) this.refuse(request.id, refusal);
    else if (request.from === undefined || request.from === null) {
      return this.#open(request, { point: request.snapshot ? 'snapshot' : 'live' });
    } else {
      const critical = request.mode === 'latest' || !request.kinds.includes('quote');
      this.#opening++;
      void this.#find(request.id, request.from, critical, (found) => this.#open(request, found)).finally(
        () => this.#opening--,
      );
    }
  }

  #refusalOf(request: Subscribe): Refusal | null {
    const { limits } = this.settings;
    const patterns = request.symbols.filter(isPattern).length;
    if (request.symbols.length > limits.subscribeSymbols) {
      return {
        code: 'too_many_symbols',
        message: `A subscription names at most ${limits.subscribeSymbols} symbols.`,
      };
    }
    if (patterns > SUBSCRIBE_PATTERNS_MAX) {
      return {
        code: 'too_many_symbols',
        message: `A subscription has at most ${SUBSCRIBE_PATTERNS_MAX} patterns.`,
      };
    }
    if (this.subscriptions.length + this.#opening >= limits.subscriptions) {
      const message = `A connection has at most ${limits.subscriptions} subscriptions.`;
      return { code: 'too_many_subscriptions', message };
    }
    if (request.deliver === 'durable' && this.shared.ports.catchUp === undefined)
      return { code: 'no_log', message: 'Without a log no tick is durable.' };
    if (request.deliver === 'durable' && request.mode === 'latest')
      return { code: 'bad_request', message: 'deliver: durable goes with mode every.' };
    if (request.speed !== 'max' && (request.mode === 'latest' || (request.from ?? null) === null))
      return { code: 'bad_request', message: 'speed goes with mode every and with from.' };
    return null;
  }

  /** Looks up the cursor or time in `from`, then calls `go`; or refuses the request. */
  async #find(
    id: RequestId,
    from: From,
    critical: boolean,
    go: (found: Found) => void | Promise<void>,
  ): Promise<void> {
    const isTime = parseTime(from) !== null;
    const { lookups } = this.shared.quotas;
    const { address } = this.host;
    if (isTime && lookups.exceededBy(address, 1) !== null) {
      this.shared.quotas.refused++;
      this.#refuseBusy(id);
      return;
    }
    if (isTime) lookups.add(address, 1);
    try {
      const resume = await resumeAt(this.shared, from, critical);
      if (this.host.isClosed) return;
      if ('refused' in resume) this.refuse(id, resume.refused);
      else if (this.#wouldWait(resume)) this.#refuseBusy(id);
      else await go(resume);
    } catch (error) {
      if (this.host.isClosed) return;
      this.shared.ports.logger.error({ error: messageOf(error) }, 'A place in the log could not be found.');
      const message = 'The log could not be read; try again.';
      this.refuse(id, { code: 'log_failed', message, temporary: true, retryMs: BUSY_RETRY_MS });
    } finally {
      if (isTime) lookups.add(address, -1);
    }
  }

  #refuseBusy(id: RequestId): void {
    const message = 'Many others are reading from the log just now; try again.';
    this.refuse(id, { code: 'busy', message, temporary: true, retryMs: BUSY_RETRY_MS });
  }

  /** Whether the start must be read from the log while too many pages already wait to be read. */
  #wouldWait({ point }: Found): boolean {
    const { shared } = this;
    if (!shared.pages.busy) return false;
    if (point.epoch !== shared.epoch) return true;
    return shared.shards.some((view, s) => view.ring.oldest() > point.seqs[s] + PAGE_TICKS);
  }

  /** Begins a subscription when its filter is made: at once, or after some turns of the event loop. */
  #open(request: Subscribe, found: Opening): void | Promise<void> {
    const { shared, host } = this;
    const wanted = shared.filters.want(request.symbols);
    const refusal = this.#refusalOfWanted(wanted);
    if (refusal !== null) {
      shared.quotas.refused++;
      this.refuse(request.id, refusal);
      return;
    }
    const filter = shared.filters.take(wanted, host.address);
    if (!(filter instanceof Promise)) {
      this.#start(request, found, filter);
      return;
    }
    this.#opening++;
    return filter
      .then((made) => {
        if (host.isClosed) shared.filters.release(made);
        else this.#start(request, found, made);
      })
      .finally(() => this.#opening--);
  }

  /** Why the names and patterns of a request exceed a quota of the connection, of its address, or in all. */
  #refusalOfWanted(wanted: Wanted): Refusal | null {
    const { unknownNames, patterns } = this.shared.quotas;
    const filters = new Set(this.subscriptions.map(({ group }) => group.filter));
    let unknown = wanted.unknown.length;
    let patternCount = wanted.patterns.length;
    for (const filter of filters) {
      unknown += filter.unknownCount;
      patternCount += filter.patternCount;
    }
    const isOver =
      (wanted.unknown.length > 0 && unknown > unknownNames.perConnection) ||
      (wanted.patterns.length > 0 && patternCount > patterns.perConnection);
    const bound = this.shared.filters.refusal(wanted, this.host.address);
    // A filter that some subscription already uses costs nothing more.
    if ((!isOver && bound === null) || this.shared.filters.has(wanted)) return null;
    if (!isOver) return tooMuch(bound!);
    const names = `${unknownNames.perConnection} names that no source has defined`;
    const message = `A connection holds at most ${names}, and ${patterns.perConnection} patterns; ask for less.`;
    return { code: 'too_many_symbols', message };
  }

  #start(request: Subscribe, { point, rewound }: Opening, filter: SymbolFilter): void {
    const { shared } = this;
    const { filters, quotas } = shared;
    const bound = filter.users > 1 ? null : quotas.filterBytes.exceededBy(filter.address, 0);
    if (bound !== null) {
      quotas.refused++;
      filters.release(filter);
      this.refuse(request.id, tooMuch(`bytes of different lists of symbols, ${bound}`));
      return;
    }
    // The connection may have joined a cohort during the lookup.
    this.host.leaveCohort();
    const kinds = KIND_NAMES.filter((kind) => request.kinds.includes(kind));
    const group = shared.group(this.encoding, filter, request.mode, kindsMaskOf(kinds));
    const { mode, deliver, speed } = request;
    const intervalMs = mode === 'latest' ? request.intervalMs : 0;
    const sub = this.#nextSub++;
    const settings = { mode, kinds, intervalMs, deliver, speed };
    const subscription = new Subscription(shared, this.host, sub, group, settings, point);
    this.host.control({
      op: 'subscribed',
      id: request.id,
      sub,
      ...settings,
      epoch: subscription.epoch,
      cursor: subscription.cursorText(),
      symbols: filter.lists.flat().map((id) => subscription.describe(id)),
      unknown: filter.unknown(),
    });
    this.#bySub.set(sub, subscription);
    this.subscriptions.push(subscription);
    shared.wake();
    if (rewound !== undefined) this.host.control({ op: 'rewound', sub, ...rewound });
  }

  #seek(subscription: Subscription, request: Seek): void {
    const { sub, settings } = subscription;
    const sought = (start: Start) => {
      const speed = request.speed ?? settings.speed;
      this.host.leaveCohort();
      subscription.seek(start, speed);
      const { epoch } = subscription;
      const cursor = subscription.cursorText();
      this.host.control({ op: 'sought', id: request.id, sub, speed, epoch, cursor });
      this.shared.wake();
    };
    if ((request.speed ?? 'max') !== 'max' && settings.mode === 'latest') {
      this.refuse(request.id, { code: 'bad_request', message: 'speed goes with mode every.' });
      return;
    }
    this.#inOrder(subscription, request.id, async () => {
      if (this.#bySub.get(sub) !== subscription) this.#refuseEnded(request.id, sub);
      else if (request.from === undefined || request.from === null) {
        sought(settings.mode === 'latest' ? 'snapshot' : 'live');
      } else {
        await this.#find(request.id, request.from, subscription.group.critical, (found) => {
          if (this.#bySub.get(sub) !== subscription) {
            this.#refuseEnded(request.id, sub);
            return;
          }
          sought(found.point);
          if (found.rewound !== undefined) this.host.control({ op: 'rewound', sub, ...found.rewound });
        });
      }
    });
  }

  /** Runs the seeks of a subscription one after the other, in the order of the requests. */
  #inOrder(subscription: Subscription, id: RequestId, seek: () => Promise<void>): void {
    const seeks = this.#seeks.get(subscription) ?? { waiting: 0, last: Promise.resolve() };
    if (seeks.waiting >= SEEKS_WAITING_MAX) {
      this.#refuseBusy(id);
      return;
    }
    this.#seeks.set(subscription, seeks);
    const run = seeks.waiting++ === 0 ? seek() : seeks.last.then(seek);
    seeks.last = run.then(() => {
      if (--seeks.waiting === 0) this.#seeks.delete(subscription);
    });
  }

  #refuseEnded(id: RequestId, sub: number): void {
    const message = `Subscription ${sub} ended while its place was looked for.`;
    this.refuse(id, { code: 'unknown_subscription', message });
  }

  async #history(request: HistoryQuestion): Promise<void> {
    try {
      const history = await historyOf(this.shared, request, this.encoding, this.host.address);
      if (!this.host.isClosed) this.host.control({ op: 'history', id: request.id, ...history });
    } catch (error) {
      if (this.host.isClosed) return;
      const message = messageOf(error);
      if (error instanceof UnknownSymbol) {
        this.refuse(request.id, { code: 'unknown_symbol', message });
      } else if (error instanceof HistoryBusy) {
        this.refuse(request.id, { code: 'busy', message, temporary: true, retryMs: BUSY_RETRY_MS });
      } else {
        this.shared.ports.logger.error({ error: message }, 'A piece of history could not be read.');
        const sentence = 'The log could not be read; try again.';
        this.refuse(request.id, {
          code: 'log_failed',
          message: sentence,
          temporary: true,
          retryMs: BUSY_RETRY_MS,
        });
      }
    }
  }
}

function tooMuch(bound: string): Refusal {
  const message = `Subscriptions hold too many ${bound}; ask for less, or try again later.`;
  return { code: 'too_many_symbols', message, temporary: true, retryMs: ROOM_RETRY_MS };
}
