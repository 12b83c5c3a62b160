/** The Python client pauses, resumes and seeks, and gets conflated ticks, on a real server. */
import { join } from 'node:path';
import t from 'tap';
import { serve, temporaryFolder } from '../cli/support.js';
import { noPython, python, STEER } from './support.js';

const MARKET = { symbols: 10, tradeShare: 0.1, seed: 3, rate: 4000 };

t.test('steering', { skip: noPython, timeout: 60_000 }, async (t) => {
  const data = join(temporaryFolder(t), 'data');
  const { url } = await serve(t, ['--data', data, '--feed', `synthetic=${JSON.stringify(MARKET)}`]);
  for (const encoding of ['packed', 'msgpack', 'json']) {
    const { code, stdout, stderr } = await python(t, [STEER, url, encoding]).ended;
    t.equal(code, 0, stderr);
    t.strictSame(
      JSON.parse(stdout),
      {
        every: {
          begins: 1,
          quiet: true,
          run: true,
          sought: 1,
          same: true,
          newest: true,
          cursor: true,
          ended: true,
        },
        latest: { conflated: true, counted: true, ends: true, missing: 0, inOrder: true, kinds: true },
        refusals: ['unknown_subscription', 'unknown_symbol', 'cursor_invalid'],
        clock: true,
        losses: 0,
      },
      encoding,
    );
  }
});
