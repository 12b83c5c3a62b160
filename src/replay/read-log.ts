/** The log for programs: what a data folder holds, and a range of its ticks as an async iterator. */
import { TickwireError } from '../core/errors.js';
import { KIND_NAMES, type KindName, kindOf, kindsMaskOf, RECORD_U32, U32_SYMBOL } from '../core/tick.js';
import { type LocalTick, tickAt } from '../core/tick-object.js';
import type { Epoch, Nanoseconds, Seq } from '../core/units.js';
import { LogReader } from '../log/read/log-reader.js';
import { turn } from '../pipeline/memory/doorbell.js';
import { type Bound, checkLog, mayBegin, parseBound } from './range.js';
import { LogStream } from './stream.js';
import { LogSymbols, readLogRegistry } from './symbols.js';

/** Ticks between two turns of the event loop. */
const TURN_TICKS = 4_096;

/**
 * A time of receipt (a Date, UNIX nanoseconds, or ISO 8601 text, without a zone: UTC); or a position: an epoch and a
 * seq in it, `epoch:seq` as text, or a cursor. With several shards the seq counts in each of them; a cursor is exact.
 */
export type LogBound = string | Date | Nanoseconds | { epoch: Epoch; seq: Seq };

export interface LogRange {
  /** Inclusive; a cursor: exactly after it. Absent: the oldest tick. */
  from?: LogBound;
  /** A time is exclusive, a position inclusive. Absent: the newest tick at the time of the call. */
  to?: LogBound;
  /** Names and patterns; absent: all, with the engine's own records. */
  symbols?: readonly string[];
  /** Absent: all. */
  kinds?: readonly KindName[];
  /** Called for each part of the range that the log does not hold. Absent: such a part ends the reading with an error. */
  onGap?: (gap: MissingRange) => void;
}

/** Seqs of a shard that the log does not hold, both ends inclusive. */
export interface MissingRange {
  epoch: Epoch;
  shard: number;
  first: Seq;
  last: Seq;
  /** `shed`: not written, as the log was stalled; `corrupt`: damaged; `retention`: removed. */
  reason: 'shed' | 'corrupt' | 'retention';
}

/** One start of an engine, or one import. */
export interface LogEpoch {
  epoch: Epoch;
  startedAt: Date;
  isImport: boolean;
  /** By shard: the oldest and the newest seq that the log holds; without any, newest is oldest − 1. */
  shards: { oldest: Seq; newest: Seq }[];
}

export interface LogContents {
  /** 16 hex digits, made with the data folder. */
  logId: string;
  /** Oldest first, imports last. */
  epochs: LogEpoch[];
  symbols: { symbol: string; digits: number }[];
}

/**
 * Reads what a data folder holds. An engine may run on the folder meanwhile.
 * @throws TickwireError log_missing, data_folder_unusable
 */
export async function describeLog(dataFolder: string): Promise<LogContents> {
  const registry = await readLogRegistry(dataFolder);
  const reader = LogReader.open(dataFolder);
  try {
    const epochs = reader.epochs().map(({ epoch, startedAt, shards, import: isImport }) => ({
      epoch,
      startedAt: new Date(startedAt),
      isImport: isImport !== undefined,
      shards: Array.from({ length: shards }, (_, shard) => reader.bounds(epoch, shard)),
    }));
    const symbols = registry.symbols.flatMap((symbol, id) =>
      id === 0 || symbol === undefined ? [] : [{ symbol: symbol.name, digits: registry.digits[id] }],
    );
    return { logId: reader.logId, epochs, symbols };
  } finally {
    await reader.close();
  }
}

/**
 * Reads the ticks of a range: epoch by epoch, the shards merged by time of receipt, imports merged in by their
 * times. An engine may run on the folder meanwhile. While the loop runs, retention removes nothing that it has
 * still to read; leaving the loop closes the log.
 * @throws TickwireError bad_config for a bound or a kind that cannot be read; while iterating: log_missing,
 *   data_folder_unusable, bad_input for a cursor of another log, log_corrupt for a gap without `onGap`, and behind
 *   the last tick for a lost file of which nobody knows what it held
 */
export function readLog(
  dataFolder: string,
  range: LogRange = {},
): AsyncGenerator<LocalTick, void, undefined> {
  const unknown = range.kinds?.find((kind) => !KIND_NAMES.includes(kind));
  if (unknown !== undefined) {
    throw new TickwireError(
      'bad_config',
      `kinds: ${JSON.stringify(unknown)} is no kind: ${KIND_NAMES.join(', ')}.`,
    );
  }
  return iterate(dataFolder, range, boundOf(range.from, 'from'), boundOf(range.to, 'to'));
}

async function* iterate(
  dataFolder: string,
  { symbols: patterns = ['*'], kinds, onGap = refuse }: LogRange,
  from: Bound | undefined,
  to: Bound | undefined,
): AsyncGenerator<LocalTick, void, undefined> {
  const symbols = await LogSymbols.open(dataFolder, patterns);
  const reader = LogReader.open(dataFolder);
  try {
    const { logId } = reader;
    checkLog(from, logId);
    checkLog(to, logId);
    reader.hold();
    const stream = new LogStream(reader, {
      from,
      to,
      filter: symbols.wantsAll ? null : symbols.filter,
      onGap: (epoch, shard, gap) => onGap({ epoch, shard, ...gap }),
    });
    const mask = kindsMaskOf(kinds);
    for (let n = 1; stream.next(); n++) {
      if (n % TURN_TICKS === 0) await turn();
      const { records, index, epoch, shard, seq } = stream;
      if (((mask >>> kindOf(records, index)) & 1) === 0) continue;
      const id = records.u32[index * RECORD_U32 + U32_SYMBOL];
      // A symbol that was defined after the registry was read.
      if (!symbols.knows(id)) await symbols.refresh();
      yield tickAt(records, index, { symbol: symbols.name(id), logId, epoch, shard, seq });
    }
    const lost = reader.lostSegments().find(({ isKnown, startsAt }) => !isKnown && mayBegin(startsAt, to));
    if (lost !== undefined) {
      throw new TickwireError('log_corrupt', `${lost.why} Nobody knows how many ticks were in it.`);
    }
  } finally {
    await reader.close();
  }
}

function boundOf(bound: LogBound | undefined, side: 'from' | 'to'): Bound | undefined {
  if (bound === undefined) return undefined;
  if (bound instanceof Date) {
    if (Number.isNaN(bound.getTime())) throw new TickwireError('bad_config', `${side}: the Date is invalid.`);
    return parseBound(bound.toISOString(), side);
  }
  if (typeof bound === 'object') return { kind: 'seq', epoch: bound.epoch, seqs: [bound.seq] };
  return parseBound(String(bound), side);
}

function refuse({ epoch, shard, first, last, reason }: MissingRange): never {
  throw new TickwireError(
    'log_corrupt',
    `The log does not hold ${epoch}:${first} to ${epoch}:${last} of shard ${shard} (${reason}). Give onGap to read on.`,
  );
}
