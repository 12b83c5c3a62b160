/** REST answers from the last-value table and the counters. Their numbers equal those of the stream. */
import { randomBytes } from 'node:crypto';
import { SUBSCRIBE_PATTERNS_MAX, SUBSCRIBE_SYMBOLS_MAX } from '../../core/limits.js';
import { isPattern, matchesPattern, parsePattern, splitList } from '../../core/pattern.js';
import {
  RECORD_U16,
  RECORD_U32,
  StatusCode,
  U16_STATUS_CODE,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
} from '../../core/tick.js';
import { CounterReader, type Totals } from '../../pipeline/memory/counter-reader.js';
import { turn } from '../../pipeline/memory/doorbell.js';
import { EntryF64, Slot, TableEntry } from '../../pipeline/memory/last-value-table.js';
import { type Watermark, WatermarkReader } from '../../pipeline/memory/watermarks.js';
import { tickJson } from '../../wire/json.js';
import { REST_SHARES, Shares } from '../access/shares.js';
import type { SharedView } from '../batch/shared-view.js';
import { type Answer, busy, json, problem } from '../contract/answers.js';
import type { FanoutStats } from '../contract/ports.js';
import { badRequest, parseQuery } from '../contract/query.js';

/** States written in one turn of the event loop, which must also serve subscribers. */
const STATES_PER_SLICE = 1_024;

/** `isAborted` once the client no longer waits for the answer. */
interface QuotesRequest {
  client: string;
  query: string;
  readonly isAborted: boolean;
}

type Rates = Record<'received' | 'sequenced' | 'logged' | 'sent', number>;
interface Sample {
  atMs: number;
  totals: Totals;
  sent: number;
}

export class Rest {
  readonly #entry = new TableEntry();
  /** Names this run in entity tags: without a log, every run uses the same seqs. Tags are weak, because ages change. */
  readonly #run = randomBytes(6).toString('base64url');
  readonly #counters: CounterReader;
  readonly #watermarks: WatermarkReader;
  /** Limits large answers, which are written in several turns. */
  readonly #large = new Shares(REST_SHARES);
  #sample: Sample;
  #rates: Rates = { received: 0, sequenced: 0, logged: 0, sent: 0 };

  constructor(
    readonly shared: SharedView,
    readonly stats: () => FanoutStats,
  ) {
    this.#counters = new CounterReader(shared.ports.memory);
    this.#watermarks = new WatermarkReader(shared.ports.memory, shared.epoch);
    this.#sample = this.#take();
  }

  symbols(): Answer {
    this.shared.filters.refresh();
    const symbols = this.shared.ports.registry.symbols.flatMap((entry) =>
      entry === undefined || entry.id === 0
        ? []
        : [{ symbol: entry.name, digits: entry.digits, version: entry.version, ttlMs: entry.ttlMs ?? null }],
    );
    return json({ symbols });
  }

  /**
   * The states of the symbols that the query names: `symbols` may hold names and patterns, separated by commas.
   * @throws Refusal for a bad query
   */
  async quotes(request: QuotesRequest): Promise<Answer> {
    const slot = { isTaken: false };
    try {
      return await this.#quotes(request, slot);
    } finally {
      if (slot.isTaken) this.#large.leave(request.client);
    }
  }

