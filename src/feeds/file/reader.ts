/**
 * Reads any tick file as batches of decoded ticks, holding no more of it than a piece and a batch.
 */
import { statSync } from 'node:fs';
import { messageOf, TickwireError } from '../../core/errors.js';
import { ServerClock } from '../mql/server-clock.js';
import { TickBatch } from './batch.js';
import { bi5Digits } from './bi5-scales.js';
import { Bi5Decoder, MqlTickDecoder, type RecordDecoder } from './binary.js';
import { bytesOf } from './bytes.js';
import { CsvDecoder, linesOf } from './csv.js';
import { formatOf, parseBi5Name, symbolOfName, type TickFormat } from './names.js';
import { type FileSymbol, FileSymbols } from './symbols.js';

export interface TickFileOptions {
  /** Default: by the file's name. */
  format?: TickFormat;
  /** Raw symbol of a file that holds one symbol; default: by the file's name. */
  symbol?: string;
  /** Digits of its prices; default: learnt from them (bi5: by the list of instruments). */
  digits?: number;
  /** Whether prices may be zero or negative; default: such are no prices. */
  negative?: boolean;
  /** How the server's wall clock becomes UTC, for the MT5 formats, as `parseZone` reads it; default: it is UTC. */
  zone?: string;
  /** To be filled; for those who read many small files one after the other. Default: a new one. */
  batch?: TickBatch;
  /** Told of every broken line, and of a file that is empty or breaks off. */
  warn?: (details: object, message: string) => void;
}

/** An open tick file. */
export interface TickFile {
  /** Its symbols, known after the first batch; lines later on may add some, or digits to them. */
  readonly symbols: readonly FileSymbol[];
  /** Its ticks in file order, once. The batch is reused: copy what is needed before asking for the next. */
  readonly batches: AsyncIterable<TickBatch>;
  /** Broken lines or records so far; each is a `bad` entry of its batch. */
  readonly badRecords: number;
  /** Closes the file; only needed when the batches were not read to their end. */
  close(): Promise<void>;
}

/** Broken lines of one file that are logged one by one; the rest is only counted. */
const WARNINGS_MAX = 20;

/**
 * Opens a tick file and reads its first batch, so that its symbols and their digits are known.
 * @throws TickwireError bad_input when the file is missing, of no known format, has no header, or its scale is not known
 */
export async function openTickFile(
  path: string,
  options: TickFileOptions = {},
): Promise<TickFile & { readonly format: TickFormat }> {
  const format = options.format ?? formatOf(path);
  if (format === undefined) {
    throw new TickwireError(
      'bad_input',
      `${path}: not a tick file by its name. Known are .csv, .csv.gz, .bin and .bi5; set the format option otherwise.`,
    );
  }
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new TickwireError('bad_input', `${path}: there is no such file.`);
  }
  const file = new OpenTickFile(path, format, options);
  await file.prefetch();
  return file;
}

class OpenTickFile implements TickFile {
  badRecords = 0;
  readonly #symbols: FileSymbols;
  readonly #batch: TickBatch;
  readonly #decoding: AsyncGenerator<TickBatch>;
  readonly #clock: ServerClock;
  #first: IteratorResult<TickBatch> | undefined;

  constructor(
    readonly path: string,
    readonly format: TickFormat,
    readonly options: TickFileOptions,
  ) {
    this.#symbols = new FileSymbols(options.digits, options.negative);
    this.#batch = options.batch ?? new TickBatch();
    this.#batch.length = 0;
    this.#clock = new ServerClock(options.zone ?? 'UTC');
    this.#decoding = this.#decode();
  }

  get symbols(): readonly FileSymbol[] {
    return this.#symbols.list;
  }

  get batches(): AsyncIterable<TickBatch> {
    return this.#all();
  }

  async prefetch(): Promise<void> {
    this.#first = await this.#decoding.next();
    if (this.#first.done) {
      this.options.warn?.({ file: this.path }, `${this.path} is empty: there is nothing to play`);
    }
  }

  async close(): Promise<void> {
    await this.#decoding.return(undefined);
  }

  async *#all(): AsyncGenerator<TickBatch> {
    const first = this.#first;
    this.#first = undefined;
    if (first === undefined || first.done) return;
    yield first.value;
    yield* this.#decoding;
    if (this.badRecords > WARNINGS_MAX) {
      const message = `${this.path}: ${this.badRecords} broken lines or records in all`;
      this.options.warn?.({ file: this.path, badRecords: this.badRecords }, message);
    }
  }

  async *#decode(): AsyncGenerator<TickBatch> {
    const batch = this.#batch;
    try {
      yield* this.format === 'csv' ? this.#decodeLines() : this.#decodeRecords();
    } catch (error) {
      if (error instanceof TickwireError) throw error;
      this.#bad(batch, 'the file breaks off here', messageOf(error));
    }
    this.#symbols.settle();
    if (batch.length > 0) yield batch;
  }

  async *#decodeLines(): AsyncGenerator<TickBatch> {
    const batch = this.#batch;
    const symbolName = this.options.symbol ?? symbolOfName(this.path);
    let decoder: CsvDecoder | undefined;
    let line = 0;
    for await (const lines of linesOf(bytesOf(this.path))) {
      for (const cells of lines) {
        line++;
        if (decoder === undefined) {
          decoder = new CsvDecoder(cells, this.path, this.#symbols, symbolName, this.#clock);
          continue;
        }
        if (cells.length === 1 && cells[0].trim() === '') continue;
        const fault = decoder.decode(cells, batch);
        if (fault !== undefined) this.#bad(batch, `line ${line}`, fault);
        batch.row[batch.length - 1] = line;
        if (!batch.isFull) continue;
        this.#symbols.settle();
        yield batch;
        batch.length = 0;
      }
    }
  }

  async *#decodeRecords(): AsyncGenerator<TickBatch> {
    const batch = this.#batch;
    const decoder = this.#recordDecoder();
    const bytes = decoder.recordBytes;
    let rest: Buffer = Buffer.alloc(0);
    let record = 0;
    for await (const piece of bytesOf(this.path)) {
      const buffer = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
      const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
      let at = 0;
      for (; at + bytes <= buffer.length; at += bytes) {
        record++;
        const fault = decoder.decode(view, at, batch);
        if (fault !== undefined) this.#bad(batch, `record ${record}`, fault);
        batch.row[batch.length - 1] = record;
        if (!batch.isFull) continue;
        this.#symbols.settle();
        yield batch;
        batch.length = 0;
      }
      rest = buffer.subarray(at);
    }
    if (rest.length > 0) this.#bad(batch, `record ${record + 1}`, `${rest.length} bytes instead of ${bytes}`);
  }

  #recordDecoder(): RecordDecoder {
    if (this.format === 'mqltick') {
      const symbol = this.#symbols.index(this.options.symbol ?? symbolOfName(this.path));
      return new MqlTickDecoder(this.#symbols, symbol, this.#clock);
    }
    const name = parseBi5Name(this.path);
    const raw = this.options.symbol ?? name.symbol;
    const symbol = this.#symbols.index(raw);
    const digits = this.options.digits ?? bi5Digits(this.path, [name.symbol, raw]);
    this.#symbols.list[symbol].digits = digits;
    return new Bi5Decoder(symbol, name, digits);
  }

  #bad(batch: TickBatch, where: string, why: string): void {
    batch.pushBad();
    if (++this.badRecords > WARNINGS_MAX) return;
    this.options.warn?.({ file: this.path, where, why }, `${this.path}: ${where} cannot be read: ${why}`);
  }
}
