/**
 * The verifying subscribers of a benchmark, in a process of their own: some `latest` subscribers of every symbol, each
 * on a connection of its own, and one `every` subscription of a part of them. Started by fork; it speaks over the
 * process channel.
 */
import { TickClient } from '../client/index.js';
import { sleep } from './measure.js';

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
  readonly last = new Map<string, number>();
  received = 0;
  lost = 0;
  reordered = 0;

  /**
   * @param key what has an order of its own: a symbol, or in mode `latest` its quotes and its other ticks apart
   * @param dense whether none may be left out
   */
  see(key: string, symbolSeq: number, dense: boolean): void {
    this.received++;
    const before = this.last.get(key);
    this.last.set(key, symbolSeq);
    if (before === undefined) return;
    const step = (symbolSeq - before) | 0;
    if (step <= 0) this.reordered++;
    else if (dense) this.lost += step - 1;
  }
}

/** A connection with a `latest` subscription of every symbol. Quotes and other ticks each have an order of their own. */
class Latest {
  readonly client: TickClient;
  readonly quotes = new Track();
  readonly others = new Track();

  constructor(url: string) {
    this.client = new TickClient(url);
  }

  async start(): Promise<void> {
    await this.client.connect();
    const { quotes, others } = this;
    await this.client.subscribe({ symbols: ['*'], mode: 'latest' }, (tick) => {
      if (!tick.inSnapshot) (tick.kind === 'quote' ? quotes : others).see(tick.symbol, tick.symbolSeq, false);
    }).ready;
  }

  isBehind(symbol: string, seq: number): boolean {
    return this.quotes.last.get(symbol) !== seq && this.others.last.get(symbol) !== seq;
  }
}

async function main(): Promise<void> {
  const every = new Track();
  let catchingUp = 0;
  let subscribers: Latest[] = [];

  const start = async (message: WatcherStart) => {
    subscribers = Array.from({ length: message.latest }, () => new Latest(message.url));
    await Promise.all(subscribers.map((subscriber) => subscriber.start()));
    const some = subscribers[0].client.subscribe(
      { symbols: message.every, mode: 'every', snapshot: false },
      (tick) => every.see(tick.symbol, tick.symbolSeq, true),
    );
    some.on('catching_up', () => catchingUp++);
    await some.ready;
    process.send?.({ type: 'ready' });
  };

  const finish = async (message: WatcherFinish) => {
    const end = performance.now() + message.timeoutMs;
    const last = Object.entries(message.last);
    const behind = () => {
      let count = 0;
      for (const [symbol, seq] of last) {
        const everyIsBehind = every.last.has(symbol) && every.last.get(symbol) !== seq;
        const latest = subscribers.filter((subscriber) => subscriber.isBehind(symbol, seq)).length;
        count += Math.max(latest, everyIsBehind ? 1 : 0);
      }
      return count;
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
