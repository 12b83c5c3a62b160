/** The log stage: the gating reader of all shards' broadcast rings. */
import type { Control, EngineMemory } from '../pipeline/memory.js';
import type { SyncMode } from './recover.js';

export interface LogStageOptions {
  /** Milliseconds that a tick may wait before its block is written, full or not. */
  commitDelayMs: number;
  sync: SyncMode;
  onStall: 'block' | 'shed';
  /** Free bytes of the data folder's disk below which nothing is written. */
  freeBytesFloor: number;
}

export interface LogStageInput {
  memory: EngineMemory;
  control: Control;
  /** The data folder. */
  folder: string;
  epoch: number;
  options: LogStageOptions;
  /** Told in a sentence when the log stands still and when it goes on. */
  report: (level: 'info' | 'warn' | 'error', message: string) => void;
}

/** Runs until the control word says `drain` or `stop`. Rejects only on faults that a fresh start may cure. */
export async function runLogStage(_input: LogStageInput): Promise<void> {
  throw new Error('runLogStage is being written');
}
