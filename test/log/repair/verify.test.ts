/** What `verify` finds: nothing in a good log, and each damage by its place; and what `recover` saves of it. */
import t from 'tap';
import { blockKey } from '../../../src/log/format/keys.js';
import { LogReader } from '../../../src/log/read/log-reader.js';
import { recoverLog } from '../../../src/log/repair/recover.js';
import { surveyLog } from '../../../src/log/repair/survey.js';
import { LogVerifier, type Verified } from '../../../src/log/repair/verify.js';
import { readSegments } from '../../../src/log/storage/catalog.js';
import { openStore } from '../../../src/log/storage/log-store.js';
import { blocksOfSegment } from '../../../src/log/storage/segment-blocks.js';
import { openSegment } from '../../../src/log/storage/segments.js';
import { openLog } from '../../../src/log/write/open-log.js';
import { drain, FakeShard, Market, makeFolder, openRig, readAll, removeFolder } from '../support.js';

const TICKS = 40_000;
const SYMBOLS = 20;
const go = async () => false;

async function verify(folder: string): Promise<Verified> {
  const store = openStore(folder, { readOnly: true });
  try {
    return await new LogVerifier(store, SYMBOLS + 1).run(go);
  } finally {
    await store.close();
  }
}

async function makeLog(folder: string): Promise<void> {
  const rig = await openRig(folder, SYMBOLS);
  const shard = new FakeShard(rig.memory, 0, new Market(SYMBOLS, 8), TICKS, true);
  const stage = rig.stage();
  await shard.publishAll(TICKS);
  await drain(rig, stage);
  await rig.opened.close();
}

/** Flips a bit of the block at one seq, and removes the one at another. */
async function damage(folder: string, flipped: number, removed: number): Promise<void> {
  const store = openStore(folder);
  const [{ folder: name }] = readSegments(store.catalog);
  const { blocks } = openSegment(folder, name, { readOnly: false });
  const key = blockKey(1, 0, flipped);
  const bytes = Buffer.from(blocks.get(key)!);
  bytes[bytes.length >> 1] ^= 4;
  await blocks.put(key, bytes);
  await blocks.remove(blockKey(1, 0, removed));
  await blocks.close();
  await store.close();
}

t.test('a log that is whole, then damaged, then recovered', async (t) => {
  const folder = makeFolder();
  const saved = makeFolder();
  t.teardown(() => {
    removeFolder(folder);
    removeFolder(saved);
  });
  await makeLog(folder);
  const good = await verify(folder);
  t.same([good.damages, good.catalog, good.ticks, good.isWhole], [[], [], TICKS, true]);

  const store = openStore(folder, { readOnly: true });
  const survey = await surveyLog(store, go);
  t.equal(survey.ticks, TICKS);
  t.equal(
    survey.bySymbol.reduce((sum, ticks) => sum + (ticks ?? 0), 0),
    TICKS,
  );
  t.same(
    survey.segments.map(({ ticks, blocks }) => [ticks, blocks]),
    [[TICKS, good.blocks]],
  );
  t.same(
    survey.epochs.map(({ record, ticks }) => [record.epoch, ticks]),
    [[1, TICKS]],
  );
  const firsts = Array.from(blocksOfSegment(store.open(store.segments()[0])!), ({ key }) => key.firstSeq);
  await store.close();
  t.ok(firsts.length >= 5, 'there are blocks to damage');

  await damage(folder, firsts[1], firsts[3]);
  const bad = await verify(folder);
  t.match(bad.damages, [
    { epoch: 1, shard: 0, first: firsts[1], last: firsts[2] - 1, reason: 'checksum' },
    { epoch: 1, shard: 0, first: firsts[3], last: firsts[4] - 1, reason: 'missing' },
  ]);
  t.ok(
    bad.damages.every(({ after, before }) => after !== undefined && before !== undefined),
    'the times around them are told',
  );

  const from = openStore(folder, { readOnly: true });
  const result = await recoverLog(from, saved, go);
  await t.rejects(recoverLog(from, saved, go), { code: 'bad_input', message: /There is a log/ });
  await from.close();
  t.match(result, { lostBlocks: 1, lostSymbols: 0, troubles: [], blocks: firsts.length - 2 });
  const after = await verify(saved);
  t.same(
    after.damages.map(({ first, last, reason }) => [first, last, reason]),
    [
      [firsts[1], firsts[2] - 1, 'missing'],
      [firsts[3], firsts[4] - 1, 'missing'],
    ],
  );
  const [old, now] = [LogReader.open(folder), LogReader.open(saved)];
  t.equal(now.logId, old.logId, 'cursors stay good');
  const [before, kept] = [readAll(old, 1, 0), readAll(now, 1, 0)];
  t.same(kept.seqs, before.seqs);
  t.same(kept.gaps, before.gaps);
  t.ok(Buffer.from(kept.records.u8).equals(Buffer.from(before.records.u8)), 'bit for bit');
  await old.close();
  await now.close();
  const opened = await openLog(saved, { shards: 1 });
  t.equal(opened.epoch, 2, 'an engine continues from it');
  await opened.close();
});
