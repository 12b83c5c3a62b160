/** What keeps an engine from serving is reported in one sentence; nothing is left running. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { run, serve, start, temporaryFolder } from './support.js';

const QUIET = ['--log-level', 'error', '--feed', 'synthetic={"rate":10}'];

t.test('a port that is taken', async (t) => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  t.teardown(() => holder.close());
  const { port } = holder.address() as { port: number };
  const data = join(temporaryFolder(t), 'data');
  const { code, stderr } = await run(t, ['serve', '--data', data, '--port', String(port), ...QUIET]);
  t.equal(code, 1);
  t.match(stderr, new RegExp(`^ticks: .*127\\.0\\.0\\.1:${port}.*taken.* \\[port_taken\\]\n$`));
});

t.test('a data folder that cannot be written', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'a-file');
  writeFileSync(file, '');
  const { code, stderr } = await run(t, ['serve', '--data', join(file, 'data'), '--port', '0', ...QUIET]);
  t.equal(code, 1);
  t.match(stderr, /^ticks: The data folder .*a-file.data cannot be written.* \[data_folder_unusable\]\n$/);
});

t.test('a data folder that belongs to a running engine', async (t) => {
  const data = join(temporaryFolder(t), 'data');
  const { server } = await serve(t, ['--data', data, '--feed', 'synthetic={"rate":10}']);
  const second = await run(t, ['serve', '--data', data, '--port', '0', ...QUIET]);
  t.equal(second.code, 1);
  t.match(second.stderr, new RegExp(`in use by process ${server.child.pid}.* \\[data_folder_locked\\]\n$`));
  t.equal((await server.stop()).code, 0, 'the first one is unharmed');
});

t.test('a config file with a wrong type', async (t) => {
  const cwd = temporaryFolder(t);
  mkdirSync(join(cwd, 'conf'));
  writeFileSync(join(cwd, 'conf', 'x.json'), '{"shards": "two"}');
  const named = await run(t, ['serve', '--config', 'conf/x.json'], { cwd });
  t.equal(named.code, 2);
  t.match(named.stderr, /^ticks: shards: expected number, got string "two" \[bad_config\]\n$/);
  writeFileSync(join(cwd, 'tickwire.json'), '{"http": {"port": "x"}}');
  const found = await run(t, ['serve'], { cwd });
  t.match(found.stderr, 'http.port: expected number, got string "x"', 'tickwire.json is found by itself');
});

t.test('a second signal ends the process at once', async (t) => {
  const server = start(t, ['serve', '--json', '--no-log', '--port', '0', ...QUIET]);
  await server.line(/"event":"serving"/);
  server.child.kill('SIGTERM');
  const { code } = await server.stop('SIGTERM');
  t.ok(code === 0 || code === 143, 'stopped in time, or at once as by SIGTERM');
});
