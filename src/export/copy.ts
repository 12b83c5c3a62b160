/** Copies a range of the log to files: the work of one export job. */

import { kindOf, RECORD_U32, U32_SYMBOL } from '../core/tick.js';
import { fileNamePart } from '../feeds/file/index.js';
import type { LogGap, LogReader } from '../log/read/log-reader.js';
import type { Registry } from '../pipeline/memory/registry.js';
import type { Bound } from '../replay/range.js';
import { LogStream } from '../replay/stream.js';
import { nameOf } from '../replay/symbols.js';
import { LineWriter } from './lines.js';
import { Mt5Writer } from './mt5.js';
import { mt5FileName } from './names.js';
import { discard, OutFile, type TextSink } from './out-file.js';
import { ParquetTickWriter } from './parquet.js';
import type { ExportFormat, ExportStyle, ExportSymbol, TickWriter } from './writer.js';

/** About so many bytes of all files of a job wait in memory. Above this, all files are flushed. */
const WAITING_BYTES_MAX = 64 * 1024 * 1024;
/** Ticks between two checks for a stop, which also report the progress. */
const TURN_TICKS = 4_096;

export interface ExportRange {
  from?: Bound | undefined;
  to?: Bound | undefined;
  /** Only epochs of engines, or only this one; absent: depends on `from` and `to`. */
  only?: 'engines' | number | undefined;
  /** By symbol id, 1 = wanted; null: all. */
  filter: Uint8Array | null;
  /** Bit k = kind k wanted. */
  kindsMask: number;
}

export interface ExportTarget extends ExportStyle {
  folder: string;
  /** Prefix of the hidden names of this job's files. */
  mark: string;
  /** Ending of the name of a symbol's own file, with its dot. */
  ending: string;
  /** Name of the one file of all symbols; absent: each symbol has its own. */
  name?: string | undefined;
  /** Whether that file is left out when it would have no ticks. */
  isOptional?: boolean | undefined;
}

export interface ExportedFile {
  temporary: string;
  name: string;
  ticks: number;
  bytes: number;
}

export interface ExportCounts {
  /** Ticks written. */
  ticks: number;
  /** Ticks of the range that the format cannot hold. */
  unheld: number;
}

/** Seqs of the range that the log does not hold. */
export interface ExportGap extends LogGap {
  epoch: number;
  shard: number;
}

/** Follows a job, and stops it. */
export interface ExportObserver {
  /** Called now and then with the ticks so far; true stops the job. */
  turn(ticks: number): boolean;
  gap(gap: ExportGap): void;
}

export interface LogSource {
  reader: LogReader;
  registry: Registry;
}

function symbolsOf(registry: Registry): (id: number) => ExportSymbol {
  const known: ExportSymbol[] = [];
  return (id) => (known[id] ??= { name: nameOf(registry, id), digits: registry.digits[id] ?? 0 });
}

/** The ticks of a range, one after the other. */
function openRange(
  { reader }: LogSource,
  { from, to, only, filter }: ExportRange,
  onGap: (gap: ExportGap) => void,
): LogStream {
  return new LogStream(reader, {
    from,
    to,
    only,
    filter,
    onGap: (epoch, shard, gap) => onGap({ epoch, shard, ...gap }),
  });
}

/** Writes lines to a sink that is not a file; `turn` is awaited from time to time, and true stops the copy. */
export async function copyLines(
  source: LogSource,
  range: ExportRange,
  style: ExportStyle & { format: Exclude<ExportFormat, 'parquet'> },
  sink: TextSink,
  counts: ExportCounts,
  observer: { turn(ticks: number): Promise<boolean>; gap(gap: ExportGap): void },
): Promise<void> {
  const stream = openRange(source, range, observer.gap);
  const writer = lineWriter(style, style.format, sink);
  const symbolOf = symbolsOf(source.registry);
  for (let n = 0; stream.next(); ) {
    if (++n % TURN_TICKS === 0 && (await observer.turn(counts.ticks))) return;
    if (((range.kindsMask >>> kindOf(stream.records, stream.index)) & 1) === 0) continue;
    if (writer.add(stream, symbolOf(symbolIdOf(stream)))) counts.ticks++;
    else counts.unheld++;
  }
  writer.finish();
}

function symbolIdOf(stream: LogStream): number {
  return stream.records.u32[stream.index * RECORD_U32 + U32_SYMBOL];
}

interface OpenFile {
  file: OutFile;
  writer: TickWriter;
  ticks: number;
  symbol: string;
}

/** Writes the files of one job under hidden names. Returns undefined when stopped; the caller discards the files. */
export function copyToFiles(
  source: LogSource,
  range: ExportRange,
  target: ExportTarget,
  counts: ExportCounts,
  observer: ExportObserver,
): ExportedFile[] | undefined {
  const files = new Map<number, OpenFile>();
  const symbolOf = symbolsOf(source.registry);
  const open = (key: number, symbol: string): OpenFile => {
    const file = new OutFile(target.folder, target.mark, key);
    const opened = { file, writer: writerOf(target, file, source.reader.logId), ticks: 0, symbol };
    files.set(key, opened);
    return opened;
  };
  if (target.name !== undefined) open(0, '');
  const stream = openRange(source, range, observer.gap);
  for (let n = 0; stream.next(); ) {
    if (++n % TURN_TICKS === 0) {
      if (observer.turn(counts.ticks)) return undefined;
      relieve(files);
    }
    if (((range.kindsMask >>> kindOf(stream.records, stream.index)) & 1) === 0) continue;
    const id = symbolIdOf(stream);
    const symbol = symbolOf(id);
    const key = target.name === undefined ? id : 0;
    const to = files.get(key) ?? open(key, symbol.name);
    if (to.writer.add(stream, symbol)) {
      to.ticks++;
      counts.ticks++;
    } else {
      counts.unheld++;
    }
  }
  // A symbol or a day without a tick that the format can hold has no file.
  const [empty, full] = partition(
    [...files.values()],
    ({ ticks }) => ticks === 0 && (target.name === undefined || target.isOptional === true),
  );
  for (const { file } of empty) discard(file.temporary);
  return full.map((file) => finish(file, target));
}

function partition<T>(all: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [all.filter(isFirst), all.filter((item) => !isFirst(item))];
}

function writerOf(target: ExportTarget, file: OutFile, logId: string): TickWriter {
  if (target.format === 'parquet') return new ParquetTickWriter(file, logId);
  return lineWriter(target, target.format, file);
}

function lineWriter(
  { zone, isForSheet }: ExportStyle,
  format: Exclude<ExportFormat, 'parquet'>,
  sink: TextSink,
): TickWriter {
  return format === 'mt5' ? new Mt5Writer(sink, zone) : new LineWriter(sink, format, isForSheet);
}

function relieve(files: Map<number, OpenFile>): void {
  let waiting = 0;
  for (const { writer } of files.values()) waiting += writer.waiting;
  if (waiting > WAITING_BYTES_MAX) for (const { writer } of files.values()) writer.flush();
}

function finish({ file, writer, ticks, symbol }: OpenFile, target: ExportTarget): ExportedFile {
  writer.finish();
  const name =
    target.name ??
    (writer instanceof Mt5Writer ? mt5FileName(symbol, writer) : `${fileNamePart(symbol)}${target.ending}`);
  return { temporary: file.temporary, name, ticks, bytes: file.bytes };
}
