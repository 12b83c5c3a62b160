/**
 * Replays a tick log through an engine: a connector whose source is a data folder. The times of receipt are the recorded
 * ones, so subscribers get the logged ticks. The sequence numbers are those of the new engine.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../core/errors.js';
import { SHARDS_MAX } from '../core/limits.js';
import { ENGINE_SYMBOL, GapReason } from '../core/tick.js';
import type { Feed, FeedContext, FeedStatus, FeedType } from '../feeds/connector/feed.js';
import type { Source } from '../feeds/connector/feed-sink.js';
import { type LogGap, LogReader } from '../log/read/log-reader.js';
import { turn } from '../pipeline/memory/doorbell.js';
import { ReplayControl } from './control.js';
import { LogOffer } from './offer.js';
import { ReplayPlayer, Step } from './player.js';
import type { Bound } from './range.js';
import { LogSymbols } from './symbols.js';

/** Ticks between two commits, and milliseconds between two checks of a pause. */
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
  /** Memory of the `ReplayControl` that controls the replay. */
  control: SharedArrayBuffer;
  /** Continue live at the end of the log. */
  follow: boolean;
  /** Wait until the feed was paused and resumed: for subscribers that must not miss a tick. */
  startPaused: boolean;
}

class ReplayFeed implements Feed {
  #state: FeedStatus['state'] = 'starting';
  #detail = 'opening the log';
  #isPaused = false;
  #context!: FeedContext;
  #source!: Source;
  #reader: LogReader | undefined;
  #player!: ReplayPlayer;
  #offer!: LogOffer;
  #playedBefore = 0;
  #playing: Promise<void> = Promise.resolve();
  readonly #stop = new AbortController();

  constructor(readonly options: ReplayFeedOptions) {}

  /** @throws TickwireError log_missing, data_folder_unusable */
  async start(context: FeedContext): Promise<void> {
    const { dataFolder, startPaused, to, follow } = this.options;
    this.#context = context;
    const symbols = await LogSymbols.open(dataFolder, this.options.symbols);
    this.#reader = LogReader.open(dataFolder);
    this.#reader.hold((message) => context.log.warn({}, message));
    this.#source = context.source('replay');
    this.#offer = new LogOffer(context, symbols, () => this.#source);
    // A restarted thread continues after its last commit; it had been resumed already.
    const from = context.resumed ? this.#resumed() : this.options.from;
    this.#isPaused = startPaused && !context.resumed;
    const control = new ReplayControl(this.options.control);
    const onGap = (epoch: number, shard: number, { first, last, reason }: LogGap) =>
      context.log.warn(
        { epoch, shard, first, last, reason },
        `the log does not hold ${epoch}:${first} to ${epoch}:${last} of shard ${shard} (${reason})`,
      );
    this.#player = new ReplayPlayer(this.#reader, symbols, control, { from, to, follow, onGap });
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
      while (!signal.aborted && !this.#offer.put(player.stream)) {
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

  /** Ticks after a seek do not follow the ticks before: a gap record tells subscribers. */
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

  /** Writes the checkpoint of the next commit. */
  #save(again: boolean): void {
    const place = this.#player.position(again);
    if (place === undefined) return;
    const state = this.#context.state();
    state[0] = 1;
    state[1] = this.#played - (again ? 1 : 0);
    state[2] = place.epoch;
    state.fill(0, 3);
    state.set(place.seqs, 3);
  }

  /** The position of the checkpoint; the whole range when there is none yet. */
  #resumed(): Bound | undefined {
    const [isUsed, played, epoch, ...seqs] = this.#context.state();
    if (isUsed === 0) return this.options.from;
    this.#playedBefore = played;
    return { kind: 'seq', epoch, seqs };
  }
}

/** What `ticks replay --serve` runs. */
export const replayFeed: FeedType<ReplayFeedOptions> = {
  policy: 'block',
  stateWords: () => STATE_WORDS,
  create: (options) => new ReplayFeed(options),
};
