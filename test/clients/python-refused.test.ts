/** Where there is nothing to follow, the Python client ends and says why, whatever its version of `websockets`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { serve, temporaryFolder } from '../cli/support.js';
import { noPython, python, TICKWIRE } from './support.js';

const ENOUGH_MS = 2_500;

t.test('Python client', { skip: noPython, timeout: 120_000 }, async (t) => {
  const config = join(temporaryFolder(t), 'config.json');
  const token = 'a-token+of/the-desk=';
  const auth = { keys: [{ name: 'desk', token }] };
  writeFileSync(config, JSON.stringify({ dataFolder: false, http: { auth } }));
  const { server, port, url } = await serve(t, ['--config', config, '--feed', 'synthetic={"rate":500}']);
  const ended = (at: string, ...args: string[]) => python(t, [TICKWIRE, at, '*', ...args]).ended;

  t.test('an upgrade that is refused', async (t) => {
    const { code, stderr } = await ended(`ws://127.0.0.1:${port}/v1/nothing`);
    t.equal(code, 1);
    t.match(stderr, /^tickwire: the server refused the upgrade with HTTP 404$/m);
  });

  t.test('an address that is none', async (t) => {
    const { code, stderr } = await ended('nonsense');
    t.equal(code, 1);
    t.match(stderr, /^tickwire: nonsense isn't a valid URI/m);
  });

  t.test('a token that is wrong, or missing', async (t) => {
    t.match(await ended(url, '--token', 'wrong'), { code: 1, stderr: /4501/ });
    t.match(await ended(url), { code: 1, stderr: /wants a token/ });
  });

  t.test('a token in the address, with a plus sign', async (t) => {
    t.equal((await ended(`${url}?token=${token}`, '--count', '5')).code, 0);
  });

  t.test('a server that has stopped answering is left within its time', async (t) => {
    const client = python(t, [TICKWIRE, url, '*', '--token', token]);
    await client.line(/./);
    server.child.kill('SIGSTOP');
    const { code, tookMs } = await client.stop('SIGINT');
    server.child.kill('SIGCONT');
    t.ok(tookMs < ENOUGH_MS, `${tookMs.toFixed(0)} ms`);
    t.equal(code, 0);
  });
});
