/**
 * Plays a tick log back through an engine: a connector whose source is a data folder. The times of receipt
 * are the recorded ones, so what subscribers get equals what was logged; numbers are the new engine's own.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.js';
import type { Feed, FeedContext, FeedStatus, FeedType } from '../feeds/feed.js';
import { Pacer } from '../feeds/file/pacer.js';
import { type Source, Take } from '../feeds/sink.js';
import { LogReader } from '../log/reader.js';
import type { Registry } from '../pipeline/registry.js';
import { turn } from '../pipeline/wait.js';
import {
  ENGINE_SYMBOL,
  F64_ASK,
  F64_ASK_SIZE,
  F64_BID,
  F64_BID_SIZE,
  F64_GAP_COUNT,
  F64_GAP_FIRST,
  F64_GAP_LAST,
  F64_PRICE,
  F64_SIZE,
  F64_STATUS_ARG1,
  F64_STATUS_ARG2,
  F64_STATUS_ARG3,
  F64_TRADE_ID,
  flagsOf,
  Kind,
  kindOf,
  RECORD_F64,
  RECORD_U16,
  RECORD_U32,
  StatusCode,
  U16_STATUS_CODE,
  U32_STATUS_ARG0,
  U32_SYMBOL,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
} from '../tick.js';
import type { Bound } from './range.js';
import { LogStream } from './stream.js';
import { nameOf, readLogRegistry, watchOf } from './symbols.js';

/** Ticks between two commits, and the longest sleep in a silence of the recording. */
const COMMIT_TICKS = 512;
const SLEEP_MS_MAX = 50;
/** Float64 words of the checkpoint: how many ticks of the stream are done. */
const STATE_WORDS = 1;

export interface ReplayFeedOptions {
  /** The data folder whose log is played. */
  dataFolder: string;
  from?: Bound;
  to?: Bound;
  /** Names and patterns. */
  symbols: string[];
  /** Recorded seconds per second, or `max`. */
  speed: number | 'max';
  /** Wait until the feed was paused and let go on: for subscribers that are to miss nothing. */
  startPaused: boolean;
}

export class ReplayFeed implements Feed {
  #state: FeedStatus['state'] = 'starting';
  #detail = 'opening the log';
  #played = 0;
  #isPaused = false;
  #context!: FeedContext;
  #source!: Source;
  #registry!: Registry;
  #reader: LogReader | undefined;
  #pacer!: Pacer;
  #playing: Promise<void> = Promise.resolve();
  readonly #stop = new AbortController();
  readonly #ids: number[] = [];

  constructor(readonly options: ReplayFeedOptions) {}

