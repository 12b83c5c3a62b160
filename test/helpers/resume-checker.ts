/**
 * Keeps what one connection is sent, section by section: a section is what follows one position, up to the next `seek` or
 * the end. Afterwards `faults` compares each with the log. After every cursor that the server sends, everything up to
 * it has come that was asked for; whatever comes is as it was logged, once and in order.
 */
import { matchesPattern, parsePattern } from '../../src/core/pattern.js';
import { KIND_NAMES, type KindName } from '../../src/core/tick.js';
import { cursorFromText } from '../../src/wire/cursor.js';
import type { LoggedTick } from './log/whole-epoch.js';
import type { Client, GotTick } from './stream-client.js';

interface Section {
  sub: number;
  asked: Asked;
  mode: 'latest' | 'every';
  kinds: ReadonlySet<KindName>;
  /** Whether it begins with the state. */
  hasState: boolean;
  start: number[];
  events: (GotTick | { cursor: number[]; why: string })[];
}

/** A subscription as it was asked for. */
export interface Asked {
  symbols: string[];
  mode: 'latest' | 'every';
  kinds?: KindName[] | undefined;
  snapshot?: boolean;
  from?: string;
}

const seqsOf = (cursor: string): number[] => Array.from(cursorFromText(cursor)!.seqs);

export class DeliveryRecorder {
  readonly sections: Section[] = [];
  readonly faults: string[] = [];
  /** Cursors that it got. */
  readonly cursors: string[] = [];
  /** Its subscriptions: how each was asked for, and whether it is paused. */
  readonly subs = new Map<number, { asked: Asked; paused: boolean }>();
  readonly #open = new Map<number, Section>();
  /** Requests, by id. */
  // biome-ignore lint/suspicious/noExplicitAny: messages of any shape
  readonly #requests = new Map<string, any>();
  #seen = 0;
  #busy = 0;

  constructor(readonly client: Client) {
    client.onTick = (tick) => this.#tick(tick);
    client.onBatch = (sub, cursor) => this.#cursor(sub, cursor, 'batch');
  }

  /** Sends a request and does not wait. */
  ask(message: object): void {
    const id = `k${this.#requests.size}`;
    this.#requests.set(id, message);
    this.client.send({ ...message, id });
  }

  subscribe(asked: Asked): void {
    this.ask({ op: 'subscribe', ...asked });
  }

  /** Takes note of control messages, which came before the present tick. */
  look(): void {
    const { controls } = this.client;
    for (; this.#seen < controls.length; this.#seen++) this.#control(controls[this.#seen]);
  }

  // biome-ignore lint/suspicious/noExplicitAny: messages of any shape
  #control(message: any): void {
    const { op, sub, cursor, id } = message;
    if (op === 'subscribed') {
      const asked = this.#requests.get(id) as Asked;
      this.subs.set(sub, { asked, paused: false });
      const hasState = asked.from === undefined && asked.snapshot !== false;
      this.#begin(sub, cursor, hasState);
    } else if (op === 'sought') {
      // Without a position to begin at, `latest` is sent the state again.
      const { asked } = this.subs.get(sub)!;
      this.#begin(sub, cursor, asked.mode === 'latest' && this.#requests.get(id).from === undefined);
    } else if (op === 'paused') {
      this.#cursor(sub, cursor, 'paused');
      this.subs.get(sub)!.paused = true;
    } else if (op === 'resumed') {
      this.subs.get(sub)!.paused = false;
    } else if (op === 'unsubscribed') {
      this.subs.delete(sub);
      this.#open.delete(sub);
    } else if (op === 'error' && message.code === 'busy') {
      // On a busy machine the log may be asked for more than the server reads at once; such a request changes nothing.
      this.#busy++;
    } else if (op === 'error' && message.code === 'unknown_subscription' && this.#hasEnded(id)) {
      // It was ended while the server looked for the place that an earlier request named: that request changes nothing.
      return;
    } else if (op === 'error') {
      this.faults.push(`an error: ${JSON.stringify(message)}`);
    }
  }

  /** Whether the subscription of a request was ended by a later one. */
  #hasEnded(id: string): boolean {
    const asked = [...this.#requests.entries()];
    const at = asked.findIndex(([other]) => other === id);
    const { sub } = asked[at][1];
    return asked.slice(at + 1).some(([, later]) => later.op === 'unsubscribe' && later.sub === sub);
  }

