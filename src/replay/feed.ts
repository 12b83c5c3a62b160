/**
 * Plays a tick log back through an engine: a connector whose source is a data folder. The times of receipt
 * are the recorded ones, so what subscribers get equals what was logged; numbers are the new engine's own.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.js';
import type { Feed, FeedContext, FeedStatus, FeedType } from '../feeds/feed.js';
import { type Source, Take } from '../feeds/sink.js';
import { SHARDS_MAX } from '../limits.js';
import { LogReader } from '../log/reader.js';
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
  GapReason,
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
import { ReplayControl } from './control.js';
import { ReplayPlayer, Step } from './player.js';
import type { Bound } from './range.js';
import type { LogStream } from './stream.js';
import { LogSymbols } from './symbols.js';

/** Ticks between two commits, and milliseconds between two looks at whether a pause is over. */
const COMMIT_TICKS = 512;
const PAUSED_MS = 20;
/** Float64 words of the checkpoint: 1 once it is in use, ticks played, the epoch, and by shard the next seq. */
const STATE_WORDS = 3 + SHARDS_MAX;

export interface ReplayFeedOptions {
  /** The data folder whose log is played. */
  dataFolder: string;
  from?: Bound;
  to?: Bound;
  /** Names and patterns. */
  symbols: string[];
  /** Memory of the `ReplayControl` that steers it. */
  control: SharedArrayBuffer;
  /** Go on live at the end of the log. */
  follow: boolean;
  /** Wait until the feed was paused and let go on: for subscribers that are to miss nothing. */
  startPaused: boolean;
}

export class ReplayFeed implements Feed {
  #state: FeedStatus['state'] = 'starting';
  #detail = 'opening the log';
  #isPaused = false;
  #context!: FeedContext;
  #source!: Source;
  #reader: LogReader | undefined;
  #player!: ReplayPlayer;
  #playedBefore = 0;
  #playing: Promise<void> = Promise.resolve();
  readonly #stop = new AbortController();
  readonly #ids: number[] = [];

  constructor(readonly options: ReplayFeedOptions) {}

  /** @throws TickwireError log_missing, data_folder_unusable */
  async start(context: FeedContext): Promise<void> {
    const { dataFolder, startPaused, to, follow } = this.options;
    this.#context = context;
    const symbols = await LogSymbols.open(dataFolder, this.options.symbols);
    this.#reader = LogReader.open(dataFolder);
    this.#reader.hold();
    this.#source = context.source('replay');
    // A thread that died goes on where its last commit left off; it was let go on before.
    const from = context.resumed ? this.#resumed() : this.options.from;
    this.#isPaused = startPaused && !context.resumed;
    const control = new ReplayControl(this.options.control);
    this.#player = new ReplayPlayer(this.#reader, symbols, control, { from, to, follow });
    this.#state = 'live';
    this.#detail = 'playing';
    this.#playing = this.#play().catch((error) => {
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
  }

  resume(): void {
    this.#isPaused = false;
  }

  get #played(): number {
    return this.#playedBefore + (this.#player?.played ?? 0);
  }

  status(): FeedStatus {
    const control = new ReplayControl(this.options.control);
    const isPaused = this.#isPaused || control.isPaused;
    const state = this.#state === 'live' && isPaused ? 'paused' : this.#state;
    const detail = this.#state === 'live' && control.isLive ? 'following the log' : this.#detail;
    return { state, detail, sources: 1, counters: { played: this.#played } };
  }

  async #play(): Promise<void> {
    const { sink } = this.#context;
    const { signal } = this.#stop;
    const player = this.#player;
    while (!signal.aborted) {
      while (this.#isPaused && !signal.aborted) {
        player.pace.isPaused = true;
        await sleep(PAUSED_MS);
      }
      const step = player.step();
      if (step === Step.end) break;
      if (step === Step.wait) {
        this.#commit();
        await player.wait();
        continue;
      }
      if (player.hasJumped) await this.#markJump();
      while (!signal.aborted && !this.#put(player.stream)) {
        this.#save(true);
        await sink.room();
      }
      if (player.played % COMMIT_TICKS === 0) {
        this.#commit();
        await turn();
      }
    }
    this.#commit();
    if (signal.aborted) return;
    this.#state = 'ended';
    this.#detail = `played to the end: ${this.#played} ticks`;
  }

  /** What follows a seek does not follow what came before it, and subscribers are told so. */
  async #markJump(): Promise<void> {
    const { sink } = this.#context;
    this.#player.hasJumped = false;
    sink.recvS = this.#player.stream.recvS;
    sink.recvNs = this.#player.stream.recvNs;
    const mark = () => sink.gap(this.#source, ENGINE_SYMBOL, GapReason.feedRestart, 0, 0, 0);
    while (!this.#stop.signal.aborted && !mark()) await sink.room();
  }

  #commit(): void {
    this.#save(false);
    this.#context.sink.commit();
  }

  /** Writes the checkpoint that the next commit takes along. */
  #save(again: boolean): void {
    const place = this.#player.place(again);
    if (place === undefined) return;
    const state = this.#context.state();
    state[0] = 1;
    state[1] = this.#played - (again ? 1 : 0);
    state[2] = place.epoch;
    state.fill(0, 3);
    state.set(place.seqs, 3);
  }

  /** The place of the checkpoint; the whole range where there was none yet. */
  #resumed(): Bound | undefined {
    const [isUsed, played, epoch, ...seqs] = this.#context.state();
    if (isUsed === 0) return this.options.from;
    this.#playedBefore = played;
    return { kind: 'seq', epoch, seqs };
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
    const { symbols } = this.#player;
    const name = symbols.name(logged);
    const { digits, negative, ttlMs } = symbols.registry.symbols[logged] ?? { digits: 0 };
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
