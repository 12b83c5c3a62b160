/**
 * A segment without a block is removed when the log rolls on. Another folder that counts as doomed stays: an import or a
 * recompression may be at work on it.
 */
import { existsSync, mkdirSync } from 'node:fs';
import t from 'tap';
import { commitPuts } from '../../../src/log/lmdb/transaction.js';
import { segmentPuts } from '../../../src/log/storage/catalog.js';
import { segmentPath } from '../../../src/log/storage/segments.js';
import { SegmentRoll } from '../../../src/log/write/segment-roll.js';
import { makeFolder, openRig, removeFolder } from '../support.js';

const SEGMENT_MS = 60_000;
const NOW_MS = 1_700_000_040_000;

t.test('a roll over an empty segment', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const rig = await openRig(folder, 1, { segmentMs: SEGMENT_MS, nowMs: NOW_MS });
  t.teardown(() => rig.opened.close());
  const { store, epoch } = rig.opened;
  const roll = await SegmentRoll.open(store, epoch, NOW_MS, {
    segmentMs: SEGMENT_MS,
    sync: 'every-commit',
    compression: 'none',
  });
  const [empty] = store.segments();
  const staged = segmentPath(folder, '2023-11-01.i0123456789ab');
  mkdirSync(staged);
  await commitPuts(store.catalog.root, segmentPuts(store.catalog, [], [], ['2023-11-01.i0123456789ab']));
  await roll.to(NOW_MS + SEGMENT_MS);
  t.notOk(existsSync(segmentPath(folder, empty.folder)), 'the empty segment is gone');
  t.ok(existsSync(staged), 'the folder of the import is not');
  await roll.close();
});