  #begin(sub: number, cursor: string, hasState: boolean): void {
    const { asked } = this.subs.get(sub)!;
    const { mode, kinds = KIND_NAMES } = asked;
    const start = seqsOf(cursor);
    const section: Section = { sub, asked, mode, kinds: new Set(kinds), hasState, start, events: [] };
    this.sections.push(section);
    this.cursors.push(cursor);
    this.#open.set(sub, section);
  }

  #tick(tick: GotTick): void {
    this.client.ticks.length = 0;
    this.look();
    const section = this.#open.get(tick.sub);
    if (section === undefined) this.faults.push(`of no subscription: ${JSON.stringify(tick)}`);
    else if (this.subs.get(tick.sub)!.paused) this.faults.push(`while paused: ${JSON.stringify(tick)}`);
    else section.events.push(tick);
  }

  #cursor(sub: number, cursor: string, why: string): void {
    if (why === 'batch') this.look();
    this.cursors.push(cursor);
    this.#open.get(sub)?.events.push({ cursor: seqsOf(cursor), why });
  }

  /** Ends every section at a position that all have reached. */
  end(heads: number[]): void {
    this.look();
    for (const section of this.#open.values()) section.events.push({ cursor: heads, why: 'end' });
    this.#open.clear();
  }

  /** How many ticks it was sent. */
  get ticks(): number {
    return this.sections.reduce((sum, { events }) => sum + events.filter((e) => 'seq' in e).length, 0);
  }

  /** @param names of all symbols, by id */
  check(truth: readonly LoggedTick[][], names: readonly string[]): string[] {
    const index = indexOf(truth);
    const found = this.sections.flatMap((section) => {
      const patterns = section.asked.symbols.map(parsePattern);
      const watched = new Set(
        [0, ...names.keys()].filter((id) => id === 0 || patterns.some((p) => matchesPattern(p, names[id]))),
      );
      const check = new Check(section, watched, truth, index);
      return check.faults.slice(0, 1).map((fault) => `${this.client.encoding} ${fault}`);
    });
    // A server that answered many requests with `busy` has hardly been tested.
    const refused =
      this.#busy * 4 > this.#requests.size ? [`${this.#busy} requests found the server busy`] : [];
    return [...this.faults, ...refused, ...found];
  }
}

/** By shard, then by symbol and kind: the seqs of the ticks that the table takes, ascending. */
type StateIndex = Map<string, number[]>[];

const keyOf = (symbolId: number, kind: KindName): string => `${symbolId} ${kind}`;

function indexOf(truth: readonly LoggedTick[][]): StateIndex {
  return truth.map((ticks) => {
    const index = new Map<string, number[]>();
    ticks.forEach(({ symbolId, kind, isState }, i) => {
      if (!isState) return;
      const key = keyOf(symbolId, kind);
      const seqs = index.get(key);
      if (seqs === undefined) index.set(key, [i + 1]);
      else seqs.push(i + 1);
    });
    return index;
  });
}

/** The last of ascending seqs up to `end`; 0 where there is none. */
function lastUpTo(seqs: readonly number[] | undefined, end: number): number {
  let [low, high] = [0, seqs?.length ?? 0];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (seqs![middle] <= end) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? 0 : seqs![low - 1];
}

class Check {
  readonly faults: string[] = [];
  /** By shard: the last tick in order. */
  readonly #at: number[];
  /** By shard: the last one that was to come in order, and came. */
  readonly #got: number[];
  /** By symbol: its last quote in mode `latest`. */
  readonly #quotes = new Map<number, number>();
  /** By symbol and kind: what the state at the start said. */
  readonly #state = new Map<string, number>();

  constructor(
    readonly section: Section,
    readonly watched: ReadonlySet<number>,
    readonly truth: readonly LoggedTick[][],
    readonly index: StateIndex,
  ) {
    this.#at = [...section.start];
    this.#got = [...section.start];
    for (const event of section.events) {
      if ('why' in event) this.#reached(event.cursor, event.why);
      else if (event.snapshot) this.#takeState(event);
      else this.#take(event);
      if (this.faults.length > 0) return;
    }
    const end = section.events.at(-1);
    if (section.hasState && end !== undefined && 'why' in end && end.why === 'end') this.#checkState();
  }

