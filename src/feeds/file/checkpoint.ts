/**
 * The file feed's checkpoint: where it is, and by what the recorded times are shifted. It is committed
 * together with the ticks, so a feed that starts again continues right after the last committed one.
 *
 * ```
 * 0 1 once it is in use │ 1 index of the file (or merged group) │ 2 entries of it that are done
 * 3 loops done │ 4 shift s │ 5 shift ns, 0..999,999,999
 * 6 first event s of the recording, -1 before it │ 7 its ns │ 8 latest event s │ 9 its ns
 * ```
 */
export const CHECKPOINT_WORDS = 10;

const SECOND_NS = 1e9;
/** Seconds between the last tick of one loop and the first of the next. */
const LOOP_GAP_S = 1;

export class Checkpoint {
  fileIndex = 0;
  entries = 0;
  loops = 0;
  #shiftS = 0;
  #shiftNs = 0;
  #firstS = -1;
  #firstNs = 0;
  #lastS = -1;
  #lastNs = 0;
  /** The last shifted time. */
  eventS = 0;
  eventNs = 0;

  load(words: Float64Array): void {
    if (words[0] === 0) return;
    this.fileIndex = words[1];
    this.entries = words[2];
    this.loops = words[3];
    this.#shiftS = words[4];
    this.#shiftNs = words[5];
    this.#firstS = words[6];
    this.#firstNs = words[7];
    this.#lastS = words[8];
    this.#lastNs = words[9];
  }

  save(words: Float64Array): void {
    words[0] = 1;
    words[1] = this.fileIndex;
    words[2] = this.entries;
    words[3] = this.loops;
    words[4] = this.#shiftS;
    words[5] = this.#shiftNs;
    words[6] = this.#firstS;
    words[7] = this.#firstNs;
    words[8] = this.#lastS;
    words[9] = this.#lastNs;
  }

  /** Whether no tick of the recording was seen yet. */
  get isFresh(): boolean {
    return this.#firstS < 0;
  }

  /** Shifts the recording so that this event happens at the given time; what was shifted before is forgotten. */
  shiftTo(eventS: number, eventNs: number, atS: number, atNs: number): void {
    this.#shiftS = 0;
    this.#shiftNs = 0;
    this.#shift(atS - eventS, atNs - eventNs);
  }

  /** Puts the shifted time into `eventS` and `eventNs`. */
  shifted(eventS: number, eventNs: number): void {
    const ns = eventNs + this.#shiftNs;
    this.eventS = eventS + this.#shiftS + (ns >= SECOND_NS ? 1 : 0);
    this.eventNs = ns >= SECOND_NS ? ns - SECOND_NS : ns;
  }

  /** Counts an entry as done that has a time. */
  done(eventS: number, eventNs: number): void {
    this.entries++;
    if (this.#firstS < 0) {
      this.#firstS = eventS;
      this.#firstNs = eventNs;
    }
    if (eventS > this.#lastS || (eventS === this.#lastS && eventNs > this.#lastNs)) {
      this.#lastS = eventS;
      this.#lastNs = eventNs;
    }
  }

  nextFile(): void {
    this.fileIndex++;
    this.entries = 0;
  }

  /** Back to the first file, its times after the last one's. */
  nextLoop(): void {
    this.fileIndex = 0;
    this.entries = 0;
    this.loops++;
    if (!this.isFresh) this.#shift(this.#lastS - this.#firstS + LOOP_GAP_S, this.#lastNs - this.#firstNs);
  }

  #shift(s: number, ns: number): void {
    const total = this.#shiftNs + ns;
    const carry = Math.floor(total / SECOND_NS);
    this.#shiftS += s + carry;
    this.#shiftNs = total - carry * SECOND_NS;
  }
}
