/** Where uWebSockets.js does not load, only what serves fails, in a sentence; all else works. So it does with Node 24's buffers. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type Ended, Running, temporaryFolder } from '../cli/support.js';
import { write } from '../feeds/file/scratch.js';
import { assertEngineWorks, assertFilesWork, LIBRARY, TICKS } from './without-server.js';

const PRELOADS = {
  'without the server': ['./no-server.preload.js'],
  "without the server, with Node 24's buffers": ['./no-server.preload.js', './true-length.preload.js'],
};
const SERVE = ['--port', '0', '--feed', 'synthetic={"rate":10}'];

/** Runs Node with what makes it another one. */
function node(preloads: readonly string[], args: readonly string[]): Promise<Ended> {
  const imports = preloads.flatMap((file) => ['--import', new URL(file, import.meta.url).href]);
  const child = spawn(process.execPath, [...imports, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH },
  });
  return new Running(child).ended;
}

for (const [what, preloads] of Object.entries(PRELOADS)) {
  const run = (...args: string[]) => node(preloads, args);
  t.test(`${what}: files and logs`, (t) => assertFilesWork(t, run));
  t.test(`${what}: the library`, (t) => assertEngineWorks(t, run));
}

t.test('what serves says what to do, and leaves nothing behind', async (t) => {
  const data = join(temporaryFolder(t), 'data');
  const serve = [TICKS, 'serve', '--data', data, ...SERVE];
  const { code, stdout, stderr } = await node(PRELOADS['without the server'], serve);
  t.equal(code, 1);
  t.equal(stdout, '');
  t.match(
    stderr,
    /^ticks: The server, uWebSockets\.js, does not load with Node [\d.]+ and .*: use Node 20, or .* \[unsupported\]\n$/,
  );
  t.notOk(existsSync(data));
});

t.test('a Node that is too old', async (t) => {
  const cwd = temporaryFolder(t);
  const data = join(cwd, 'data');
  const old = ['./old-node.preload.js'];
  const told =
    /tickwire does not run on Node 22\.11\.0: use Node 24, Node 22 from 22\.12 on, or Node 20 from 20\.19 on\./;
  const command = await node(old, [TICKS, 'serve', '--data', data, ...SERVE]);
  t.equal(command.code, 1);
  t.match(command.stderr, /^ticks: .* \[unsupported\]\n$/);
  t.match(command.stderr, told);
  const script = `
    import { createEngine } from ${JSON.stringify(LIBRARY)};
    const feeds = [{ name: 's', type: 'synthetic' }];
    await createEngine({ dataFolder: ${JSON.stringify(data)}, feeds }).catch((e) => console.log(e.code, e.message));`;
  const host = await node(old, [write(cwd, 'host.mjs', script)]);
  t.match(host.stdout, /^unsupported /);
  t.match(host.stdout, told);
  t.notOk(existsSync(data));
});