  #fault(what: string): void {
    const { sub, mode, kinds, start } = this.section;
    this.faults.push(`sub ${sub} (${mode}, ${[...kinds]}) from ${start}: ${what}`);
  }

  #isInOrder(kind: KindName): boolean {
    return this.section.kinds.has(kind) && (this.section.mode === 'every' || kind !== 'quote');
  }

  /** The seq of the next tick of a shard in order; beyond its end where there is none. */
  #next(shard: number): number {
    const ticks = this.truth[shard];
    let seq = this.#at[shard] + 1;
    while (seq <= ticks.length) {
      const { symbolId, kind } = ticks[seq - 1];
      if (this.watched.has(symbolId) && this.#isInOrder(kind)) return seq;
      this.#at[shard] = seq++;
    }
    return seq;
  }

  #isLogged(tick: GotTick): boolean {
    const logged = this.truth[tick.shard]?.[tick.seq - 1];
    return (
      logged !== undefined &&
      this.watched.has(tick.symbolId) &&
      logged.symbolId === tick.symbolId &&
      logged.kind === tick.kind &&
      logged.symbolSeq === tick.symbolSeq &&
      (tick.kind === 'status' || tick.kind === 'gap' || logged.value === tick.value)
    );
  }

  #take(tick: GotTick): void {
    const told = JSON.stringify(tick);
    if (!this.#isLogged(tick)) this.#fault(`not what was logged: ${told}`);
    else if (this.#isInOrder(tick.kind as KindName)) {
      const next = this.#next(tick.shard);
      if (next !== tick.seq) this.#fault(`seq ${next} of shard ${tick.shard} was next: ${told}`);
      this.#at[tick.shard] = tick.seq;
      this.#got[tick.shard] = tick.seq;
    } else if (!this.section.kinds.has('quote')) this.#fault(`of no kind that was asked for: ${told}`);
    else {
      if (tick.seq <= (this.#quotes.get(tick.symbolId) ?? 0)) this.#fault(`an older quote: ${told}`);
      this.#quotes.set(tick.symbolId, tick.seq);
    }
  }

  #takeState(tick: GotTick): void {
    const told = JSON.stringify(tick);
    const { hasState, start } = this.section;
    const isQuote = tick.kind === 'quote';
    if (!hasState) this.#fault(`no state was asked for: ${told}`);
    else if (!this.#isLogged(tick)) this.#fault(`state that was not logged: ${told}`);
    else if (this.#isInOrder(tick.kind as KindName) && tick.seq > start[tick.shard])
      this.#fault(`state that comes again: ${told}`);
    if (isQuote && !this.#isInOrder('quote')) this.#quotes.set(tick.symbolId, tick.seq);
    this.#state.set(keyOf(tick.symbolId, tick.kind as KindName), tick.seq);
  }

  /** Everything that was asked for, up to a cursor, has come; in mode `every` nothing beyond it. */
  #reached(cursor: number[], why: string): void {
    const { mode, kinds } = this.section;
    cursor.forEach((seq, shard) => {
      const next = this.#next(shard);
      const got = this.#got[shard];
      if (next <= seq)
        this.#fault(`${why}: ${cursor} is reached, but seq ${next} of shard ${shard} has not come`);
      if (mode === 'every' && got > seq) this.#fault(`${why}: ${cursor} is reached, but seq ${got} has come`);
    });
    if (mode === 'latest' && kinds.has('quote')) this.#reachedQuotes(cursor, why);
  }

  #reachedQuotes(cursor: number[], why: string): void {
    const { start } = this.section;
    cursor.forEach((end, shard) => {
      for (const id of this.watched) {
        const seq = lastUpTo(this.index[shard].get(keyOf(id, 'quote')), end);
        if (seq <= start[shard] || (this.#quotes.get(id) ?? 0) >= seq) continue;
        this.#fault(`${why}: ${cursor} is reached, but quote ${seq} of symbol ${id} has not come`);
        return;
      }
    });
  }

  /** What the state lacks follows it: nothing that there was at the start is unknown to the subscriber. */
  #checkState(): void {
    const { start, kinds } = this.section;
    this.index.forEach((index, shard) => {
      for (const id of this.watched) {
        for (const kind of kinds) {
          const key = keyOf(id, kind);
          const seqs = index.get(key);
          const seq = lastUpTo(seqs, start[shard]);
          const told = this.#state.get(key);
          if (seq === 0 || (told !== undefined && told >= seq)) continue;
          if (told !== undefined || seqs!.at(-1)! <= start[shard])
            this.#fault(`the state lacks ${key}, last at seq ${seq}; told ${told}`);
        }
      }
    });
  }
}
