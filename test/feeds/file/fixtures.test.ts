import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { FIXTURES_FOLDER, makeCaptures } from '../../../fixtures/generate.js';

t.test('the captures in the repository are what their generator makes', async (t) => {
  const captures = makeCaptures();
  const names = readdirSync(FIXTURES_FOLDER).filter((name) => name.endsWith('.gz'));
  t.same(names.sort(), [...captures.keys()].map((name) => `${name}.gz`).sort());
  let bytes = 0;
  for (const [name, text] of captures) {
    const path = join(FIXTURES_FOLDER, `${name}.gz`);
    bytes += statSync(path).size;
    t.ok(gunzipSync(readFileSync(path)).toString() === text, name);
  }
  t.ok(bytes < 600 * 1024, `${bytes} bytes`);
});
