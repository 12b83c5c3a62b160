/** A subscription that has come to the present keeps nothing of the epochs that it went through. */
import t from 'tap';
import type { SharedView } from '../../../src/fanout/batch/shared-view.js';
import type { EpochInfo } from '../../../src/fanout/contract/ports.js';
import { StreamCursor } from '../../../src/fanout/reader/stream-cursor.js';

t.test('epochs are let go in the present one', async (t) => {
  const epochs: EpochInfo[] = [1, 2, 3].map((epoch) => ({ epoch, shards: 1, firstSeq: [1], lastSeq: [5] }));
  // Of the stream only these are looked at.
  const shared = { epoch: 4, shards: [{}] } as unknown as SharedView;
  const cursor = new StreamCursor(shared, false, epochs, 2, Float64Array.of(5));
  cursor.passEpochs();
  t.match(cursor, { epoch: 3, epochs: { length: 3 } }, 'on its way it needs them');
  cursor.seqs[0] = 5;
  cursor.passEpochs();
  t.match(cursor, { epoch: 4, epochs: { length: 0 } });
});
