/** A subscription that has reached the present epoch frees its list of epochs. */
import t from 'tap';
import type { EpochInfo } from '../../../src/core/log-port.js';
import type { SharedView } from '../../../src/fanout/batch/shared-view.js';
import { StreamCursor } from '../../../src/fanout/reader/stream-cursor.js';

t.test('the list of epochs is freed in the present epoch', async (t) => {
  const epochs: EpochInfo[] = [1, 2, 3].map((epoch) => ({ epoch, shards: 1, firstSeq: [1], lastSeq: [5] }));
  // The cursor reads only these members of the shared view.
  const shared = { epoch: 4, shards: [{}] } as unknown as SharedView;
  const cursor = new StreamCursor(shared, false, epochs, 2, Float64Array.of(5));
  cursor.passEpochs();
  t.match(cursor, { epoch: 3, epochs: { length: 3 } }, 'on its way it needs them');
  cursor.seqs[0] = 5;
  cursor.passEpochs();
  t.match(cursor, { epoch: 4, epochs: { length: 0 } });
});
