/** A replay that follows lets go of the imports that it has passed, and of no others. */
import t, { type Test } from 'tap';
import { LogReader } from '../../src/log/read/log-reader.js';
import { openStore } from '../../src/log/storage/log-store.js';
import { heldSegments } from '../../src/log/storage/reader-lease.js';
import { IMPORTS_FROM } from '../../src/log/storage/segments.js';
import type { Bound } from '../../src/replay/range.js';
import { LogStream } from '../../src/replay/stream.js';
import { write } from '../feeds/file/scratch.js';
import { fileOf, quotes, runImport, START_MS } from '../import/support.js';
import { drain, FakeShard, Market, makeFolder, openRig, removeFolder } from '../log/support.js';

const ROWS = 20_000;
const TICKS = 5_000;
/** Looks at the log's end, among them one at least at which the stream lets go. */
const LOOKS = 100;

/** A log of live ticks, and of an import over two days before and after them. */
async function fill(t: Test): Promise<string> {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const rig = await openRig(folder, 20);
  const shard = new FakeShard(rig.memory, 0, new Market(20, 5), TICKS);
  const stage = rig.stage();
  await shard.publishAll(TICKS);
  await drain(rig, stage);
  await rig.opened.close();
  await runImport(folder, [write(folder, 'EURUSD_x.csv', fileOf(quotes(ROWS, START_MS, 10, 110_000)))]);
  return folder;
}

/** Numbers of imported segments that are held, and the epoch of the import. */
async function importsOf(folder: string): Promise<{ epoch: number; all: number[]; held: number[] }> {
  const store = openStore(folder, { readOnly: true });
  const imported = store.segments().filter(({ number }) => number >= IMPORTS_FROM);
  await store.close();
  const all = imported.map(({ number }) => number);
  const held = heldSegments(folder);
  return { epoch: imported[0].ranges![0].epoch, all, held: all.filter((number) => held.has(number)) };
}

t.test('once it is at the end', async (t) => {
  for (const from of [undefined, { kind: 'seq', epoch: 1, seqs: [100] } satisfies Bound]) {
    const folder = await fill(t);
    const reader = LogReader.open(folder);
    reader.hold();
    const before = await importsOf(folder);
    t.equal(before.held.length, 2, 'a segment a day');
    const stream = new LogStream(reader, { filter: null, from });
    let ticks = 0;
    while (stream.next()) ticks++;
    // The import has a definition too; a stream from a place on has no import.
    t.equal(ticks, from === undefined ? TICKS + ROWS + 1 : TICKS - 99);
    for (let look = 0; look < LOOKS; look++) {
      stream.extend();
      t.notOk(stream.next());
    }
    t.same((await importsOf(folder)).held, []);
    await reader.close();
  }
});

t.test('day by day', async (t) => {
  const folder = await fill(t);
  const reader = LogReader.open(folder);
  reader.hold();
  const { epoch, all } = await importsOf(folder);
  const [, second] = all;
  reader.letGo(1, [1], new Map([[epoch, 1]]));
  t.same((await importsOf(folder)).held, all);
  reader.letGo(1, [1], new Map([[epoch, ROWS]]));
  t.same((await importsOf(folder)).held, [second]);
  await reader.close();
});
