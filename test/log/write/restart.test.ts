/**
 * A log stage whose thread dies, at any of its writes and in any step of a roll-over, or from outside, goes
 * on where LMDB says it was.
 */
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { LogReader } from '../../../src/log/read/log-reader.js';
import { openStore } from '../../../src/log/storage/log-store.js';
import { Command } from '../../../src/pipeline/memory/engine-memory.js';
import {
  bytesOf,
  FakeShard,
  Market,
  makeFolder,
  openRig,
  type Rig,
  readAll,
  removeFolder,
  seeded,
} from '../support.js';

const DEATHS = 12;

function start(rig: Rig, folder: string, dieAt: number): { worker: Worker; ended: Promise<number> } {
  const worker = new Worker(new URL('./restart.worker.js', import.meta.url), {
    // Without the test runner's loaders, which take longer to start than the thread lives.
    execArgv: [],
    env: {},
    workerData: { memory: rig.memory, folder, epoch: rig.opened.epoch, dieAt },
  });
  const ended = new Promise<number>((resolve, reject) => {
    worker.on('exit', resolve);
    worker.on('error', reject);
  });
  return { worker, ended };
}

t.test('deaths of the stage', { timeout: 120_000 }, async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const rig = await openRig(folder, 20, { ringSlots: 4096 });
  const shard = new FakeShard(rig.memory, 0, new Market(20, 4), 400_000, true);
  const random = seeded(17);
  for (let death = 0; death < DEATHS; death++) {
    // Every other death comes from outside, once the stage has got somewhere.
    const fromOutside = death % 2 === 1;
    const { worker, ended } = start(rig, folder, fromOutside ? 0 : 1 + (random() % 40));
    let isOver = false;
    void ended.then(() => {
      isOver = true;
    });
    const enough = shard.visible + 3_000 + (random() % 3_000);
    while (!isOver) {
      shard.publish(700);
      if (fromOutside && shard.visible > enough) await worker.terminate();
      else await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await ended;
  }
  const { ended } = start(rig, folder, 0);
  await shard.publishAll(5_000);
  rig.control.command = Command.drain;
  t.equal(await ended, 0);
  const reader = LogReader.open(folder);
  const all = readAll(reader, 1, 0);
  t.equal(all.seqs.length, shard.head);
  t.ok(
    all.seqs.every((seq, i) => seq === i + 1),
    'each once, in order',
  );
  t.ok(bytesOf(all.records, 0, shard.head).equals(bytesOf(shard.sent, 0, shard.head)), 'bit for bit');
  t.equal(rig.counters.totals().logged, shard.head);
  const store = openStore(folder, { readOnly: true });
  t.ok(store.segments().length >= 3, `${store.segments().length} segments`);
  await store.close();
  await reader.close();
  await rig.opened.close();
});
