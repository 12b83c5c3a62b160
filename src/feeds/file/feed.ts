/**
 * Plays recorded tick files into the engine, at their own pace, faster, or as fast as the rings take them.
 */
import { messageOf, TickwireError } from '../../core/errors.js';
import { turn } from '../../pipeline/memory/doorbell.js';
import type { Feed, FeedContext, FeedStatus } from '../connector/feed.js';
import { REFUSED_SYMBOL, type Source, Take } from '../connector/feed-sink.js';
import { PauseGate, type Sleep, sleepFor } from '../connector/pause-gate.js';
import { EntryKind, type TickBatch } from './batch.js';
import { Checkpoint } from './checkpoint.js';
import { isStray, openMerged } from './merge.js';
import type { FileOptions } from './options.js';
import { Pacer } from './pacer.js';
import { listTickFiles } from './paths.js';
import type { TickFile, TickFileOptions } from './reader.js';
import { timeEntryOf } from './time-entry.js';

/** A pause or stop in a long silence of the recording is noticed within this time. */
const SLEEP_MS_MAX = 100;

export class FileFeed implements Feed {
  #state: FeedStatus['state'] = 'starting';
  #detail = 'opening';
  #badRecords = 0;
  /** Files that are no tick files: what is wrong with each, by its path. */
  readonly #strays = new Map<string, TickwireError>();
  /** Files, or groups of files merged by time, in the order of play. */
  #groups: string[][] = [];
  #context!: FeedContext;
  #source!: Source;
  #pacer!: Pacer;
  #signal!: AbortSignal;
  #playing: Promise<void> = Promise.resolve();
  readonly #stop = new AbortController();
  readonly #gate = new PauseGate();
  readonly #checkpoint = new Checkpoint();
  /** Engine's ids by the open file's symbol index, and what was defined by raw name. */
  #ids: number[] = [];
  readonly #defined = new Map<string, { id: number; digits: number }>();
  /** Raw names of symbols whose rounded prices were logged. */
  readonly #rounded = new Set<string>();
  #isFull = false;
  #waitMs = 0;

  constructor(
    readonly options: FileOptions,
    readonly sleep: Sleep = sleepFor,
  ) {}

  /** @throws TickwireError bad_input when the files cannot be found or none of them is a tick file */
  async start(context: FeedContext): Promise<void> {
    this.#context = context;
    this.#signal = AbortSignal.any([context.signal, this.#stop.signal]);
    this.#pacer = new Pacer(this.options.speed, context.clock);
    const files = await listTickFiles(this.options.path);
    this.#groups = this.options.order === 'merge' ? [files] : files.map((file) => [file]);
    this.#source = context.source(this.options.source);
    if (context.resumed) this.#checkpoint.load(context.state());
    const first = await this.#openNext();
    if (first === undefined && this.#strays.size === files.length) throw this.#strays.get(files[0])!;
    this.#state = 'live';
    this.#playing = this.#play(first);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#playing;
  }

  pause(): void {
    this.#gate.pause();
  }

  resume(): void {
    this.#gate.resume();
  }

  status(): FeedStatus {
    const { fileIndex, entries, loops } = this.#checkpoint;
    return {
      state: this.#state === 'live' && this.#gate.isPaused ? 'paused' : this.#state,
      detail: this.#detail,
      sources: this.#state === 'live' ? 1 : 0,
      counters: {
        filesDone: fileIndex,
        filesRefused: this.#strays.size,
        entriesOfFile: entries,
        loops,
        badRecords: this.#badRecords,
      },
    };
  }

  /** Opens the file that is next, past those that are no tick files; undefined where there is none. */
  async #openNext(): Promise<TickFile | undefined> {
    const checkpoint = this.#checkpoint;
    for (; checkpoint.fileIndex < this.#groups.length; checkpoint.nextFile()) {
      const paths = this.#groups[checkpoint.fileIndex];
      try {
        return await this.#open();
      } catch (error) {
        if (!isStray(error)) throw error;
        for (const path of paths) this.#refuse(path, error);
      }
    }
    return undefined;
  }

  /** Passes over a file that is no tick file: that must not keep the others out. */
  #refuse(path: string, error: TickwireError): void {
    if (this.#strays.has(path)) return;
    this.#strays.set(path, error);
    this.#context.log.warn({ file: path }, `${error.message} The file is passed over.`);
  }

  async #open(): Promise<TickFile> {
    const group = this.#groups[this.#checkpoint.fileIndex];
    const { log } = this.#context;
    const { format, symbol, digits, negative, zone } = this.options;
    const options: TickFileOptions = {
      ...(format === 'auto' ? {} : { format }),
      symbol,
      digits,
      negative,
      zone,
      warn: (details, message) => log.warn(details, message),
    };
    this.#detail =
      group.length === 1 ? `playing ${group[0]}` : `playing ${group.length} files merged by time`;
    this.#ids = [];
    const file = await openMerged(group, options, (path, error) => this.#refuse(path, error));
    this.#defineSymbols(file);
    return file;
  }

  /** The whole performance: files, loops, and how it ended. */
  async #play(first: TickFile | undefined): Promise<void> {
    const checkpoint = this.#checkpoint;
    let file = first;
    try {
      for (;;) {
        while (file !== undefined) {
          await this.#playFile(file);
          if (this.#signal.aborted) return;
          checkpoint.nextFile();
          this.#commit();
          file = await this.#openNext();
        }
        // Files without a single tick would be looped over for ever, doing nothing.
        if (!this.options.loop || checkpoint.isFresh) break;
        checkpoint.nextLoop();
        this.#commit();
        file = await this.#openNext();
      }
      this.#state = 'ended';
      this.#detail = `played to the end${this.#strayText}`;
    } catch (error) {
      this.#state = 'failed';
      this.#detail = messageOf(error);
      this.#context.log.error({ error: this.#detail }, 'the file feed cannot go on');
    }
  }

