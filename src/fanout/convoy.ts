/**
 * Frames that connections share. A subscription that lacked nothing after some flush needs, in a later one, the
 * very bytes that every other one of its group and number needs which lacked nothing then: the first of them
 * puts the frame together, the others send it as it is.
 */
import type { Arena } from './arena.js';
import type { Frame } from './frame.js';

/** Frames of one group that are remembered within a flush: a round may have been cut into as many. */
const FRAMES_MAX = 32;
/** The place of whoever lacks something, or is owed it at a pace of its own. */
export const NO_PLACE = -1;
const NOTHING = new Uint8Array(0);

export class SharedFrame {
  generation = -1;
  place = NO_PLACE;
  sub = 0;
  /** Empty where there was nothing to send. */
  message: Uint8Array = NOTHING;
  ticks = 0;
}

export class Convoy {
  readonly #frames: SharedFrame[] = [];

  constructor(readonly arena: Arena) {}

  /** What a subscription was sent in this flush that had the same number and lacked nothing after flush `place`. */
  find(place: number, sub: number): SharedFrame | undefined {
    const { generation } = this.arena;
    for (const frame of this.#frames) {
      if (frame.generation === generation && frame.place === place && frame.sub === sub) return frame;
    }
    return undefined;
  }

  /** Remembers what was sent to such a one, if it was no more than one message, until the flush is over. */
  keep(place: number, sub: number, { message, ticks }: Frame): void {
    if (message === null) return;
    const { arena } = this;
    const at = arena.reserve(message.length);
    let frame = this.#frames.find(({ generation }) => generation !== arena.generation);
    if (frame === undefined) {
      if (this.#frames.length === FRAMES_MAX) return;
      this.#frames.push((frame = new SharedFrame()));
    }
    frame.message = message.length === 0 ? NOTHING : arena.copy(message, at);
    frame.generation = arena.generation;
    frame.place = place;
    frame.sub = sub;
    frame.ticks = ticks;
  }
}
