/** Real threads for tests: runs exported functions of a module, each on a worker, and gives back what they return. */
import { Worker } from 'node:worker_threads';

export interface ThreadCall {
  /** URL of the compiled module. */
  module: string;
  /** Name of the exported function. */
  run: string;
  data: unknown;
}

const BODY = `
const { parentPort, workerData } = require('node:worker_threads');
import(workerData.module)
  .then((module) => module[workerData.run](workerData.data))
  .then((result) => parentPort.postMessage(result ?? null));
`;

/** Starts one function on a thread of its own. A thread that fails rejects with its error. */
export function onThread<T>(module: string, run: string, data: unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(BODY, { eval: true, workerData: { module, run, data } satisfies ThreadCall });
    worker.on('message', resolve);
    worker.on('error', reject);
    worker.on('exit', (code) => reject(new Error(`${run} ended with exit code ${code} before it answered`)));
  });
}
