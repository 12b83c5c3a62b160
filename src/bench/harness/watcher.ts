/**
 * The verifying subscribers of a benchmark, in a process of their own: some `latest` subscribers of every symbol, each
 * on a connection of its own, and one `every` subscription of a part of them. Started by fork; it speaks over the
 * process channel.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Subscription, type SymbolInfo, TickClient, type TickView } from '../../client/index.js';

export interface WatcherStart {
  type: 'start';
  url: string;
  /** How many subscribers of mode `latest`. */
  latest: number;
  /** Symbols of the lossless subscription. */
  every: string[];
}

export interface WatcherFinish {
  type: 'finish';
  /** symbolSeq of the last tick of each symbol. */
  last: Record<string, number>;
  timeoutMs: number;
}

export interface WatcherReport {
  type: 'report';
  everyReceived: number;
  everyLost: number;
  everyReordered: number;
  latestReceived: number;
  latestReordered: number;
  /** Symbols whose last state differs from what was announced, over all subscribers. */
  wrongFinalState: number;
  catchingUp: number;
  cpuNs: number;
}

/** symbolSeq of the ticks seen, and how often it did not advance as it should. */
class Track {
  received = 0;
  lost = 0;
  reordered = 0;
  /** The last symbolSeq, by the client's number of the symbol. */
  readonly #last: (number | undefined)[] = [];

  /** @param dense whether no tick of a symbol may be left out */
  see({ info, symbolSeq }: TickView, dense: boolean): void {
    this.received++;
    const before = this.#last[info.index];
    this.#last[info.index] = symbolSeq;
    if (before === undefined) return;
    const step = (symbolSeq - before) | 0;
    if (step <= 0) this.reordered++;
    else if (dense) this.lost += step - 1;
  }

  /** The last symbolSeq of each symbol that had a tick, by name. */
  lasts(symbols: readonly SymbolInfo[]): Map<string, number> {
    const lasts = new Map<string, number>();
    for (const { symbol, index } of symbols) {
      const last = this.#last[index];
      if (last !== undefined) lasts.set(symbol, last);
    }
    return lasts;
  }
}

/** A connection with a `latest` subscription of every symbol. Quotes and other ticks each have an order of their own. */
class Latest {
  readonly client: TickClient;
  #subscription!: Subscription;
  readonly quotes = new Track();
  readonly others = new Track();

  constructor(url: string) {
    this.client = new TickClient(url);
  }

  async start(): Promise<void> {
    await this.client.connect();
    const { quotes, others } = this;
    this.#subscription = this.client.subscribe({ symbols: ['*'], mode: 'latest' }, (tick) => {
      if (!tick.inSnapshot) (tick.kind === 'quote' ? quotes : others).see(tick, false);
    });
    await this.#subscription.ready;
  }

  /** Symbols whose last tick is another one. */
  behind(last: [symbol: string, seq: number][]): number {
    const { symbols } = this.#subscription;
    const quotes = this.quotes.lasts(symbols);
    const others = this.others.lasts(symbols);
    return last.filter(([symbol, seq]) => quotes.get(symbol) !== seq && others.get(symbol) !== seq).length;
  }
}

async function main(): Promise<void> {
  const every = new Track();
  let everySymbols: readonly SymbolInfo[] = [];
  let catchingUp = 0;
  let subscribers: Latest[] = [];

  const start = async (message: WatcherStart) => {
    subscribers = Array.from({ length: message.latest }, () => new Latest(message.url));
    await Promise.all(subscribers.map((subscriber) => subscriber.start()));
    const some = subscribers[0].client.subscribe(
      { symbols: message.every, mode: 'every', snapshot: false },
      (tick) => every.see(tick, true),
    );
    some.on('catching_up', () => catchingUp++);
    await some.ready;
    everySymbols = some.symbols;
    process.send?.({ type: 'ready' });
  };

  const finish = async (message: WatcherFinish) => {
    const end = performance.now() + message.timeoutMs;
    const last = Object.entries(message.last);
    const behind = () => {
      const seen = every.lasts(everySymbols);
      const everyIsBehind = last.filter(([symbol, seq]) => (seen.get(symbol) ?? seq) !== seq).length;
      return subscribers.reduce((sum, subscriber) => sum + subscriber.behind(last), everyIsBehind);
    };
    const total = (of: (track: Track) => number) =>
      subscribers.reduce((sum, { quotes, others }) => sum + of(quotes) + of(others), 0);
    while (behind() > 0 && performance.now() < end) await sleep(5);
    const usage = process.cpuUsage();
    const report: WatcherReport = {
      type: 'report',
      everyReceived: every.received,
      everyLost: every.lost,
      everyReordered: every.reordered,
      latestReceived: total((track) => track.received),
      latestReordered: total((track) => track.reordered),
      wrongFinalState: behind(),
      catchingUp,
      cpuNs: (usage.user + usage.system) * 1000,
    };
    process.send?.(report, () => {
      for (const { client } of subscribers) client.close();
      process.disconnect();
    });
  };

  process.on('message', (message: WatcherStart | WatcherFinish) => {
    void (message.type === 'start' ? start(message) : finish(message));
  });
}

void main();
