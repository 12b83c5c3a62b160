/** `examples/client.ts`, as a program of its own against the fan-out. */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { serve } from '../helpers/fanout.js';

const TIMEOUT_MS = 60_000;
const EXAMPLE = fileURLToPath(new URL('../../examples/client.js', import.meta.url));

t.test('the example runs to its end and says what it saw', async (t) => {
  const served = await serve({ log: true });
  t.teardown(() => served.close());
  const { shard } = served;
  const id = shard.define('EURUSD');
  const market = setInterval(() => {
    for (let i = 0; i < 3; i++) shard.quote(id, (110_000 + (shard.head % 50)) / 100_000, 1.2);
    shard.commit();
  }, 20);
  t.teardown(() => clearInterval(market));
  const { NODE_OPTIONS: _, ...env } = process.env;
  const url = `ws://127.0.0.1:${served.port}/v1/stream`;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [EXAMPLE, url], {
    timeout: TIMEOUT_MS,
    env,
  });
  t.equal(stderr, '');
  t.match(stdout, /^EURUSD \d+ 1\.10\d+ 1\.2$/m);
  t.match(stdout, /received \d+, conflated \d+; delays in µs: \{/);
});