  /** @param slot `isTaken` is set once a slot for large answers is taken */
  async #quotes(request: QuotesRequest, slot: { isTaken: boolean }): Promise<Answer> {
    const filter = parseQuery(request.query, ['symbols']).get('symbols') ?? '';
    const wanted = parseWanted(filter === '' ? '*' : filter);
    this.shared.filters.refresh();
    const { registry } = this.shared.ports;
    const { symbols, symbolCount } = registry;
    // Read before the entries, so that an answer may be newer than its tag, but never older.
    const heads = this.shared.shards.map((view) => this.shared.table.applied(view.index));
    const slices: Uint8Array[] = [];
    let text = `{"epoch":${this.shared.epoch},"quotes":[`;
    let stale = 0;
    let count = 0;
    for (let id = 1; id < symbolCount && !request.isAborted; id++) {
      const { name } = symbols[id]!;
      if (!wanted.names.has(name) && !wanted.patterns.some((p) => matchesPattern(p, name))) continue;
      const state = this.#state(id);
      if (state === null) continue;
      text += count === 0 ? state.body : `,${state.body}`;
      if (state.stale) stale++;
      if (++count % STATES_PER_SLICE !== 0) continue;
      slices.push(Buffer.from(text));
      text = '';
      if (!slot.isTaken) {
        if (!(await this.#large.enter(request.client, request)))
          return busy('Too many large answers are being written; ask again, for fewer at once, or for less.');
        slot.isTaken = true;
      }
      await turn();
    }
    const unknown = [...wanted.names].filter((name) => registry.symbolId(name) === undefined);
    slices.push(Buffer.from(`${text}],"unknown":${JSON.stringify(unknown)}}`));
    const etag = `W/"${this.#run}-${heads.join('.')}-${symbolCount}-${stale}"`;
    return {
      status: 200,
      type: 'application/json',
      body: Buffer.concat(slices),
      headers: { etag, 'cache-control': 'no-cache' },
    };
  }

  quote(name: string): Answer {
    this.shared.filters.refresh();
    const { registry } = this.shared.ports;
    const id = registry.symbolId(name);
    if (id === undefined) return unknownSymbol(name);
    const state = this.#state(id);
    if (state === null) return problem(404, 'no_quote', `${name} has not ticked yet.`);
    return json(state.body, {
      etag: `W/"${this.#run}-${state.seq}-${registry.version[id]}-${state.stale ? 1 : 0}"`,
      age: String(Math.floor(state.ageMs / 1000)),
      'cache-control': 'no-cache',
    });
  }

  /** The state of a symbol as JSON; null before its first tick. */
  #state(id: number): { body: string; seq: number; ageMs: number; stale: boolean } | null {
    const entry = this.#entry;
    const { name, ttlMs, digits } = this.shared.ports.registry.symbols[id]!;
    if (!this.shared.table.read(id, entry)) return null;
    const slots = [Slot.quote, Slot.trade, Slot.status];
    if (!slots.some((slot) => entry.has(slot))) return null;
    const seqs = [EntryF64.quoteSeq, EntryF64.tradeSeq, EntryF64.statusSeq].map((word) => entry.f64[word]);
    const parts = slots.map((slot) =>
      entry.has(slot) ? tickJson(entry.records, slot, seqs[slot], name) : 'null',
    );
    const newest = slots.filter((slot) => entry.has(slot) && slot !== Slot.status);
    const ageMs = Math.max(
      0,
      Math.min(...(newest.length === 0 ? slots : newest).map((slot) => this.#ageMs(slot))),
    );
    const stale = this.#isStale(ttlMs);
    const body =
      `{"symbol":${JSON.stringify(name)},"digits":${digits},"quote":${parts[Slot.quote]},` +
      `"trade":${parts[Slot.trade]},"status":${parts[Slot.status]},"ageMs":${Math.round(ageMs)},"stale":${stale}}`;
    return { body, seq: entry.seq, ageMs, stale };
  }

  /**
   * Whether the quote of the entry (without a quote: the trade) is stale: older than `ttlMs`, of an earlier epoch, or
   * older than a status of the source that says that ticks are missing.
   */
  #isStale(ttlMs: number | undefined): boolean {
    const entry = this.#entry;
    const slot = entry.has(Slot.quote) ? Slot.quote : Slot.trade;
    if (!entry.has(slot)) return false;
    const seq = entry.f64[EntryF64.quoteSeq + slot];
    if (seq === 0) return true;
    const code = entry.records.u16[Slot.status * RECORD_U16 + U16_STATUS_CODE];
    const isReportedStale = entry.has(Slot.status) && code === StatusCode.symbolStale;
    return (
      (isReportedStale && entry.f64[EntryF64.statusSeq] > seq) ||
      (ttlMs !== undefined && this.#ageMs(slot) > ttlMs)
    );
  }

  /** Milliseconds since a record of the entry was received; infinite where there is no record. */
  #ageMs(slot: number): number {
    const entry = this.#entry;
    if (!entry.has(slot)) return Number.POSITIVE_INFINITY;
    const { clock } = this.shared;
    clock.stamp();
    const w = slot * RECORD_U32;
    const s = entry.records.u32[w + U32_TS_RECV_S];
    const ns = entry.records.u32[w + U32_TS_RECV_NS];
    return (clock.seconds - s) * 1000 + (clock.nanos - ns) / 1e6;
  }

  feeds(): Answer {
    return json({ feeds: this.shared.ports.feeds() });
  }

  ready(): Answer {
    const readiness = this.shared.ports.readiness();
    return json(readiness, {}, readiness.ready ? 200 : 503);
  }

  /** Counters, rates and queues of every stage. */
  pipeline(): Answer {
    const { plan } = this.shared.ports.memory;
    const counters = this.#counters;
    const feeds = plan.feeds.map((feed, f) => ({
      ...counters.feed(f),
      policy: feed.policy,
      rawDepth: this.shared.shards.map((view) => counters.rawDepth(f, view.index)),
      rawSlots: plan.rawSlots,
    }));
    const shards = this.shared.shards.map(({ index }) => ({
      shard: index,
      head: counters.head(index),
      applied: this.shared.table.applied(index),
      visible: plan.log ? counters.visible(index) : null,
      durable: plan.log ? counters.durable(index) : null,
      lag: lagOf(this.#watermarks.read(index)),
      ringSlots: plan.ringSlots,
    }));
    return json({
      epoch: this.shared.epoch,
      totals: counters.totals(),
      perSecond: this.#rates,
      feeds,
      shards,
      fanout: this.stats(),
    });
  }

  /** Must be called about once a second: the rates are those between the last two calls. */
  sample(): void {
    const before = this.#sample;
    const now = this.#take();
    const seconds = (now.atMs - before.atMs) / 1000;
    if (seconds <= 0) return;
    this.#sample = now;
    this.#rates = {
      received: (now.totals.received - before.totals.received) / seconds,
      sequenced: (now.totals.sequenced - before.totals.sequenced) / seconds,
      logged: (now.totals.logged - before.totals.logged) / seconds,
      sent: (now.sent - before.sent) / seconds,
    };
  }

  #take(): Sample {
    return { atMs: performance.now(), totals: this.#counters.totals(), sent: this.stats().ticksSent };
  }
}

export function unknownSymbol(name: string): Answer {
  return problem(404, 'unknown_symbol', `No source has defined ${name}; /v1/symbols lists what there is.`);
}

function parseWanted(filter: string): { names: Set<string>; patterns: string[][] } {
  const wanted = splitList(filter);
  const names = wanted.filter((name) => name !== '' && !isPattern(name)).map((name) => parsePattern(name)[0]);
  const patterns = wanted.filter(isPattern).map(parsePattern);
  if (names.length > SUBSCRIBE_SYMBOLS_MAX || patterns.length > SUBSCRIBE_PATTERNS_MAX) {
    throw badRequest(
      `symbols takes at most ${SUBSCRIBE_SYMBOLS_MAX} names and ${SUBSCRIBE_PATTERNS_MAX} patterns; ask in parts.`,
    );
  }
  return { names: new Set(names), patterns };
}

function lagOf(mark: Watermark | undefined): object | null {
  if (mark === undefined) return null;
  return {
    visibleTicks: mark.visibleLagTicks,
    visibleMs: mark.visibleLagMs,
    durableTicks: mark.durableLagTicks,
    durableMs: mark.durableLagMs,
  };
}
