/**
 * MT5 ticks as lines of text, whose header says which form they have:
 *
 * - the terminal's export: TAB, `<DATE> <TIME> <BID> <ASK> <LAST> <VOLUME> <FLAGS>`, one symbol, named by
 *   the file; a blank field means that the value did not change. Some terminals write no flags: see `flagsOf`;
 * - polled ticks (Python `copy_ticks_*` saved as CSV): columns by name, `time_msc`, `symbol`, `bid`, `ask` …
 *
 * Times of both are the server's wall clock.
 */
import { parse } from 'csv-parse';
import { TickwireError } from '../../core/errors.js';
import { FILE_LINE_BYTES_MAX } from '../../core/limits.js';
import { dayMs } from '../../core/time.js';
import { MqlFlag, timeMscFault } from '../mql/mql-tick.js';
import type { ServerClock } from '../mql/server-clock.js';
import type { TickBatch } from './batch.js';
import { through } from './bytes.js';
import { pushMt5, utcMsOf } from './mt5entry.js';
import type { FileSymbols } from './symbols.js';

const NUMBER = /^-?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
const DATE = /^(\d{4})[.-](\d\d)[.-](\d\d)$/;
const TIME = /^([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,3}))?$/;

/** The fields that a blank leaves unchanged, in the order in which they are carried. */
const CARRIED = ['bid', 'ask', 'last', 'volume', 'volume_real'] as const;
const [BID, ASK, LAST, VOLUME, VOLUME_REAL] = [0, 1, 2, 3, 4];
/** Flag bit of each. */
const BITS = [MqlFlag.bid, MqlFlag.ask, MqlFlag.last, MqlFlag.volume, MqlFlag.volume];

interface Columns {
  count: number;
  date: number;
  time: number;
  timeMsc: number;
  symbol: number;
  /** -1 where the file has none. */
  flags: number;
  /** By `CARRIED`; -1 where the file has no such column. */
  values: number[];
}

/** Lines of a stream as cells, in groups; the header comes first. Empty lines are one empty cell. */
export function linesOf(bytes: AsyncIterable<Buffer>): AsyncGenerator<string[][]> {
  const parser = parse({
    bom: true,
    delimiter: ['\t', ','],
    record_delimiter: ['\r\n', '\n'],
    // A stray quote must not swallow the lines after it.
    quote: null,
    relax_column_count: true,
    skip_empty_lines: false,
    max_record_size: FILE_LINE_BYTES_MAX,
  });
  return through<string[]>(bytes, parser);
}

function columnsOf(header: string[], path: string): Columns {
  const names = header.map((cell) => cell.trim().replace(/^<|>$/g, '').toLowerCase());
  const at = (name: string): number => names.indexOf(name);
  const columns: Columns = {
    count: names.length,
    date: at('date'),
    time: at('time'),
    timeMsc: at('time_msc'),
    symbol: at('symbol'),
    flags: at('flags'),
    values: CARRIED.map(at),
  };
  const hasTime = columns.timeMsc >= 0 || (columns.date >= 0 && columns.time >= 0);
  if (!hasTime || columns.values[BID] < 0 || columns.values[ASK] < 0) {
    throw new TickwireError(
      'bad_input',
      `${path}: line 1 is not the header of a tick file. Expected the terminal's <DATE> <TIME> <BID> <ASK> <LAST> ` +
        '<VOLUME> <FLAGS>, or columns named time_msc, bid, ask, flags; the flags may be missing.',
    );
  }
  return columns;
}

/** Decodes the lines of one file into its batches. */
export class CsvDecoder {
  readonly #columns: Columns;
  /** By symbol, then field: the value that a blank repeats; 0 before the first. */
  readonly #carried: number[][] = [];
  #date = '';
  #dayMs = 0;
  #wallMs = 0;

