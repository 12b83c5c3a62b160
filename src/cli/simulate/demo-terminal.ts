/** The thread of the demo's simulated terminal. */
import { workerData } from 'node:worker_threads';
import { type Simulation, simulate } from './command.js';

// It plays until the demo ends the thread: a terminal that is cut off keeps nothing that matters here.
await simulate(workerData as Simulation, new AbortController().signal);
