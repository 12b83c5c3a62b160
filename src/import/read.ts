/** Reads files one after the other: their good ticks into runs, their bad ones counted by reason, some told with their line. */
import { TickwireError } from '../core/errors.js';
import { Kind, NO_PRICE, writeHeader, writeQuote, writeTimes, writeTrade } from '../core/tick.js';
import { EntryKind, openTickFile, TickBatch, type TickFileOptions } from '../feeds/file/index.js';
import type { RejectReason } from '../pipeline/memory/counters.js';
import { quoteFault } from '../pipeline/memory/raw-prices.js';
import { type ReadOptions, refusalOf } from './identity.js';
import { RunSorter } from './sorter.js';
import type { RunInfo } from './spool.js';

/** Bad rows of one reason that are told of a file. */
const SAMPLES_MAX = 3;
/** Symbols of the files that are read together. */
const SYMBOLS_MAX = 2 ** 20;

export interface BadRow {
  /** Line or record, as the reader calls it. */
  where: string;
  why: string;
}

export interface BadRows {
  count: number;
  samples: BadRow[];
}

/** A file that is to be read. */
export interface FileToRead {
  path: string;
  identity: string;
}

export interface ReadFile extends FileToRead {
  ticks: number;
  /** Raw names of the symbols in it. */
  symbols: string[];
  bad: Partial<Record<RejectReason, BadRows>>;
  /** Why it is no tick file at all, with its path. */
  refused?: string;
}

/** Files that were read together. */
export interface ReadBatch {
  files: ReadFile[];
  /** Those of the runs; the first is symbol 1 there. */
  symbols: { raw: string; digits: number }[];
  /** Their ticks; a record's source is the place of its file. */
  runs: RunInfo[];
}

/**
 * @param place what the names of the runs begin with
 * @param turn told the ticks so far, now and then; true: stop
 */
export async function readFiles(
  files: readonly FileToRead[],
  options: ReadOptions,
  prefix: string,
  turn: (ticks: number) => boolean,
): Promise<ReadBatch> {
  const reading = new Reading(options, prefix, turn);
  const read: ReadFile[] = [];
  for (const file of files) read.push(await reading.read(file));
  return reading.finish(read);
}

class Reading {
  #ticks = 0;
  #file!: ReadFile;
  /** The name of the rows of the current file. */
  #unit: 'line' | 'record' = 'line';
  /** Of the current file. */
  #fileIndex = -1;
  /** Symbols of the runs by the file's own index. */
  #symbolOf: number[] = [];
  readonly #symbols = new Map<string, number>();
  readonly #digits = new Uint8Array(SYMBOLS_MAX);
  readonly #sorter: RunSorter;
  readonly #batch = new TickBatch();

  constructor(
    readonly options: ReadOptions,
    prefix: string,
    readonly turn: (ticks: number) => boolean,
  ) {
    this.#sorter = new RunSorter(prefix, this.#digits);
  }

  async read(file: FileToRead): Promise<ReadFile> {
    this.#file = { ...file, ticks: 0, symbols: [], bad: {} };
    this.#fileIndex++;
    this.#symbolOf = [];
    try {
      await this.#read(file.path);
    } catch (error) {
      // What was taken of the file by then stands among the ticks of others.
      if (this.#file.ticks > 0 || (error as TickwireError).code === 'unsupported') throw error;
      this.#file.refused = refusalOf(file.path, error);
    }
    return this.#file;
  }

  async #read(path: string): Promise<void> {
    const { format, symbol, digits, negative, zone } = this.options;
    const options: TickFileOptions = {
      ...(format === undefined ? {} : { format }),
      ...(symbol === undefined ? {} : { symbol }),
      ...(digits === undefined ? {} : { digits }),
      ...(negative === undefined ? {} : { negative }),
      zone,
      batch: this.#batch,
      warn: (details) => this.#sample('bad_record', details as Partial<BadRow>),
    };
    const file = await openTickFile(path, options);
    this.#unit = file.format === 'csv' ? 'line' : 'record';
    try {
      for await (const batch of file.batches) {
        file.symbols.forEach((known, i) => {
          const at = (this.#symbolOf[i] ??= this.#symbol(known.raw));
          this.#digits[at] = Math.max(this.#digits[at], known.digits);
        });
        for (let i = 0; i < batch.length; i++) this.#entry(batch, i);
        if (this.turn(this.#ticks)) throw new TickwireError('unsupported', 'The import was stopped.');
      }
    } finally {
      await file.close();
      this.#file.symbols = file.symbols.map(({ raw }) => raw);
    }
  }

  /** The symbol of the runs that has a raw name, new or known. */
  #symbol(raw: string): number {
    const known = this.#symbols.get(raw);
    if (known !== undefined) return known;
    const at = this.#symbols.size + 1;
    if (at === SYMBOLS_MAX)
      throw new TickwireError('limit_exceeded', `Files have at most ${SYMBOLS_MAX} symbols.`);
    this.#symbols.set(raw, at);
    return at;
  }

  finish(files: ReadFile[]): ReadBatch {
    const symbols = Array.from(this.#symbols, ([raw, at]) => ({ raw, digits: this.#digits[at] }));
    return { files, symbols, runs: this.#sorter.finish() };
  }

  #entry(b: TickBatch, i: number): void {
    const kind = b.kind[i];
    if (kind === EntryKind.bad) {
      this.#count('bad_record');
      return;
    }
    const signed = this.options.negative === true;
    const scale = 10 ** this.#digits[this.#symbolOf[b.symbol[i]]];
    if ((kind & EntryKind.quote) !== 0) {
      const fault = quoteFault(b.eventNs[i], b.bid[i], b.ask[i], b.bidSize[i], b.askSize[i], signed, scale);
      if (fault !== undefined) this.#reject(fault, b, i, `bid ${b.bid[i]}, ask ${b.ask[i]}`);
      else this.#quote(b, i);
    }
    if ((kind & EntryKind.trade) !== 0) {
      const [price, size] = [b.price[i], b.size[i]];
      const fault = quoteFault(b.eventNs[i], price, price, size, size, signed, scale);
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
    writeHeader(records, count, this.#symbolOf[b.symbol[i]], kindAndFlags, this.#fileIndex, 0, 0);
    writeTimes(records, count, b.eventS[i], b.eventNs[i], b.eventS[i], b.eventNs[i]);
    this.#file.ticks++;
    this.#ticks++;
  }

  #reject(reason: RejectReason, b: TickBatch, i: number, why: string): void {
    this.#count(reason);
    this.#sample(reason, {
      where: `${this.#unit} ${b.row[i]}`,
      why: why.replaceAll(String(NO_PRICE), 'none'),
    });
  }

  #of(reason: RejectReason): BadRows {
    return (this.#file.bad[reason] ??= { count: 0, samples: [] });
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
