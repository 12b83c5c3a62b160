/** What a range lacks that a command has read: reported on stderr, and by the exit code. */
import type { LogGap, LostSegment } from '../../log/read/log-reader.js';
import { type Bound, mayBegin } from '../../replay/range.js';
import { ExitCode } from './exit.js';

/** Gaps that are named one by one; the rest is only counted. */
const GAPS_TOLD = 20;

export class Missing {
  /** Ticks of the range that the log does not hold, as far as it knows their number. */
  ticks = 0;
  /** Whether the log holds all of the range; known once it is concluded. */
  isWhole = false;
  #gaps = 0;
  #isDamaged = false;

  constructor(readonly say: (text: string) => void = (text) => void process.stderr.write(`${text}\n`)) {}

  readonly gap = (epoch: number, shard: number, { first, last, reason }: LogGap): void => {
    this.ticks += last - first + 1;
    if (reason === 'corrupt') this.#isDamaged = true;
    if (++this.#gaps > GAPS_TOLD) return;
    this.say(`Not in the log: ${epoch}:${first} to ${epoch}:${last} of shard ${shard} (${reason}).`);
  };

  /**
   * Tells the rest, and makes the exit code 1 where anything is missing and gaps are not allowed.
   * @param lost segments that were found damaged
   */
  conclude(lost: readonly LostSegment[], to: Bound | undefined, allowGaps: boolean): void {
    if (this.#gaps > GAPS_TOLD) this.say(`… and ${this.#gaps - GAPS_TOLD} gaps more.`);
    const open = lost.filter((segment) => !segment.isKnown && mayBegin(segment.startsAt, to));
    for (const { why } of open) this.say(`${why} Nobody knows how many ticks were in it.`);
    this.isWhole = this.#gaps === 0 && open.length === 0;
    if (this.#isDamaged) this.say('The log is damaged: "ticks log verify" names the files.');
    if (!this.isWhole && !allowGaps) process.exitCode = ExitCode.failed;
  }

  /** Tells that there was nothing to write: a name may be misspelt, or `10:30` was meant as a time. */
  empty(): void {
    if (this.isWhole)
      this.say(
        'The log has no such ticks: "ticks log stat" lists its symbols and epochs. A time needs its date.',
      );
  }
}
