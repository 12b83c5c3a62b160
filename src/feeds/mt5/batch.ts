/**
 * Takes the ticks of batch frames into the sink, in place, without an allocation per tick. A batch can stop
 * at any tick when the ring is full, and continues there.
 */
import { MT5_GAP_TICKS_MAX, MT5_SYMBOLS_MAX } from '../../core/limits.js';
import { ENGINE_SYMBOL, GapReason } from '../../core/tick.js';
import { type FeedSink, REFUSED_SYMBOL } from '../connector/feed-sink.js';
import { MqlTick, readMqlTick } from '../mql/mql-tick.js';
import { type FieldReader, FRAME_HEADER_BYTES } from './fields.js';
import { BATCH_TICK_BYTES, BATCH_TICKS_AT, decodeBatchHeader } from './framing.js';
import { Refusal } from './refusal.js';
import type { TerminalSource } from './sources.js';
import { BadTimes, putTick } from './ticks.js';

const SYMBOLS_AT_FIRST = 256;

export class BatchReader {
  /** Batches that did not start where the last one ended. */
  gaps = 0;
  /** Ticks of symbols whose definition was refused. */
  refusedTicks = 0;
  readonly badTimes = new BadTimes();
  readonly #tick = new MqlTick();
  /** Symbol ids by the terminal's local number; 0 where there is none. */
  #symbols = new Uint32Array(SYMBOLS_AT_FIRST);
  /** The batch under way: count of its first tick, or 0 when its header was not read yet. */
  #first = 0;
  #ticks = 0;
  #done = 0;

  constructor(readonly sink: FeedSink) {}

  /** Gives a local number its meaning for the ticks to come. */
  define(local: number, symbolId: number): void {
    if (local >= this.#symbols.length) {
      const more = new Uint32Array(2 ** Math.ceil(Math.log2(local + 1)));
      more.set(this.#symbols);
      this.#symbols = more;
    }
    this.#symbols[local] = symbolId;
  }

  /** Gives a local number no meaning: its definition was refused, and so are its ticks. */
  refuse(local: number): void {
    if (local < MT5_SYMBOLS_MAX) this.define(local, REFUSED_SYMBOL);
  }

  /**
   * Takes as much of a batch as there is room for. False: offer the same frame again later.
   * @param body the frame after its header
   * @throws Refusal bad_framing
   */
  take(body: FieldReader, source: TerminalSource): boolean {
    const ticksAt = body.at + BATCH_TICKS_AT - FRAME_HEADER_BYTES;
    if (this.#first === 0) {
      const header = decodeBatchHeader(body);
      checkCount(source, header.first, header.ticks);
      if (!this.#admitGap(source, header.first)) return false;
      this.#first = header.first;
      this.#ticks = header.ticks;
      this.#done = 0;
    }
    const view = body.view;
    const symbols = this.#symbols;
    const { source: known, clock } = source;
    const position = known.base + this.#first;
    let done = this.#done;
    let at = ticksAt + done * BATCH_TICK_BYTES;
    for (; done < this.#ticks; done++) {
      const local = view.getUint32(at, true);
      readMqlTick(view, at + 4, this.#tick);
      const symbolId = local < symbols.length ? symbols[local] : 0;
      if (!putTick(this.sink, known, clock, symbolId, position + done, this.#tick, this.badTimes)) break;
      if (symbolId === REFUSED_SYMBOL) this.refusedTicks++;
      at += BATCH_TICK_BYTES;
    }
    this.#done = done;
    source.next = Math.max(source.next, this.#first + done);
    if (done < this.#ticks) return false;
    this.#first = 0;
    return true;
  }

  /** A batch that starts further on than the last one ended: the terminal had to drop ticks. */
  #admitGap(source: TerminalSource, first: number): boolean {
    const missing = source.next === 0 ? 0 : first - source.next;
    if (missing <= 0) return true;
    const reason = GapReason.sourceSequence;
    if (!this.sink.gap(source.source, ENGINE_SYMBOL, reason, source.next, first - 1, missing)) return false;
    source.gap = { first: source.next, last: first - 1 };
    source.next = first;
    this.gaps++;
    return true;
  }
}

/**
 * A count that is wrong once must not make all later ticks look like ones that came before: they would be dropped as
 * duplicates, and acknowledged.
 * @throws Refusal bad_framing
 */
function checkCount({ next, gap }: TerminalSource, first: number, ticks: number): void {
  if (next !== 0 && first - next > MT5_GAP_TICKS_MAX) {
    throw new Refusal(
      'bad_framing',
      `A batch begins at tick ${first}, and ${next} is due: no terminal drops more than ${MT5_GAP_TICKS_MAX} ticks.`,
    );
  }
  const last = first + ticks - 1;
  if (gap !== undefined && first >= gap.first && last <= gap.last && ticks > 0) {
    throw new Refusal(
      'bad_framing',
      `A batch has ticks ${first} to ${last}, and ${gap.first} to ${gap.last} were passed over as dropped. The count of a stream never goes back: begin a new stream, with a new stream id.`,
    );
  }
}
