/** The log that `sync.test.ts` watches. Arguments: a folder, the mode. Prints how far it is durable, then drains. */

import { writeSync } from 'node:fs';
import path from 'node:path';
import type { SyncMode } from '../../../src/log/storage/catalog.js';
import { LogWord } from '../../../src/pipeline/memory/counters.js';
import { turn } from '../../../src/pipeline/memory/doorbell.js';
import { drain, FakeShard, Market, openRig } from '../support.js';

const RUN_MS = 2_500;
const [folder, mode] = process.argv.slice(2);
const sync = mode as SyncMode;
const rig = await openRig(path.join(folder, sync), 20, { ringSlots: 8192, sync });
const shard = new FakeShard(rig.memory, 0, new Market(20, 3), 4_000_000, true);
const stage = rig.stage({ commitDelayMs: 20, sync });
let told = 0;
for (const end = Date.now() + RUN_MS; Date.now() < end; await turn()) {
  shard.publish(10);
  const durable = rig.counters.log(LogWord.durable);
  if (durable === told) continue;
  told = durable;
  writeSync(1, `{"durable":${durable}}\n`);
}
await drain(rig, stage);
await rig.opened.close();
