/** Recompresses one segment and dies at a probe, or says when it has begun. Arguments: data folder, probe (0: none). */
import { Recompression } from '../../../src/log/maintain/recompression-queue.js';
import { openStore } from '../../../src/log/storage/log-store.js';
import { armFailpoint } from '../../../src/pipeline/memory/failpoint.js';

const [folder, probe] = process.argv.slice(2);
armFailpoint(Number(probe), () => process.kill(process.pid, 'SIGKILL'));
const options = { recompress: 'brotli' as const, freeBytesFloor: 0 };
const recompression = new Recompression(
  openStore(folder),
  options,
  () => {},
  (change) => change(),
);
process.stdout.write('begun\n');
await recompression.step();
await recompression.close();