  /** @throws TickwireError bad_input when the header is not one of a tick file */
  constructor(
    header: string[],
    path: string,
    readonly symbols: FileSymbols,
    /** Name for files without a symbol column. */
    readonly symbolName: string,
    readonly clock: ServerClock,
  ) {
    this.#columns = columnsOf(header, path);
    if (this.#columns.symbol < 0) symbols.index(symbolName);
  }

  /** Adds the tick of a line, and changes nothing when the line is broken: then it says what is wrong. */
  decode(cells: string[], batch: TickBatch): string | undefined {
    const columns = this.#columns;
    if (cells.length !== columns.count) return `${cells.length} fields instead of ${columns.count}`;
    const fault = columns.timeMsc >= 0 ? this.#parseMsc(cells) : this.#parseWall(cells);
    if (fault !== undefined) return fault;
    const utcMs = utcMsOf(this.clock, this.#wallMs);
    if (Number.isNaN(utcMs)) return 'a time that cannot be one';
    const flagsText = columns.flags < 0 ? '' : cells[columns.flags].trim();
    if (columns.flags >= 0 && !/^\d{1,9}$/.test(flagsText)) return `flags ${JSON.stringify(flagsText)}`;
    for (let f = 0; f < CARRIED.length; f++) {
      const text = this.#value(cells, f);
      if (text !== '' && !NUMBER.test(text)) return `${CARRIED[f]} ${JSON.stringify(text)}`;
    }
    const raw = columns.symbol < 0 ? this.symbolName : cells[columns.symbol].trim();
    if (raw === '') return 'no symbol';
    const symbol = this.symbols.index(raw);
    const carried = (this.#carried[symbol] ??= CARRIED.map(() => 0));
    const flags = columns.flags < 0 ? this.#flagsOf(cells, carried) : Number(flagsText);
    for (let f = 0; f < CARRIED.length; f++) {
      const text = this.#value(cells, f);
      // A whole volume alone says that the one with a fraction is missing.
      if (text === '' && (f !== VOLUME_REAL || this.#value(cells, VOLUME) === '')) continue;
      carried[f] = Number(text);
      if (f < VOLUME && carried[f] !== 0) this.symbols.learnText(symbol, text, carried[f]);
    }
    const [bid, ask, last] = [carried[BID], carried[ASK], carried[LAST]];
    // Where the broker gives no fractions, or the terminal is old, only the whole number is filled.
    const volume = carried[VOLUME_REAL] !== 0 ? carried[VOLUME_REAL] : carried[VOLUME];
    pushMt5(batch, this.symbols, symbol, flags, utcMs, bid, ask, last, volume);
    return undefined;
  }

  /**
   * The flags of a line in a file without them. A blank means "unchanged", so what is stated has changed; a line that
   * states everything is compared with what was before, and repeats a tick where nothing differs.
   */
  #flagsOf(cells: string[], carried: readonly number[]): number {
    let [stated, changed, isWhole] = [0, 0, true];
    for (let f = 0; f < CARRIED.length; f++) {
      const text = this.#value(cells, f);
      if (text === '') {
        isWhole &&= this.#columns.values[f] < 0;
        continue;
      }
      stated |= BITS[f];
      if (Number(text) !== carried[f]) changed |= BITS[f];
    }
    return isWhole && changed !== 0 ? changed : stated;
  }

  #value(cells: string[], field: number): string {
    const column = this.#columns.values[field];
    return column < 0 ? '' : cells[column].trim();
  }

  #parseMsc(cells: string[]): string | undefined {
    const text = cells[this.#columns.timeMsc].trim();
    if (!/^\d{1,15}$/.test(text)) return `time_msc ${JSON.stringify(text)}`;
    this.#wallMs = Number(text);
    return timeMscFault(this.#wallMs);
  }

  #parseWall(cells: string[]): string | undefined {
    const date = cells[this.#columns.date].trim();
    if (date !== this.#date) {
      const match = DATE.exec(date);
      if (match === null) return `date ${JSON.stringify(date)}`;
      const ms = dayMs(Number(match[1]), Number(match[2]), Number(match[3]));
      if (Number.isNaN(ms)) return `date ${JSON.stringify(date)}: there is no such day`;
      this.#dayMs = ms;
      this.#date = date;
    }
    const time = TIME.exec(cells[this.#columns.time].trim());
    if (time === null) return `time ${JSON.stringify(cells[this.#columns.time])}`;
    const seconds = Number(time[1]) * 3600 + Number(time[2]) * 60 + Number(time[3]);
    this.#wallMs = this.#dayMs + seconds * 1000 + Number((time[4] ?? '').padEnd(3, '0'));
    return undefined;
  }
}
