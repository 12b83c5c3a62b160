/** The bytes on the wire are the ones of `fixtures/wire`: a change there is a change of the protocol. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { toTick } from '../../src/tick.js';
import { GOLDEN_SEQS, goldenRecords, goldenVectors } from '../helpers/golden.js';
import { decodePacked } from '../helpers/wire.js';

// Compiled, this file lies one folder deeper than the fixtures.
const FOLDER = resolve(dirname(fileURLToPath(import.meta.url)), '../../../fixtures/wire');

t.test('golden vectors', async (t) => {
  for (const [name, bytes] of goldenVectors()) {
    t.ok(Buffer.from(bytes).equals(readFileSync(resolve(FOLDER, name))), name);
  }
  const ticks = decodePacked(readFileSync(resolve(FOLDER, 'ticks.packed.bin')));
  ticks.forEach((tick, i) => {
    t.same(tick, { ...toTick(goldenRecords(), i), sourceId: 0, seq: GOLDEN_SEQS[i] });
  });
  const state = decodePacked(readFileSync(resolve(FOLDER, 'snapshot.packed.bin')));
  t.same(
    state.map((tick) => tick.seq),
    [0, 65_002],
    'seq 0: state of an earlier epoch',
  );
});
