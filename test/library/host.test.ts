/** The example host runs: own feed, own app, own logger, reads in its own process. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';

const EXAMPLE = fileURLToPath(new URL('../../examples/host.js', import.meta.url));
const TIMEOUT_MS = 60_000;

t.test('examples/host.ts', async (t) => {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [EXAMPLE], {
    timeout: TIMEOUT_MS,
    env,
  });
  t.equal(stderr, '');
  t.match(stdout, /walk: 2000 ticks made/, 'typed events');
  t.match(stdout, /followed 2000 quotes; last seq 2001, bid 1\.\d+/, 'the ring and the table');
  t.match(stdout, /GET \/v1\/quotes\/DEMO: 200; GET \/hello: the host answers here/, "the host's own app");
});
