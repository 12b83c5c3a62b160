/**
 * Where ticks spend their time, stage by stage. Each stage notes when its batches passed; a tick that a client
 * got is looked up in all of these notes by what it carries: its seq, its time of receipt, and the frame that it came in.
 *
 * ```
 * due ─feed─▶ in the raw ring ─rawRing─▶ taken ─shard─▶ published ─ring─▶ taken in ─fanout─▶ sent ─client─▶ read
 * ```
 */

import type { monotonicNs } from '../../core/clock.js';
import { createApp, type TemplatedApp, type WebSocket } from '../../fanout/contract/uws.js';
import { type JournalCopy, StageJournal } from '../../pipeline/memory/stage-journal.js';
import { FRAME_MAGIC } from '../../wire/packed.js';
import { LatencySamples } from './latency.js';
import { CLIENT_HEADER, STAGES, type StageTimes, TRACED_WORDS, Traced } from './traced.js';

/** Frames of a client whose times are kept. A power of two. */
const FRAMES = 16_384;
const NOBODY = -1;

/** The clock that all notes are made by; ns. */
export type Now = typeof monotonicNs;

/** When the n-th frame was sent to a client, at n modulo `FRAMES`. */
interface Times {
  frames: number;
  ns: Float64Array;
}

type Listened = Pick<WebSocket<unknown>, 'send'>;

/** When frames of ticks went to the clients that are traced. */
export class SendTimes {
  /** By client. */
  readonly #times = new Map<number, Times>();
  #joining = NOBODY;

  constructor(
    readonly clientEvery: number,
    readonly now: Now,
  ) {}

  /** An app whose sockets report what is sent to them. */
  app(): TemplatedApp {
    const app = createApp();
    const ws = app.ws.bind(app);
    app.ws = (pattern, behavior) =>
      ws(pattern, {
        ...behavior,
        upgrade: (res, req, context) => {
          const client = req.getHeader(CLIENT_HEADER);
          // The socket opens before this call returns.
          this.#joining = client === '' ? NOBODY : Number(client);
          behavior.upgrade?.(res, req, context);
          this.#joining = NOBODY;
        },
        open: (socket) => {
          if (this.#joining % this.clientEvery === 0) this.#listen(socket, this.#joining);
          return behavior.open?.(socket);
        },
      });
    return app;
  }

  #listen(socket: Listened, client: number): void {
    const times = { frames: 0, ns: new Float64Array(FRAMES) };
    this.#times.set(client, times);
    const send = socket.send.bind(socket);
    socket.send = (message, isBinary) => {
      this.#note(times, message as Uint8Array);
      return send(message, isBinary);
    };
  }

  #note(times: Times, message: Uint8Array): void {
    if (message[0] === FRAME_MAGIC) times.ns[++times.frames & (FRAMES - 1)] = this.now();
  }

  /** When a frame was sent; undefined if that is not known any more. */
  of(client: number, frame: number): number | undefined {
    const times = this.#times.get(client);
    if (times === undefined || frame > times.frames || frame <= times.frames - FRAMES) return undefined;
    return times.ns[frame & (FRAMES - 1)];
  }
}

/** The notes of all stages. */
export interface StageNotes {
  /** Positions: time of receipt, in ns since the anchor's second. */
  feed: JournalCopy;
  /** Positions: seq. */
  shard: JournalCopy;
  fanout: JournalCopy;
  sent: Pick<SendTimes, 'of'>;
}

export function notesOf(
  feed: SharedArrayBuffer,
  { shard, fanout }: { shard: SharedArrayBuffer; fanout: SharedArrayBuffer },
  sent: SendTimes,
): StageNotes {
  const copy = (memory: SharedArrayBuffer) => new StageJournal(memory).copy();
  return { feed: copy(feed), shard: copy(shard), fanout: copy(fanout), sent };
}

/**
 * How long the ticks took in each stage: together as long as from when they were due until they were read.
 * Where two stages overlap, the time is the earlier one's.
 * @param ticks see `traced.ts`
 * @param anchorNs monotonic time that due times are counted from
 * @returns also how many ticks were found in all notes
 */
export function stageTimes(
  ticks: Float64Array,
  anchorNs: number,
  notes: StageNotes,
): { times: StageTimes; found: number } {
  const samples = STAGES.map(() => new LatencySamples());
  let found = 0;
  for (let at = 0; at < ticks.length; at += TRACED_WORDS) {
    const moments = momentsOf(ticks, at, anchorNs, notes);
    if (moments === null) continue;
    found++;
    let before = anchorNs + ticks[at + Traced.dueUs] * 1e3;
    moments.forEach((moment, stage) => {
      const after = Math.max(before, moment);
      samples[stage].record((after - before) / 1e3);
      before = after;
    });
  }
  const times = Object.fromEntries(STAGES.map((stage, i) => [stage, samples[i].recorded()])) as StageTimes;
  return { times, found };
}

/** When a tick left each stage; null when some stage has no note of it any more. */
function momentsOf(
  ticks: Float64Array,
  at: number,
  anchorNs: number,
  { feed, shard, fanout, sent }: StageNotes,
): number[] | null {
  const recvNs = ticks[at + Traced.recvNs];
  const seq = ticks[at + Traced.seq];
  const offered = feed.find(recvNs);
  const sequenced = shard.find(seq);
  const takenIn = fanout.find(seq);
  const sentNs = sent.of(ticks[at + Traced.client], ticks[at + Traced.frame]);
  if (offered < 0 || feed.positionOf(offered) !== recvNs || sequenced < 0 || takenIn < 0) return null;
  if (sentNs === undefined) return null;
  return [
    feed.untilNs(offered),
    shard.fromNs(sequenced),
    shard.untilNs(sequenced),
    fanout.untilNs(takenIn),
    sentNs,
    anchorNs + ticks[at + Traced.gotUs] * 1e3,
  ];
}
