/** Reads one file: its good ticks into runs, its bad ones counted by reason, some of them told with their line. */
import { TickwireError } from '../errors.js';
import { EntryKind, openTickFile, type TickBatch, type TickFileOptions } from '../feeds/file/index.js';
import type { RejectReason } from '../pipeline/counters.js';
import { quoteFault } from '../pipeline/normalise.js';
import { Kind, NO_PRICE, writeHeader, writeQuote, writeTimes, writeTrade } from '../tick.js';
import type { ReadOptions } from './identity.js';
import { RunSorter } from './sorter.js';
import type { RunInfo } from './spool.js';

/** Bad rows of one reason that are told of a file. */
const SAMPLES_MAX = 3;
/** Symbols of one file: their indices are u16. */
const FILE_SYMBOLS = 65_537;

export interface BadRow {
  /** Line or record, as the reader calls it. */
  where: string;
  why: string;
}

export interface BadRows {
  count: number;
  samples: BadRow[];
}

export interface ReadFile {
  path: string;
  identity: string;
  symbols: { raw: string; digits: number }[];
  runs: RunInfo[];
  ticks: number;
  bad: Partial<Record<RejectReason, BadRows>>;
}

/**
 * @param place what the names of the file's runs begin with
 * @param turn told the ticks so far, now and then; true: stop
 * @throws TickwireError bad_input for a file that is none
 */
export async function readFile(
  path: string,
  identity: string,
  options: ReadOptions,
  place: string,
  turn: (ticks: number) => boolean,
): Promise<ReadFile> {
  return new FileReading(path, identity, options, place).run(turn);
}

class FileReading {
  #ticks = 0;
  readonly #bad: ReadFile['bad'] = {};
  readonly #digits = new Uint8Array(FILE_SYMBOLS);
  readonly #sorter: RunSorter;

  constructor(
    readonly path: string,
    readonly identity: string,
    readonly options: ReadOptions,
    place: string,
  ) {
    this.#sorter = new RunSorter(place, this.#digits);
  }

  async run(turn: (ticks: number) => boolean): Promise<ReadFile> {
    const { format, symbol, digits, zone } = this.options;
    const options: TickFileOptions = {
      ...(format === undefined ? {} : { format }),
      ...(symbol === undefined ? {} : { symbol }),
      ...(digits === undefined ? {} : { digits }),
      zone,
      warn: (details) => this.#sample('bad_record', details as Partial<BadRow>),
    };
    const file = await openTickFile(this.path, options);
    try {
      for await (const batch of file.batches) {
        file.symbols.forEach((known, i) => {
          this.#digits[i + 1] = known.digits;
        });
        for (let i = 0; i < batch.length; i++) this.#entry(batch, i);
        if (turn(this.#ticks)) throw new TickwireError('unsupported', 'The import was stopped.');
      }
    } finally {
      await file.close();
    }
    const symbols = file.symbols.map(({ raw, digits: learnt }) => ({ raw, digits: learnt }));
    const runs = this.#sorter.finish();
    const { path, identity } = this;
    return { path, identity, symbols, runs, ticks: this.#ticks, bad: this.#bad };
  }

  #entry(b: TickBatch, i: number): void {
    const kind = b.kind[i];
    if (kind === EntryKind.bad) {
      this.#count('bad_record');
      return;
    }
    const scale = 10 ** this.#digits[b.symbol[i] + 1];
    if ((kind & EntryKind.quote) !== 0) {
      const fault = quoteFault(b.eventNs[i], b.bid[i], b.ask[i], b.bidSize[i], b.askSize[i], false, scale);
      if (fault !== undefined) this.#reject(fault, b, i, `bid ${b.bid[i]}, ask ${b.ask[i]}`);
      else this.#quote(b, i);
    }
    if ((kind & EntryKind.trade) !== 0) {
      const [price, size] = [b.price[i], b.size[i]];
      const fault = quoteFault(b.eventNs[i], price, price, size, size, false, scale);
      if (fault !== undefined) this.#reject(fault, b, i, `price ${price}, size ${size}`);
      else this.#trade(b, i);
    }
  }

  #quote(b: TickBatch, i: number): void {
    this.#head(b, i, Kind.quote);
    const { records, count } = this.#sorter;
    writeQuote(records, count, b.bid[i], b.ask[i], b.bidSize[i], b.askSize[i]);
    this.#sorter.push();
  }

  #trade(b: TickBatch, i: number): void {
    this.#head(b, i, Kind.trade | b.flags[i]);
    const { records, count } = this.#sorter;
    writeTrade(records, count, b.price[i], b.size[i], b.tradeId[i]);
    this.#sorter.push();
  }

  /** What was imported was received when it happened: nobody knows better. */
  #head(b: TickBatch, i: number, kindAndFlags: number): void {
    const { records, count } = this.#sorter;
    writeHeader(records, count, b.symbol[i] + 1, kindAndFlags, 0, 0, 0);
    writeTimes(records, count, b.eventS[i], b.eventNs[i], b.eventS[i], b.eventNs[i]);
    this.#ticks++;
  }

  #reject(reason: RejectReason, b: TickBatch, i: number, why: string): void {
    this.#count(reason);
    this.#sample(reason, { where: `row ${b.row[i]}`, why: why.replaceAll(String(NO_PRICE), 'none') });
  }

  #of(reason: RejectReason): BadRows {
    return (this.#bad[reason] ??= { count: 0, samples: [] });
  }

  #count(reason: RejectReason): void {
    this.#of(reason).count++;
  }

  #sample(reason: RejectReason, { where, why }: Partial<BadRow>): void {
    if (where === undefined || why === undefined) return;
    const { samples } = this.#of(reason);
    if (samples.length < SAMPLES_MAX) samples.push({ where, why });
  }
}
