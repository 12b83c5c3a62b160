/**
 * A client that compares all that it gets with what the shards wrote, tick by tick: in mode `every` each one it
 * asked for comes once and in order, in `latest` so do trades and status, and quotes only get newer.
 */
import { F64_BID, KIND_NAMES, kindOf, RECORD_F64, RECORD_U32, U32_SYMBOL } from '../../src/core/tick.js';
import { cursorFromText } from '../../src/wire/cursor.js';
import type { Served } from './fanout.js';
import type { Client, GotTick } from './stream-client.js';

/** What one subscription has got. */
class Watching {
  readonly watched = new Set<number>();
  paused = false;
  /** By shard: the last tick in order, and the position where it began. */
  lasts: number[] = [];
  starts: number[] = [];
  /** By symbol: the last quote. */
  readonly quotes = new Map<number, number>();

  constructor(
    readonly mode: string,
    readonly kinds: readonly string[],
  ) {}

  begin(cursor: string): void {
    this.lasts = Array.from(cursorFromText(cursor)!.seqs);
    this.starts = [...this.lasts];
    this.quotes.clear();
  }

  /** Whether a tick comes in order, rather than as the newest of its symbol. */
  isInOrder(kind: string): boolean {
    return this.kinds.includes(kind) && (this.mode === 'every' || kind !== 'quote');
  }
}

export class Follower {
  readonly subs = new Map<number, Watching>();
  /** Cursors that it got. */
  readonly cursors: string[] = [];
  readonly faults: string[] = [];
  readonly errors: string[] = [];
  ticks = 0;
  /** Requests that have not been answered. */
  asked = 0;
  #seen = 0;

  constructor(
    readonly served: Served,
    readonly client: Client,
  ) {
    client.onTick = (tick) => this.#take(tick);
  }

  ask(message: object): void {
    this.asked++;
    this.client.send({ id: `${this.asked}`, ...message });
  }

  /** Takes note of control messages, which came before the present tick. */
  look(): void {
    const { controls } = this.client;
    for (; this.#seen < controls.length; this.#seen++) this.#control(controls[this.#seen]);
  }

  // biome-ignore lint/suspicious/noExplicitAny: messages of any shape
  #control(message: any): void {
    const { op, sub, cursor } = message;
    if (op === 'error') this.errors.push(message.code);
    if (cursor !== undefined) this.cursors.push(cursor);
    if (op === 'subscribed') this.subs.set(sub, new Watching(message.mode, message.kinds));
    const watching = this.subs.get(sub);
    if (op === 'unsubscribed') this.subs.delete(sub);
    if (watching === undefined) return;
    for (const { symbolId } of message.symbols ?? []) watching.watched.add(symbolId);
    if (op === 'subscribed' || op === 'sought') watching.begin(cursor);
    if (op === 'paused' || op === 'resumed') watching.paused = op === 'paused';
  }

  #fault(tick: GotTick, what: string): void {
    this.faults.push(`${this.client.encoding} sub ${tick.sub}: ${what}: ${JSON.stringify(tick)}`);
  }

  #take(tick: GotTick): void {
    this.client.ticks.length = 0;
    this.ticks++;
    this.look();
    const watching = this.subs.get(tick.sub);
    if (watching === undefined) this.#fault(tick, 'no such subscription');
    else if (!watching.watched.has(tick.symbolId)) this.#fault(tick, 'not a symbol of it');
    else if (tick.snapshot) this.#takeState(watching, tick);
    else this.#takeTick(watching, tick);
  }

  #takeTick(watching: Watching, tick: GotTick): void {
    if (watching.paused) this.#fault(tick, 'it was paused');
    const s = this.served.shardOf(tick.symbolId);
    const { history, head } = this.served.shards[s];
    const i = tick.seq - 1;
    const isWritten = tick.seq <= head && history.u32[i * RECORD_U32 + U32_SYMBOL] === tick.symbolId;
    const isIt = isWritten && KIND_NAMES[kindOf(history, i)] === tick.kind;
    if (!isIt) this.#fault(tick, 'never written');
    else if (tick.kind !== 'status' && history.f64[i * RECORD_F64 + F64_BID] !== tick.value)
      this.#fault(tick, `the value was ${history.f64[i * RECORD_F64 + F64_BID]}`);
    if (!watching.isInOrder(tick.kind)) {
      if (tick.seq <= (watching.quotes.get(tick.symbolId) ?? 0)) this.#fault(tick, 'an older quote');
      watching.quotes.set(tick.symbolId, tick.seq);
      return;
    }
    const next = this.#next(watching, s);
    if (next !== tick.seq) this.#fault(tick, `seq ${next} was next`);
    watching.lasts[s] = tick.seq;
  }

  #takeState(watching: Watching, tick: GotTick): void {
    const { symbolId, seq } = tick;
    const start = watching.starts[this.served.shardOf(symbolId)];
    if (watching.isInOrder(tick.kind) && seq > start) this.#fault(tick, `it comes again after seq ${start}`);
    if (tick.kind === 'quote') watching.quotes.set(symbolId, seq);
  }

  /** The seq of the tick that comes next in order; undefined where there is none. */
  #next(watching: Watching, s: number): number | undefined {
    const { history, head } = this.served.shards[s];
    for (let seq = watching.lasts[s] + 1; seq <= head; seq++) {
      const symbol = history.u32[(seq - 1) * RECORD_U32 + U32_SYMBOL];
      if (!watching.watched.has(symbol)) continue;
      if (watching.isInOrder(KIND_NAMES[kindOf(history, seq - 1)])) return seq;
    }
    return undefined;
  }

  /** What is missing of what was written; empty where it has all. */
  lacks(): string[] {
    this.look();
    const lacks: string[] = [];
    for (const [sub, watching] of this.subs) {
      for (const { index } of this.served.shards) {
        const next = this.#next(watching, index);
        if (next !== undefined) lacks.push(`sub ${sub} shard ${index} from seq ${next}`);
        if (watching.mode === 'latest') lacks.push(...this.#lacksQuotes(sub, watching, index));
      }
    }
    return lacks;
  }

  #lacksQuotes(sub: number, watching: Watching, s: number): string[] {
    if (!watching.kinds.includes('quote')) return [];
    const { history, head } = this.served.shards[s];
    const all = [...watching.watched].filter((symbol) => this.served.shardOf(symbol) === s).length;
    const newest = new Map<number, number>();
    for (let seq = head; seq > watching.starts[s] && newest.size < all; seq--) {
      const symbol = history.u32[(seq - 1) * RECORD_U32 + U32_SYMBOL];
      const isQuote = KIND_NAMES[kindOf(history, seq - 1)] === 'quote';
      if (isQuote && watching.watched.has(symbol) && !newest.has(symbol)) newest.set(symbol, seq);
    }
    return [...newest]
      .filter(([symbol, seq]) => (watching.quotes.get(symbol) ?? 0) < seq)
      .map(([symbol, seq]) => `sub ${sub} shard ${s} quote ${seq} of symbol ${symbol}`);
  }
}
