/** Opening of the log by the host thread, before any stage starts. */
import type { SourcePosition } from '../pipeline/memory.js';
import type { LastValueTable } from '../pipeline/table.js';

/** When a commit counts as durable: see `store.ts`. */
export type SyncMode = 'every-commit' | 'interval' | 'os';

export interface OpenLogOptions {
  /** Shards of the epoch that begins. */
  shards: number;
  sync?: SyncMode;
  /** Told of every block that had to be dropped, in a sentence. */
  warn?: (message: string) => void;
}

export interface OpenedLog {
  readonly folder: string;
  readonly logId: string;
  readonly epoch: number;
  readonly registryBytes: Uint8Array;
  readonly positions: SourcePosition[];
  /** Corrupt blocks that were dropped from the end of the newest epoch. */
  readonly droppedBlocks: number;
  /** Writes the last values that the log knows into an empty table; returns how many symbols. */
  restoreInto(table: LastValueTable): number;
  /** To be called once all stages have stopped: lets go of the environment and of the folder. */
  close(): Promise<void>;
}

/**
 * Keep the result open while the engine runs: it holds the folder's lock, and the one environment that
 * all threads of the process share.
 * @throws TickwireError data_folder_locked, data_folder_unusable, log_corrupt
 */
export async function openLog(_dataFolder: string, _options: OpenLogOptions): Promise<OpenedLog> {
  throw new Error('openLog is being written');
}
