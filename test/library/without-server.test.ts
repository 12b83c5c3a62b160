/** Where uWebSockets.js does not load, only what serves fails, in a sentence; all else works. So it does with Node 24's buffers. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type Ended, Running, temporaryFolder } from '../cli/support.js';
import { exportOf, write } from '../feeds/file/scratch.js';

const TICKS = new URL('../../bin/ticks.js', import.meta.url).pathname;
const LIBRARY = new URL('../../src/index.js', import.meta.url).href;
const PRELOADS = {
  'without the server': ['./no-server.preload.js'],
  "without the server, with Node 24's buffers": ['./no-server.preload.js', './true-length.preload.js'],
};
const ROWS = 200;

/** Runs Node with what makes it another one. */
function node(preloads: readonly string[], args: readonly string[]): Promise<Ended> {
  const imports = preloads.flatMap((file) => ['--import', new URL(file, import.meta.url).href]);
  const child = spawn(process.execPath, [...imports, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH },
  });
  return new Running(child).ended;
}

async function succeeds(t: Test, ended: Promise<Ended>, what: string): Promise<string> {
  const { code, stdout, stderr } = await ended;
  t.equal(code, 0, `${what}: ${stderr}`);
  return stdout;
}

for (const [what, preloads] of Object.entries(PRELOADS)) {
  const ticks = (...args: string[]) => node(preloads, [TICKS, ...args]);

  t.test(`${what}: files and logs`, async (t) => {
    const cwd = temporaryFolder(t);
    const data = join(cwd, 'data');
    t.match(await succeeds(t, ticks('--version'), 'version'), /^\d+\.\d+\.\d+\n$/);
    await succeeds(t, ticks('import', '--data', data, write(cwd, 'EURUSD_x.csv', exportOf(ROWS))), 'import');
    const out = join(cwd, 'out.csv');
    await succeeds(t, ticks('export', '--data', data, '--format', 'csv', '--out', out), 'export');
    const lines = readFileSync(out, 'utf8').trim().split('\n');
    t.equal(lines.filter((line) => line.includes(',quote,')).length, ROWS);
    const replayed = await succeeds(t, ticks('replay', '--data', data), 'replay');
    t.equal(replayed.split('\n').filter((line) => line.includes('"kind":"quote"')).length, ROWS);
    t.match(await succeeds(t, ticks('log', 'verify', '--data', data), 'verify'), 'Nothing is damaged.');
    t.match(await succeeds(t, ticks('log', 'stat', '--data', data), 'stat'), 'EURUSD');
  });

  t.test(`${what}: the library`, async (t) => {
    const cwd = temporaryFolder(t);
    const script = `
      import { createEngine } from ${JSON.stringify(LIBRARY)};
      const feeds = [{ name: 's', type: 'synthetic', options: { rate: 1000 } }];
      const engine = await createEngine({ dataFolder: ${JSON.stringify(join(cwd, 'data'))}, http: false, feeds });
      await engine.start();
      while (engine.totals().logged < 100) await new Promise((resolve) => setTimeout(resolve, 10));
      await engine.stop();
      console.log('stopped');`;
    const host = write(cwd, 'host.mjs', script);
    t.equal(await succeeds(t, node(preloads, [host]), 'engine'), 'stopped\n');
  });
}

t.test('what serves says what to do, and leaves nothing behind', async (t) => {
  const data = join(temporaryFolder(t), 'data');
  const serve = [TICKS, 'serve', '--data', data, '--port', '0', '--feed', 'synthetic={"rate":10}'];
  const { code, stdout, stderr } = await node(PRELOADS['without the server'], serve);
  t.equal(code, 1);
  t.equal(stdout, '');
  t.match(
    stderr,
    /^ticks: The server, uWebSockets\.js, does not load with Node [\d.]+ and .*: use Node 20, or .* \[unsupported\]\n$/,
  );
  t.notOk(existsSync(data));
});