  /** @throws TickwireError log_missing, data_folder_unusable */
  async start(context: FeedContext): Promise<void> {
    const { dataFolder, speed, startPaused, symbols, from, to } = this.options;
    this.#context = context;
    this.#registry = await readLogRegistry(dataFolder);
    this.#reader = LogReader.open(dataFolder);
    this.#source = context.source('replay');
    this.#pacer = new Pacer(speed, { seconds: 0, nanos: 0, stamp() {} });
    // A thread that died goes on where its last commit left off; it was let go on before.
    const done = context.resumed ? context.state()[0] : 0;
    this.#isPaused = startPaused && !context.resumed;
    const stream = new LogStream(this.#reader, { from, to, watch: watchOf(this.#registry, symbols) });
    this.#state = 'live';
    this.#detail = 'playing';
    this.#playing = this.#play(stream, done).catch((error) => {
      this.#state = 'failed';
      this.#detail = messageOf(error);
      context.log.error({ error: this.#detail }, 'the replay cannot go on');
    });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#playing;
    await this.#reader?.close();
  }

  pause(): void {
    this.#isPaused = true;
    this.#pacer.reset();
  }

  resume(): void {
    this.#isPaused = false;
  }

  status(): FeedStatus {
    const state = this.#state === 'live' && this.#isPaused ? 'paused' : this.#state;
    return { state, detail: this.#detail, sources: 1, counters: { played: this.#played } };
  }

  async #play(stream: LogStream, skip: number): Promise<void> {
    const { sink } = this.#context;
    const { signal } = this.#stop;
    while (!signal.aborted && stream.next()) {
      if (++this.#played <= skip) continue;
      while (this.#isPaused && !signal.aborted) await sleep(SLEEP_MS_MAX);
      if (this.options.speed !== 'max') await this.#untilDue(stream);
      while (!signal.aborted && !this.#put(stream)) await sink.room();
      if (this.#played % COMMIT_TICKS === 0) {
        this.#commit();
        await turn();
      }
    }
    this.#commit();
    if (signal.aborted) return;
    this.#state = 'ended';
    this.#detail = `played to the end: ${this.#played} ticks`;
  }

  #commit(): void {
    this.#context.state()[0] = this.#played;
    this.#context.sink.commit();
  }

  async #untilDue({ records, index }: LogStream): Promise<void> {
    const w = index * RECORD_U32;
    for (;;) {
      this.#context.clock.stamp();
      const { clock } = this.#context;
      this.#pacer.clock.seconds = clock.seconds;
      this.#pacer.clock.nanos = clock.nanos;
      const waitMs = this.#pacer.dueInMs(records.u32[w + U32_TS_RECV_S], records.u32[w + U32_TS_RECV_NS]);
      if (waitMs <= 0 || this.#stop.signal.aborted) return;
      this.#context.sink.commit();
      await sleep(Math.min(waitMs, SLEEP_MS_MAX));
    }
  }

  /** Offers the tick at hand; false when the ring is full. */
  #put({ records: r, index: i }: LogStream): boolean {
    const { sink } = this.#context;
    const source = this.#source;
    const w = i * RECORD_U32;
    const d = i * RECORD_F64;
    const kind = kindOf(r, i);
    const code = r.u16[i * RECORD_U16 + U16_STATUS_CODE];
    // The engine defines its symbols itself, before their first tick.
    if (kind === Kind.status && code === StatusCode.symbolDefined) return true;
    const id = this.#idOf(r.u32[w + U32_SYMBOL]);
    sink.recvS = r.u32[w + U32_TS_RECV_S];
    sink.recvNs = r.u32[w + U32_TS_RECV_NS];
    if (kind === Kind.status) {
      const arg0 = r.u32[w + U32_STATUS_ARG0];
      const f = (word: number) => r.f64[d + word];
      return sink.status(source, id, code, arg0, f(F64_STATUS_ARG1), f(F64_STATUS_ARG2), f(F64_STATUS_ARG3));
    }
    if (kind === Kind.gap) {
      const [first, last] = [r.f64[d + F64_GAP_FIRST], r.f64[d + F64_GAP_LAST]];
      return sink.gap(source, id, code, first, last, r.f64[d + F64_GAP_COUNT]);
    }
    if (sink.take(source, id, 0) === Take.full) return false;
    const flags = flagsOf(r, i);
    const eventS = r.u32[w + U32_TS_EVENT_S];
    const eventNs = r.u32[w + U32_TS_EVENT_NS];
    if (kind === Kind.quote) {
      const [bidSize, askSize] = [r.f64[d + F64_BID_SIZE], r.f64[d + F64_ASK_SIZE]];
      const [bid, ask] = [r.f64[d + F64_BID], r.f64[d + F64_ASK]];
      sink.quote(source, id, flags, 0, eventS, eventNs, bid, ask, bidSize, askSize);
    } else {
      const [price, size] = [r.f64[d + F64_PRICE], r.f64[d + F64_SIZE]];
      sink.trade(source, id, flags, 0, eventS, eventNs, price, size, r.f64[d + F64_TRADE_ID]);
    }
    return true;
  }

  /** The new engine's id of a logged symbol. */
  #idOf(logged: number): number {
    if (logged === ENGINE_SYMBOL) return ENGINE_SYMBOL;
    const known = this.#ids[logged];
    if (known !== undefined) return known;
    const name = nameOf(this.#registry, logged);
    const { digits, negative, ttlMs } = this.#registry.symbols[logged] ?? { digits: 0 };
    const id = this.#context.symbol(this.#source, name, {
      digits,
      ...(negative === undefined ? {} : { negative }),
      ...(ttlMs === undefined ? {} : { ttlMs }),
    });
    this.#ids[logged] = id;
    return id;
  }
}

/** What `ticks replay --serve` runs. */
export const replayFeed: FeedType<ReplayFeedOptions> = {
  policy: 'block',
  stateWords: () => STATE_WORDS,
  create: (options) => new ReplayFeed(options),
};
