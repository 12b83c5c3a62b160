/** A reader that stalls in the middle of the log does not make its file grow: the writer uses freed pages again. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { openStore } from '../../../src/log/storage/log-store.js';
import { segmentsFolder } from '../../../src/log/storage/segments.js';
import { turn } from '../../../src/pipeline/memory/doorbell.js';
import { drain, FakeShard, Market, makeFolder, openRig, removeFolder } from '../support.js';

const BEFORE = 2_000;
/** Commits of so many ticks while the reader stands still: each frees the pages of the tree's paths. */
const COMMITS = 400;
const TICKS = 8;
const PAGE_BYTES = 4096;

/** Bytes that the segment's file grew by while it was written to, beside whoever reads. */
async function growth(t: Tap, way: 'none' | 'stalled' | 'hold'): Promise<number> {
  const folder = makeFolder();
  const rig = await openRig(folder, 20);
  const shard = new FakeShard(rig.memory, 0, new Market(20, 5), BEFORE + COMMITS * TICKS);
  const stage = rig.stage({ commitDelayMs: 0 });
  await shard.publishAll(BEFORE);
  await until(() => shard.visible === shard.head);
  let reader: ChildProcess | undefined;
  if (way !== 'none') {
    reader = fork(new URL('./stalled-reader.js', import.meta.url), [folder, way]);
    await once(reader, 'message');
  }
  const store = openStore(folder, { readOnly: true });
  const file = path.join(segmentsFolder(folder), store.segments()[0].folder, 'data.mdb');
  await store.close();
  const before = statSync(file).size;
  for (let n = 0; n < COMMITS; n++) {
    shard.publish(TICKS);
    await until(() => shard.visible === shard.head);
  }
  const after = statSync(file).size;
  reader?.kill('SIGKILL');
  await drain(rig, stage);
  await rig.opened.close();
  removeFolder(folder);
  t.equal(shard.head, BEFORE + COMMITS * TICKS, 'all of it was written');
  return after - before;
}

type Tap = { equal(found: number, wanted: number, message: string): boolean };

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn();
}

t.test('beside none, beside a reader that stalls, beside one that keeps its transaction', async (t) => {
  const alone = await growth(t, 'none');
  const stalled = await growth(t, 'stalled');
  const held = await growth(t, 'hold');
  t.ok(held > alone + COMMITS * PAGE_BYTES, `an open transaction is seen: ${held} bytes against ${alone}`);
  t.ok(
    stalled < alone + (COMMITS * PAGE_BYTES) / 4,
    `a stalled reader is not: ${stalled} bytes against ${alone}`,
  );
});
