/**
 * Several tick files as one, merged by time: a folder with one file a symbol becomes the market that it was.
 */
import { TickwireError } from '../../core/errors.js';
import { FILE_MERGE_MAX } from '../../core/limits.js';
import { isBefore } from '../../core/time.js';
import { EntryKind, TickBatch } from './batch.js';
import { openTickFile, type TickFile, type TickFileOptions } from './reader.js';
import { type FileSymbol, FileSymbols } from './symbols.js';
import { isInDoubt, timeEntryOf } from './time-entry.js';

/**
 * Opens the files and merges them by event time; at equal times, by their order in the list. A single file
 * is opened as it is. A bad entry comes right after the tick before it in its file.
 * @param refused called for each file that is no tick file, instead of the throw, as long as another one is
 * @throws TickwireError bad_input as `openTickFile`, limit_exceeded for too many files
 */
export async function openMerged(
  paths: readonly string[],
  options: TickFileOptions = {},
  refused?: (path: string, error: TickwireError) => void,
): Promise<TickFile> {
  if (paths.length === 1) return openTickFile(paths[0], options);
  if (paths.length > FILE_MERGE_MAX) {
    throw new TickwireError(
      'limit_exceeded',
      `${paths.length} files cannot be merged: at most ${FILE_MERGE_MAX} are open at once. Play them in sequence.`,
    );
  }
  const files: TickFile[] = [];
  let stray: TickwireError | undefined;
  try {
    for (const path of paths) {
      try {
        files.push(await openTickFile(path, options));
      } catch (error) {
        if (refused === undefined || !isStray(error)) throw error;
        refused(path, error);
        stray = error;
      }
    }
    if (files.length === 0 && stray !== undefined) throw stray;
  } catch (error) {
    await Promise.all(files.map((file) => file.close()));
    throw error;
  }
  return new MergedFiles(files);
}

/** Whether the file itself is the reason why it cannot be opened, and not how it is read. */
export function isStray(error: unknown): error is TickwireError {
  return error instanceof TickwireError && error.code === 'bad_input';
}

class MergedFiles implements TickFile {
  readonly #symbols = new FileSymbols();

  constructor(readonly files: readonly TickFile[]) {
    for (const file of files) for (let s = 0; s < file.symbols.length; s++) this.#indexOf(file, s);
  }

  get symbols(): readonly FileSymbol[] {
    return this.#symbols.list;
  }

  get badRecords(): number {
    return this.files.reduce((sum, file) => sum + file.badRecords, 0);
  }

  get batches(): AsyncIterable<TickBatch> {
    return this.#merge();
  }

  async close(): Promise<void> {
    await Promise.all(this.files.map((file) => file.close()));
  }

  async *#merge(): AsyncGenerator<TickBatch> {
    const out = new TickBatch();
    const heads = this.files.map((file) => new Head(file));
    for (const head of heads) await head.fill();
    for (;;) {
      let first: Head | undefined;
      for (const head of heads) {
        if (head.batch !== undefined && (first === undefined || head.isBefore(first))) first = head;
      }
      if (first === undefined) break;
      out.pushFrom(first.batch!, first.at, this.#indexOf(first.file, first.batch!.symbol[first.at]));
      first.at++;
      if (first.at === first.batch!.length) await first.fill();
      if (!out.isFull) continue;
      yield out;
      out.length = 0;
    }
    if (out.length > 0) yield out;
  }

  /** The merged index of a file's symbol; its digits are those of the file with the most. */
  #indexOf(file: TickFile, symbol: number): number {
    const known = file.symbols[symbol];
    // A file whose lines are all broken has bad entries and no symbol.
    if (known === undefined) return 0;
    const index = this.#symbols.index(known.raw);
    const merged = this.#symbols.list[index];
    merged.digits = Math.max(merged.digits, known.digits);
    merged.most = Math.max(merged.most, known.most ?? 0);
    return index;
  }
}

/** The entry of a file that is next. */
class Head {
  batch: TickBatch | undefined;
  at = 0;
  readonly #batches: AsyncIterator<TickBatch>;

  constructor(readonly file: TickFile) {
    this.#batches = file.batches[Symbol.asyncIterator]();
  }

  async fill(): Promise<void> {
    const next = await this.#batches.next();
    this.batch = next.done ? undefined : next.value;
    this.at = 0;
  }

  isBefore(other: Head): boolean {
    const a = this.batch!;
    const b = other.batch!;
    if (a.kind[this.at] === EntryKind.bad) return true;
    if (b.kind[other.at] === EntryKind.bad) return false;
    const [i, j] = [this.#timeEntry(), other.#timeEntry()];
    return isBefore(a.eventS[i], a.eventNs[i], b.eventS[j], b.eventNs[j]);
  }

  /** The entry by whose time the next one goes. */
  #timeEntry(): number {
    const batch = this.batch!;
    return isInDoubt(batch, this.at) ? timeEntryOf(batch, this.at) : this.at;
  }
}
