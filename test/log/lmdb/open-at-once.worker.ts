/**
 * Opens a log and closes it again, round by round, each round at the same moment as its siblings. Tells the errors, and
 * how many locks lmdb had in the process while all had the log open.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../../src/core/errors.js';
import { LogReader } from '../../../src/log/read/log-reader.js';
import { locksOf } from '../support.js';

export interface OpeningPlan {
  folder: string;
  lockFile: string;
  rounds: number;
  threads: number;
  /** How many have come to each meeting so far. */
  met: SharedArrayBuffer;
}

export interface Opened {
  errors: string[];
  /** The fewest locks that were seen. */
  locks: number;
}

const { folder, lockFile, rounds, threads, met } = workerData as OpeningPlan;
const arrived = new Int32Array(met);
let meetings = 0;

/** Waits for the siblings, without the event loop: all are to go on at once. */
function meet(): void {
  meetings++;
  const all = meetings * threads;
  if (Atomics.add(arrived, 0, 1) + 1 === all) Atomics.notify(arrived, 0);
  for (let now = Atomics.load(arrived, 0); now < all; now = Atomics.load(arrived, 0)) {
    Atomics.wait(arrived, 0, now);
  }
}

const told: Opened = { errors: [], locks: Number.POSITIVE_INFINITY };
for (let round = 0; round < rounds; round++) {
  meet();
  let reader: LogReader | undefined;
  try {
    reader = LogReader.open(folder);
  } catch (error) {
    told.errors.push(messageOf(error));
  }
  meet();
  told.locks = Math.min(told.locks, locksOf(lockFile));
  meet();
  await reader?.close();
}
parentPort!.postMessage(told);
