import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import lzma from 'lzma-native';
import t from 'tap';
import { listTickFiles, openTickFile } from '../../../src/feeds/file/index.js';
import { DATA } from './harness.js';
import { readAll, write } from './scratch.js';

const FOLDER = join(DATA, 'dukascopy_bi5');
const skip = existsSync(FOLDER) ? false : `the recordings are not there: ${FOLDER} (set TICKWIRE_DATA)`;

t.test('a day of bi5 files is read field by field', { skip }, async (t) => {
  let count = 0;
  let faults = 0;
  let lastMs = 0;
  const files = await listTickFiles(FOLDER);
  for (const path of files) {
    const raw = await new Promise<Buffer>((resolve) => lzma.decompress(readFileSync(path), {}, resolve));
    const hour = Number(/_(\d\d)h_/.exec(path)![1]);
    const file = await openTickFile(path);
    t.same(file.symbols, [{ raw: 'EURUSD', digits: 5, most: 0, rows: 0, witness: [] }]);
    let at = 0;
    for await (const batch of file.batches) {
      for (let i = 0; i < batch.length; i++, at += 20, count++) {
        const ms = batch.eventS[i] * 1000 + batch.eventNs[i] / 1e6;
        // The month in the name counts from zero: 01 is February.
        const isSame =
          ms === Date.UTC(2019, 1, 4, hour) + raw.readUInt32BE(at) &&
          batch.ask[i] === raw.readUInt32BE(at + 4) / 1e5 &&
          batch.bid[i] === raw.readUInt32BE(at + 8) / 1e5 &&
          batch.askSize[i] === raw.readFloatBE(at + 12) &&
          batch.bidSize[i] === raw.readFloatBE(at + 16) &&
          ms >= lastMs;
        if (!isSame) faults++;
        lastMs = ms;
      }
    }
    t.equal(at, raw.length);
  }
  t.equal(files.length, 24);
  t.equal(faults, 0, 'every field is as the record says, and the times only grow');
  t.equal(count, 136_741);
});

t.test('a truncated bi5 gives the ticks before the cut, then one bad record', { skip }, async (t) => {
  const name = readdirSync(FOLDER).sort()[9];
  const whole = await readAll(join(FOLDER, name));
  const bytes = readFileSync(join(FOLDER, name));
  const cut = await readAll(write(t.testdir(), name, bytes.subarray(0, Math.floor(bytes.length / 2))));
  t.equal(cut.badRecords, 1);
  t.match(cut.warnings[0], /breaks off/);
  const good = cut.entries.slice(0, -1);
  t.ok(
    good.length > whole.entries.length / 3,
    `${good.length} of ${whole.entries.length} ticks were before the cut`,
  );
  t.same(good, whole.entries.slice(0, good.length));
});
