/** Looks for what readers hold, again and again, until it is terminated. */
import { parentPort, workerData } from 'node:worker_threads';
import { heldSegments } from '../../../src/log/storage/reader-lease.js';

for (let looks = 0; ; looks++) {
  heldSegments(workerData as string);
  if (looks === 0) parentPort!.postMessage('looking');
}
