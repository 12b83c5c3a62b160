/** Fresh blocks under a compressor: smaller, read back as they were; a segment has one, and says which. */
import t from 'tap';
import { VirtualClock } from '../../../src/core/clock.js';
import { readHeader } from '../../../src/log/format/block.js';
import type { Compression } from '../../../src/log/format/compress.js';
import { blockKey, isPageKey } from '../../../src/log/format/keys.js';
import { LogReader } from '../../../src/log/read/log-reader.js';
import { openStore } from '../../../src/log/storage/log-store.js';
import { blocksIn } from '../../../src/log/storage/segments.js';
import { LogWord } from '../../../src/pipeline/memory/counters.js';
import {
  bytesOf,
  drain,
  FakeShard,
  Market,
  makeFolder,
  openRig,
  type Rig,
  readAll,
  removeFolder,
} from '../support.js';

const TICKS = 20_000;
const SEGMENT_MS = 60_000;
const LARGE_TICKS = 500;
const END_OF_BLOCKS = blockKey(2 ** 32 - 1, 0, 0);

/** Logs ticks from the given second on, the second half of them a segment later. */
async function write(
  folder: string,
  compression: Compression,
  second: number,
): Promise<{ rig: Rig; shard: FakeShard }> {
  const times = { segmentMs: SEGMENT_MS, nowMs: second * 1000 };
  const rig = await openRig(folder, 20, { ...times, ringSlots: 65_536, compression });
  const clock = new VirtualClock();
  clock.set(second, 0);
  const shard = new FakeShard(rig.memory, 0, new Market(20, 5), TICKS);
  const stage = rig.stage({ segmentMs: SEGMENT_MS, commitDelayMs: 1, compression }, clock);
  await shard.publishAll(TICKS / 2, 4_096);
  while (shard.visible < shard.head) await new Promise((resolve) => setTimeout(resolve, 1));
  clock.set(second + SEGMENT_MS / 1000, 0);
  await shard.publishAll(TICKS / 2, 4_096);
  await drain(rig, stage);
  return { rig, shard };
}

/** By segment: its folder, what it says of its compressor, and what its blocks say. */
async function compressors(folder: string): Promise<[string, string | undefined, number[]][]> {
  const store = openStore(folder, { readOnly: true });
  const found = store.segments().map((record): [string, string | undefined, number[]] => {
    const used = new Set<number>();
    for (const [key, bytes] of blocksIn(store.open(record)!, blockKey(1, 0, 0), END_OF_BLOCKS)) {
      const { compressor, firstSeq, lastSeq } = readHeader(bytes)!;
      // A block of a few ticks may have nothing to gain.
      if (!isPageKey(key) && lastSeq - firstSeq >= LARGE_TICKS) used.add(compressor);
    }
    return [record.folder, record.compression, [...used]];
  });
  await store.close();
  return found;
}

t.test('every compressor', async (t) => {
  const bytes: Record<string, number> = {};
  for (const [number, compression] of (['none', 'deflate', 'brotli'] as const).entries()) {
    const folder = makeFolder();
    t.teardown(() => removeFolder(folder));
    const { rig, shard } = await write(folder, compression, 0);
    const reader = LogReader.open(folder);
    const all = readAll(reader, 1, 0);
    t.equal(all.seqs.length, TICKS);
    t.ok(bytesOf(all.records, 0, TICKS).equals(bytesOf(shard.sent, 0, TICKS)), `${compression}: bit for bit`);
    await reader.close();
    const said = compression === 'none' ? undefined : compression;
    t.same(await compressors(folder), [
      ['1970-01-01', said, [number]],
      ['1970-01-01T00-01-00-000Z', said, [number]],
    ]);
    bytes[compression] = rig.counters.log(LogWord.bytes);
    await rig.opened.close();
  }
  t.ok(bytes.deflate < bytes.none && bytes.brotli < bytes.none, 'it is counted what is written');
});

t.test('another setting begins another segment, the same setting keeps it', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const written = await write(folder, 'deflate', 0);
  await written.rig.opened.close();
  const times = { segmentMs: SEGMENT_MS, nowMs: SEGMENT_MS };
  const same = await openRig(folder, 20, { ...times, compression: 'deflate' });
  t.equal((await compressors(folder)).length, 2);
  await same.opened.close();

  const other = await write(folder, 'none', SEGMENT_MS / 1000);
  t.same(await compressors(folder), [
    ['1970-01-01', 'deflate', [1]],
    ['1970-01-01T00-01-00-000Z', 'deflate', [1]],
    ['1970-01-01T00-01-00-000Z.2', undefined, [0]],
    ['1970-01-01T00-02-00-000Z', undefined, [0]],
  ]);
  const reader = LogReader.open(folder);
  for (const [epoch, { shard }] of [[1, written] as const, [3, other] as const]) {
    const all = readAll(reader, epoch, 0);
    t.ok(bytesOf(all.records, 0, TICKS).equals(bytesOf(shard.sent, 0, TICKS)), `epoch ${epoch}: bit for bit`);
  }
  await reader.close();
  await other.rig.opened.close();
});
