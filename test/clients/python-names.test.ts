/** The Python client reads symbols of any printable name. */
import t from 'tap';
import { ENCODINGS } from '../../src/wire/ticks.js';
import { serve } from '../helpers/fanout.js';
import { ODD_NAMES } from '../helpers/odd-names.js';
import { NAMES, noPython, python } from './support.js';

t.test('odd names', { skip: noPython, timeout: 60_000 }, async (t) => {
  const served = await serve();
  t.teardown(() => served.close());
  for (const [i, name] of ODD_NAMES.entries()) served.shard.quote(served.shard.define(name, 2), i + 1, i + 2);
  served.shard.commit();
  const url = `ws://127.0.0.1:${served.port}/v1/stream`;
  for (const encoding of ENCODINGS) {
    const { code, stdout, stderr } = await python(t, [NAMES, url, encoding, ...ODD_NAMES]).ended;
    t.equal(code, 0, stderr);
    t.same(
      JSON.parse(stdout),
      ODD_NAMES.map((name, i) => [name, i + 1]),
      encoding,
    );
  }
});
