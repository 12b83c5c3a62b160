/** Jobs of the Piscina pool that decodes the log outside the event loops. The pool's filename is this file. */
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { HISTORY_TICKS_MAX, LOG_CACHE_BLOCKS } from '../../core/limits.js';
import type {
  ImportsAnswer,
  ImportsRequest,
  PageAnswer,
  PageRequest,
  PagesRequest,
  RangeRequest,
  RangeResult,
  StreamPosition,
  SymbolAnswer,
  SymbolRequest,
} from '../../core/log-port.js';
import { RECORD_BYTES, Records } from '../../core/tick.js';
import { tagOf } from '../../pipeline/memory/broadcast-ring.js';
import { ImportMerge } from './import-merge.js';
import { LogReader } from './log-reader.js';
import { findSymbolTicks } from './symbol-search.js';

/** A request of the log of one data folder. */
export type InFolder<Request> = Request & { folder: string };

/** This thread's readers, by data folder. They stay open: a reader's blocks serve the jobs that follow. */
const readers = new Map<string, LogReader>();

function readerOf(folder: string): LogReader {
  let reader = readers.get(folder);
  if (reader === undefined) {
    reader = LogReader.open(folder, LOG_CACHE_BLOCKS);
    readers.set(folder, reader);
  }
  return reader;
}

/**
 * Reads one piece of a shard's log; see `LogReader.read`.
 * @throws TickwireError log_missing
 */
export async function readRange(job: InFolder<RangeRequest>): Promise<RangeResult> {
  const { folder, ...request } = job;
  const into = Records.allocate(job.maxTicks);
  const seqs = new Float64Array(job.maxTicks);
  const { count, nextSeq, gaps } = readerOf(folder).read(request, into, seqs);
  const answer: RangeResult = {
    buffer: (into.u8.buffer as ArrayBuffer).slice(0, count * RECORD_BYTES),
    seqs: seqs.slice(0, count),
    count,
    nextSeq,
    gaps,
  };
  const transferable = {
    get [transferableSymbol]() {
      return [answer.buffer, answer.seqs.buffer];
    },
    get [valueSymbol]() {
      return answer;
    },
  };
  return move(transferable) as unknown as RangeResult;
}

/**
 * Decodes ranges of a shard's log into shared memory, as far as they are visible.
 * @throws TickwireError log_missing
 */
export async function readPages({
  folder,
  epoch,
  shard,
  pages,
}: InFolder<PagesRequest>): Promise<PageAnswer[]> {
  const reader = readerOf(folder);
  return pages.map((page) => readPage(reader, epoch, shard, page));
}

function readPage(reader: LogReader, epoch: number, shard: number, to: PageRequest): PageAnswer {
  const { fromSeq, toSeq } = to;
  const capacity = to.seqs.byteLength / 8;
  const page: PageAnswer = { count: 0, nextSeq: fromSeq, gaps: [] };
  while (page.nextSeq <= toSeq && to.at + page.count < capacity) {
    const at = to.at + page.count;
    const into = new Records(to.records, at * RECORD_BYTES, capacity - at);
    const seqs = new Float64Array(to.seqs, at * 8);
    const request = { epoch, shard, fromSeq: page.nextSeq, toSeq, maxTicks: capacity - at };
    const { count, nextSeq, gaps } = reader.read(request, into, seqs);
    const tags = new Uint32Array(to.tags, at * 4, count);
    for (let i = 0; i < count; i++) tags[i] = tagOf(into, i);
    page.count += count;
    page.gaps.push(...gaps);
    if (nextSeq === page.nextSeq) break;
    page.nextSeq = nextSeq;
  }
  return page;
}

/**
 * The ticks of one symbol by their symbolSeq; see `findSymbolTicks`.
 * @throws TickwireError log_missing
 */
export async function findSymbol({ folder, ...search }: InFolder<SymbolRequest>): Promise<SymbolAnswer> {
  const into = Records.allocate(HISTORY_TICKS_MAX);
  const seqs = new Float64Array(HISTORY_TICKS_MAX);
  const count = findSymbolTicks(readerOf(folder), search, into, seqs);
  return {
    buffer: (into.u8.buffer as ArrayBuffer).slice(0, count * RECORD_BYTES),
    seqs: seqs.slice(0, count),
  };
}

/**
 * The ticks of a symbol in all imports; see `ImportMerge`.
 * @throws TickwireError log_missing
 */
export async function readImports(job: InFolder<ImportsRequest>): Promise<ImportsAnswer> {
  const { folder, symbolId, after, to, maxTicks } = job;
  const merge = new ImportMerge(readerOf(folder), symbolId, after, to);
  const records: Uint8Array[] = [];
  const seqs: number[] = [];
  const epochs: number[] = [];
  let more = merge.next();
  while (more && seqs.length < maxTicks) {
    const { at } = merge;
    records.push(at.records.u8.slice(at.at * RECORD_BYTES, (at.at + 1) * RECORD_BYTES));
    seqs.push(at.seq);
    epochs.push(at.epoch);
    more = merge.next();
  }
  const bytes = new Uint8Array(seqs.length * RECORD_BYTES);
  records.forEach((record, i) => {
    bytes.set(record, i * RECORD_BYTES);
  });
  return {
    buffer: bytes.buffer,
    seqs: Float64Array.from(seqs),
    epochs: Float64Array.from(epochs),
    count: seqs.length,
    more,
    gaps: merge.gaps(),
  };
}

/**
 * The position before the first tick that was received at or after a time; the end of the log when there is none.
 * @throws TickwireError log_missing
 */
export async function seekTime({
  folder,
  seconds,
  nanos,
}: InFolder<{ seconds: number; nanos: number }>): Promise<StreamPosition> {
  const reader = readerOf(folder);
  let answer: StreamPosition = { epoch: 0, seqs: [] };
  for (const { epoch, shards, import: isImport } of reader.epochs()) {
    // The live stream has no imports.
    if (isImport !== undefined) continue;
    const firsts = Array.from({ length: shards }, (_, s) => reader.seekTime(epoch, s, seconds, nanos));
    answer = { epoch, seqs: firsts.map((first) => first - 1) };
    if (firsts.some((first, s) => first <= reader.bounds(epoch, s).newest)) break;
  }
  return answer;
}
