/** The log stage in a thread of its own, for `restart.test.ts`, which makes it die at a probe. */
import { workerData } from 'node:worker_threads';
import { runLogStage } from '../../../src/log/write/stage.js';
import { Control, type EngineMemory, LOG_STAGE } from '../../../src/pipeline/memory/engine-memory.js';
import { armFailpoint } from '../../../src/pipeline/memory/failpoint.js';
import { STAGE_OPTIONS } from '../support.js';

/** Short, so that many deaths fall into a roll-over. */
const SEGMENT_MS = 250;

const { memory, folder, epoch, dieAt } = workerData as {
  memory: EngineMemory;
  folder: string;
  epoch: number;
  dieAt: number;
};
if (dieAt > 0) armFailpoint(dieAt, () => process.exit(70));
const control = new Control(memory.control, LOG_STAGE);
await runLogStage({
  memory,
  control,
  folder,
  epoch,
  options: { ...STAGE_OPTIONS, segmentMs: SEGMENT_MS },
  report: () => {},
});
