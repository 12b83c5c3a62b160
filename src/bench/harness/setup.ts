/** An engine under load with verifying subscribers beside it: what the scenarios of the whole pipeline share. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TickwireError } from '../../core/errors.js';
import { RECORD_U32, Records, U32_SEQ_LOW } from '../../core/tick.js';
import { createEngine, type EngineRuntime } from '../../engine/engine.js';
import type { EngineFeed } from '../../engine/options.js';
import { LogReader } from '../../log/read/log-reader.js';
import type { Totals } from '../../pipeline/memory/counter-reader.js';
import { LogWord } from '../../pipeline/memory/counters.js';
import { EntryU32, TableEntry } from '../../pipeline/memory/last-value-table.js';
import { until } from './measure.js';
import type { WatcherFinish, WatcherReport, WatcherStart } from './watcher.js';

export interface SetupOptions {
  feed: EngineFeed;
  shards: number;
  /** Where the log is written; a folder of its own within it, removed afterwards. Default: the system's temporary folder. */
  folder?: string;
  /** Of how many symbols the lossless subscription takes one, so that it gets about as large a part of the flow. */
  everyNth: number;
  /** Subscribers of all symbols in mode `latest`. Default: one. */
  latest?: number;
}

export interface LogCheck {
  ticks: number;
  lost: number;
  reordered: number;
}

const FINISH_MS = 30_000;
const READ_TICKS = 65_536;

export class Setup {
  readonly #watcher = fork(new URL('./watcher.js', import.meta.url));
  readonly #folder: string;
  engine!: EngineRuntime;

  constructor(readonly options: SetupOptions) {
    this.#folder = mkdtempSync(join(options.folder ?? tmpdir(), 'tickwire-bench-'));
  }

  /** Starts the engine, waits for the market to be defined, and attaches the subscribers. */
  async start(): Promise<void> {
    this.engine = await createEngine({
      feeds: [this.options.feed],
      dataFolder: this.#folder,
      shards: this.options.shards,
      http: { port: 0 },
    });
    await this.engine.start();
    const { registry } = this.engine;
    if (!(await until(() => registry.refresh() || this.engine.totals().sequenced > 10_000, FINISH_MS))) {
      throw new TickwireError('stage_failed', 'The feed delivered nothing within 30 s.');
    }
    await until(() => this.engine.totals().sequenced > 10_000, FINISH_MS);
    registry.refresh();
    const names = registry.symbols.slice(1).map((s) => s?.name ?? '');
    const start: WatcherStart = {
      type: 'start',
      url: `ws://127.0.0.1:${this.engine.port}/v1/stream`,
      latest: this.options.latest ?? 1,
      // The market's first symbols are the busiest by far: not the first of each lot, but the middle one.
      every: names.filter((_, i) => i % this.options.everyNth === this.options.everyNth >> 1),
    };
    this.#watcher.send(start);
    await once(this.#watcher, 'message');
  }

  /** Pauses the feed and waits until every sequenced tick is durable. */
  async settle(): Promise<void> {
    const { engine } = this;
    engine.setPaused(this.options.feed.name, true);
    let before = -1;
    await until(() => {
      const { received, inFlight } = engine.totals();
      const still = received === before && inFlight === 0;
      before = received;
      return still && this.#isDurable();
    }, FINISH_MS);
  }

  #isDurable(): boolean {
    for (let shard = 0; shard < this.options.shards; shard++) {
      if (this.engine.counters.durable(shard) < this.engine.counters.head(shard)) return false;
    }
    return true;
  }

  /** Tells the subscribers what the last tick of each symbol is; they say what they saw. */
  async finish(): Promise<WatcherReport> {
    const { registry, table } = this.engine;
    registry.refresh();
    const entry = new TableEntry();
    const last: Record<string, number> = {};
    for (let id = 1; id < registry.symbolCount; id++) {
      const name = registry.symbols[id]?.name;
      if (name !== undefined && table.read(id, entry) && entry.u32[EntryU32.seen] === 1)
        last[name] = entry.symbolSeq;
    }
    const finish: WatcherFinish = { type: 'finish', last, timeoutMs: FINISH_MS };
    const answer = once(this.#watcher, 'message');
    this.#watcher.send(finish);
    const [report] = (await answer) as [WatcherReport];
    return report;
  }

  /** Bytes of all blocks, as the log stage counted them. */
  loggedBytes(): number {
    return this.engine.counters.log(LogWord.bytes);
  }

  /** Reads the whole log back and checks that every seq is there once, in order. */
  checkLog(): LogCheck {
    const reader = LogReader.open(this.#folder);
    const records = Records.allocate(READ_TICKS);
    const seqs = new Float64Array(READ_TICKS);
    const check: LogCheck = { ticks: 0, lost: 0, reordered: 0 };
    for (let shard = 0; shard < this.options.shards; shard++) {
      const head = this.engine.counters.head(shard);
      let expected = 1;
      while (expected <= head) {
        const { count, nextSeq } = reader.read(
          { epoch: this.engine.identity.epoch, shard, fromSeq: expected, maxTicks: READ_TICKS },
          records,
          seqs,
        );
        for (let i = 0; i < count; i++) {
          if (records.u32[i * RECORD_U32 + U32_SEQ_LOW] !== seqs[i] >>> 0) check.reordered++;
          if (seqs[i] < expected) check.reordered++;
          else check.lost += seqs[i] - expected;
          expected = seqs[i] + 1;
        }
        check.ticks += count;
        if (nextSeq < expected || (count === 0 && nextSeq === expected)) {
          check.lost += head - expected + 1;
          break;
        }
        check.lost += nextSeq - expected;
        expected = nextSeq;
      }
    }
    void reader.close();
    return check;
  }

  async close(): Promise<Totals> {
    await this.engine.stop();
    if (this.#watcher.connected) this.#watcher.disconnect();
    rmSync(this.#folder, { recursive: true, force: true });
    return this.engine.totals();
  }
}

/** What is left over in the sums of `pipeline/memory/counters.ts`; 0 and 0 when every tick is accounted for. */
export function imbalance(t: Totals): { sequencing: number; logging: number } {
  return {
    sequencing:
      t.received +
      t.split +
      t.generated -
      (t.rejected + t.duplicate + t.conflated + t.dropped + t.pendingOneSided + t.inFlight + t.sequenced),
    logging: t.sequenced - t.logged - t.shed,
  };
}
