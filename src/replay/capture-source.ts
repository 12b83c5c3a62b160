/** A capture as a recording for a virtual engine: the feeds' entries in the order of their times of receipt. */

import { TickwireError } from '../core/errors.js';
import { isEarlier, type Time } from '../core/time.js';
import type { CapturedRun } from '../engine/capture-run.js';
import { CallPlayback } from '../feeds/capture/playback.js';
import { CaptureReader } from '../feeds/capture/reader.js';
import type { CaptureEntry, CapturePlayback, FeedContext, FeedType } from '../feeds/connector/feed.js';
import { FEED_TYPES, type FeedTypeName } from '../feeds/index.js';
import type { VirtualSource } from './virtual-run.js';

/** One feed's capture, with the entry that is next. */
class Track {
  entry: CaptureEntry | null;
  /** When the entry counts as received: time does not go back within a feed. */
  time: Time = { seconds: 0, nanos: 0 };

  constructor(
    readonly reader: CaptureReader,
    readonly playback: CapturePlayback,
  ) {
    this.entry = this.#read();
  }

  advance(): void {
    this.entry = this.#read();
  }

  #read(): CaptureEntry | null {
    const entry = this.reader.next();
    if (entry !== null) {
      const time = { seconds: entry.recvS, nanos: entry.recvNs };
      if (isEarlier(this.time, time)) this.time = time;
    }
    return entry;
  }
}

export class CaptureSource implements VirtualSource {
  readonly #tracks: Track[];
  #at: Track | undefined;
  /** The track whose entry was accepted in part. */
  #open: Track | undefined;

  /**
   * @param context of each feed by its index
   * @throws TickwireError bad_input
   */
  constructor(
    folder: string,
    run: CapturedRun,
    context: (feed: number) => FeedContext,
    warn: (text: string) => void,
  ) {
    this.#tracks = run.feeds.map((feed, index) => {
      const playback = playbackOf(feed, context(index));
      return new Track(new CaptureReader(folder, feed.name, warn), playback);
    });
    this.#choose();
  }

  next(): Time | null {
    return this.#at?.time ?? null;
  }

  give(): boolean {
    const track = this.#at!;
    const isTaken = this.#open === track ? track.playback.goOn() : track.playback.take(track.entry!);
    this.#open = isTaken ? undefined : track;
    if (!isTaken) return false;
    track.advance();
    this.#choose();
    return true;
  }

  close(): void {
    for (const { reader } of this.#tracks) reader.close();
  }

  /** The earliest entry; among equals that of the first feed. */
  #choose(): void {
    this.#at = undefined;
    for (const track of this.#tracks) {
      if (track.entry === null) continue;
      if (this.#at === undefined || isEarlier(track.time, this.#at.time)) this.#at = track;
    }
  }
}

function playbackOf(feed: CapturedRun['feeds'][number], context: FeedContext): CapturePlayback {
  if (feed.type === null) return new CallPlayback(context);
  if (!Object.hasOwn(FEED_TYPES, feed.type)) {
    throw new TickwireError(
      'bad_input',
      `The capture is of a feed of type "${feed.type}", which this version does not have.`,
    );
  }
  const type = FEED_TYPES[feed.type as FeedTypeName].type as FeedType<unknown>;
  return type.playback?.(feed.options, context) ?? new CallPlayback(context);
}