  get #strayText(): string {
    const [first] = this.#strays.keys();
    return first === undefined
      ? ''
      : `, without ${this.#strays.size} that are no tick files, such as ${first}`;
  }

  async #playFile(file: TickFile): Promise<void> {
    // What a checkpoint counts as done is read again, for the values that later lines carry on, and skipped.
    let skip = this.#checkpoint.entries;
    try {
      for await (const batch of file.batches) {
        if (skip >= batch.length) {
          skip -= batch.length;
          continue;
        }
        this.#defineSymbols(file);
        await this.#playBatch(batch, skip);
        skip = 0;
        if (this.#signal.aborted) return;
      }
    } finally {
      await file.close();
    }
  }

  async #playBatch(batch: TickBatch, from: number): Promise<void> {
    const { sink } = this.#context;
    for (let i = from; i < batch.length && !this.#signal.aborted; ) {
      if (this.#gate.isPaused) {
        await this.#gate.pass(this.#signal);
        this.#pacer.reset();
        continue;
      }
      sink.stamp();
      i = this.#offer(batch, i);
      this.#commit();
      if (this.#isFull) await sink.room();
      else if (i < batch.length) await this.sleep(Math.min(this.#waitMs, SLEEP_MS_MAX), this.#signal);
      else await turn();
    }
  }

  /** Offers entries while they are due and there is room; the index of the first that is not done. */
  #offer(batch: TickBatch, from: number): number {
    const { sink } = this.#context;
    const checkpoint = this.#checkpoint;
    this.#isFull = false;
    for (let i = from; i < batch.length; i++) {
      if (batch.kind[i] === EntryKind.bad) {
        sink.reject('bad_record');
        this.#badRecords++;
        checkpoint.entries++;
        continue;
      }
      const eventS = batch.eventS[i];
      const eventNs = batch.eventNs[i];
      if (checkpoint.isFresh && this.options.shiftToNow) {
        const timeEntry = timeEntryOf(batch, i);
        checkpoint.shiftTo(batch.eventS[timeEntry], batch.eventNs[timeEntry], sink.recvS, sink.recvNs);
      }
      this.#waitMs = this.#pacer.dueInMs(batch, i, checkpoint);
      if (this.#waitMs > 0) return i;
      const id = this.#ids[batch.symbol[i]];
      if (id === REFUSED_SYMBOL) {
        sink.reject('refused_symbol');
        checkpoint.done(eventS, eventNs);
        continue;
      }
      const answer = sink.take(this.#source, id, 0);
      if (answer === Take.full) {
        this.#isFull = true;
        return i;
      }
      this.#write(batch, i, id);
      checkpoint.done(eventS, eventNs);
    }
    return batch.length;
  }

  #write(batch: TickBatch, i: number, id: number): void {
    const { sink } = this.#context;
    const { eventS, eventNs } = this.#checkpoint;
    const kind = batch.kind[i];
    if (kind === EntryKind.both) sink.split();
    if ((kind & EntryKind.quote) !== 0) {
      const { bid, ask, bidSize, askSize } = batch;
      sink.quote(this.#source, id, 0, 0, eventS, eventNs, bid[i], ask[i], bidSize[i], askSize[i]);
    }
    if ((kind & EntryKind.trade) !== 0) {
      const { price, size, tradeId, flags } = batch;
      sink.trade(this.#source, id, flags[i], 0, eventS, eventNs, price[i], size[i], tradeId[i]);
    }
  }

  #commit(): void {
    this.#checkpoint.save(this.#context.state());
    this.#context.sink.commit();
  }

  /** Defines the file's symbols that are new, or have more digits than so far. */
  #defineSymbols(file: TickFile): void {
    for (let i = 0; i < file.symbols.length; i++) {
      const { raw, digits, most = 0 } = file.symbols[i];
      if (most > digits && !this.#rounded.has(raw)) this.#tellRounded(raw, digits, most);
      let known = this.#defined.get(raw);
      if (known === undefined || known.digits < digits) {
        known = { id: this.#idOf(raw, digits), digits };
        this.#defined.set(raw, known);
      }
      this.#ids[i] = known.id;
    }
  }

  #tellRounded(raw: string, digits: number, most: number): void {
    this.#rounded.add(raw);
    this.#context.log.warn(
      { symbol: raw },
      `${raw}: one row has prices with ${most} decimals, the others have ${digits}: it is rounded to these. Set the digits option where it is right.`,
    );
  }

  /** Id of a symbol. One that is refused costs its own ticks and no others. */
  #idOf(raw: string, digits: number): number {
    try {
      const { negative, digits: set } = this.options;
      return this.#context.symbol(this.#source, raw, {
        digits,
        digitsFrom: set === undefined ? 'prices' : 'setting',
        ...(negative ? { negative } : {}),
      });
    } catch (error) {
      if (!(error instanceof TickwireError)) throw error;
      this.#context.log.warn({ symbol: raw }, `${error.message} Its ticks are counted as refused.`);
      return REFUSED_SYMBOL;
    }
  }
}
