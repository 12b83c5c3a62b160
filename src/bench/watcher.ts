/**
 * The verifying subscribers of a benchmark, in a process of their own: one `latest` subscription of every
 * symbol and one `every` subscription of some. Started by fork; it speaks over the process channel.
 */
import { TickClient } from '../client/index.js';
import { sleep } from './measure.js';

export interface WatcherStart {
  type: 'start';
  url: string;
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
  /** Symbols whose last state differs from what was announced. */
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

async function main(): Promise<void> {
  const quotes = new Track();
  const others = new Track();
  const every = new Track();
  let catchingUp = 0;
  let client: TickClient | undefined;

  const start = async (message: WatcherStart) => {
    client = new TickClient(message.url);
    await client.connect();
    const all = client.subscribe({ symbols: ['*'], mode: 'latest' }, (tick) => {
      if (!tick.inSnapshot) (tick.kind === 'quote' ? quotes : others).see(tick.symbol, tick.symbolSeq, false);
    });
    const some = client.subscribe({ symbols: message.every, mode: 'every', snapshot: false }, (tick) => {
      every.see(tick.symbol, tick.symbolSeq, true);
    });
    some.on('catching_up', () => catchingUp++);
    await Promise.all([all.ready, some.ready]);
    process.send?.({ type: 'ready' });
  };

  const finish = async (message: WatcherFinish) => {
    const end = performance.now() + message.timeoutMs;
    const behind = () =>
      Object.entries(message.last).filter(
        ([symbol, seq]) =>
          (quotes.last.get(symbol) !== seq && others.last.get(symbol) !== seq) ||
          (every.last.has(symbol) && every.last.get(symbol) !== seq),
      ).length;
    while (behind() > 0 && performance.now() < end) await sleep(5);
    const usage = process.cpuUsage();
    const report: WatcherReport = {
      type: 'report',
      everyReceived: every.received,
      everyLost: every.lost,
      everyReordered: every.reordered,
      latestReceived: quotes.received + others.received,
      latestReordered: quotes.reordered + others.reordered,
      wrongFinalState: behind(),
      catchingUp,
      cpuNs: (usage.user + usage.system) * 1000,
    };
    process.send?.(report, () => {
      client?.close();
      process.disconnect();
    });
  };

  process.on('message', (message: WatcherStart | WatcherFinish) => {
    void (message.type === 'start' ? start(message) : finish(message));
  });
}

void main();
