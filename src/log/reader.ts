/** Reading of the log in short transactions, from any thread or process. */
import type { Records } from '../tick.js';

export interface EpochRecord {
  epoch: number;
  /** UNIX milliseconds. */
  startedAt: number;
  shards: number;
  /** Each shard's last seq, once the epoch is over. */
  last?: number[];
}

/** Seqs that the log does not hold: shed while it could not write, or in a block that is damaged. */
export interface LogGap {
  first: number;
  last: number;
  reason: 'shed' | 'corrupt' | 'retention';
}

export interface ReadRequest {
  epoch: number;
  shard: number;
  fromSeq: number;
  /** Inclusive; absent: up to the newest. */
  toSeq?: number;
  /** By symbol id, 1 = wanted; absent: all. Symbols beyond its length are not wanted. */
  watch?: Uint8Array | null;
  /** Bit k = kind k wanted; absent: all. */
  kindsMask?: number;
  maxTicks: number;
}

export interface ReadResult {
  count: number;
  /** Where to go on: everything below was returned, filtered out or named as a gap. */
  nextSeq: number;
  gaps: LogGap[];
}

export class LogReader {
  /** @throws TickwireError log_missing */
  static open(_dataFolder: string): LogReader {
    throw new Error('LogReader is being written');
  }

  /** Oldest first. */
  epochs(): EpochRecord[] {
    return [];
  }

  get logId(): string {
    return '';
  }

  /** The seqs that the log holds of a shard; newest 0 when none. */
  bounds(_epoch: number, _shard: number): { oldest: number; newest: number } {
    return { oldest: 1, newest: 0 };
  }

  /** Fills `into` and `seqs` (full sequence numbers) with at most `maxTicks`; each record gets its seqLow. */
  read(_request: ReadRequest, _into: Records, _seqs: Float64Array): ReadResult {
    return { count: 0, nextSeq: 1, gaps: [] };
  }

  /** First seq whose block reaches the time (running maximum of tsRecv); newest + 1 when all are older. */
  seekTime(_epoch: number, _shard: number, _seconds: number, _nanos: number): number {
    return 1;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
