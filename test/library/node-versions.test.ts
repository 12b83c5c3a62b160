/**
 * On other versions of Node, which npm has as the package `node`: files, log, engine and client work, by `import` and by
 * `require`; the server works or says what to do, by the C library of this machine. Without a network, all is skipped.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { messageOf } from '../../src/core/errors.js';
import { Running, serve, temporaryFolder } from '../cli/support.js';
import { write } from '../feeds/file/scratch.js';
import { assertEngineWorks, assertFilesWork, LIBRARY, type RunNode, succeeds } from './without-server.js';

/** The oldest version of its line that is supported, and a version of the newest line. */
const VERSIONS = ['22.12.0', '24.21.0'];
const DOWNLOAD_MS = 180_000;
const CLIENT = new URL('../../src/client/index.js', import.meta.url).href;
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** Where npm has put a version of Node; undefined where npm cannot get it. */
async function binaryOf(version: string): Promise<string | undefined> {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const args = [
    '--yes',
    `--package=node@${version}`,
    '--',
    'node',
    '-p',
    'process.execPath + " " + process.version',
  ];
  let stdout: string;
  try {
    ({ stdout } = await promisify(execFile)('npx', args, { env, timeout: DOWNLOAD_MS }));
  } catch (error) {
    t.comment(`npx cannot run Node ${version}: ${messageOf(error)}`);
    return undefined;
  }
  const [path, got] = stdout.trim().split(' ');
  if (got !== `v${version}`) throw new Error(`npx gave Node ${got} for ${version}`);
  return path;
}

function runnerOf(binary: string): RunNode {
  return (...args) => {
    const env = { PATH: `${dirname(binary)}:${process.env.PATH}` };
    return new Running(spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'], env })).ended;
  };
}

/** A client follows a server that runs on this process's Node. */
async function assertClientWorks(t: Test, node: RunNode): Promise<void> {
  const cwd = temporaryFolder(t);
  const { server, port } = await serve(t, ['--data', join(cwd, 'data'), '--feed', 'synthetic={"rate":1000}']);
  const script = `
    import { TickClient } from ${JSON.stringify(CLIENT)};
    for (const encoding of ['packed', 'msgpack', 'json']) {
      const client = new TickClient('ws://127.0.0.1:${port}/v1/stream', { encoding });
      await client.connect();
      let left = 100;
      let seq = 0;
      for await (const tick of client.subscribe({ symbols: ['*'], mode: 'every', snapshot: false })) {
        if (seq !== 0 && tick.seq !== seq + 1) throw new Error('a gap');
        seq = tick.seq;
        if (--left === 0) break;
      }
      client.close();
      console.log(encoding);
    }`;
  t.equal(await succeeds(t, node(write(cwd, 'client.mjs', script)), 'client'), 'packed\nmsgpack\njson\n');
  await server.stop();
}

/** A host that is a CommonJS module, with the package among its modules. */
async function assertRequireWorks(t: Test, node: RunNode): Promise<void> {
  const cwd = temporaryFolder(t);
  mkdirSync(join(cwd, 'node_modules'));
  symlinkSync(ROOT, join(cwd, 'node_modules/tickwire'));
  const script = `
    const { createEngine, TickwireError } = require('tickwire');
    const { TickClient } = require('tickwire/client');
    const feeds = [{ name: 's', type: 'synthetic', options: { rate: 'max', count: 1000 } }];
    createEngine({ dataFolder: false, http: false, feeds }).then(async (engine) => {
      await engine.start();
      while (engine.totals().sequenced < 1000) await new Promise((resolve) => setTimeout(resolve, 10));
      await engine.stop();
      console.log(typeof TickwireError, typeof TickClient, engine.state);
    });`;
  t.equal(await succeeds(t, node(write(cwd, 'host.cjs', script)), 'require'), 'function function stopped\n');
}

/** The server loads with glibc 2.38 or newer. */
async function assertServerWorksOrSaysWhy(t: Test, node: RunNode): Promise<void> {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  const [, minor] = (header.glibcVersionRuntime ?? '0.0').split('.').map(Number);
  const script = `
    import { createEngine } from ${JSON.stringify(LIBRARY)};
    const feeds = [{ name: 's', type: 'synthetic' }];
    try {
      const engine = await createEngine({ dataFolder: false, http: { port: 0 }, feeds });
      await engine.start();
      console.log((await fetch('http://127.0.0.1:' + engine.port + '/v1/feeds')).status);
      await engine.stop();
    } catch (error) {
      console.log(error.code);
    }`;
  const said = await succeeds(t, node(write(temporaryFolder(t), 'serve.mjs', script)), 'serve');
  t.equal(said, minor >= 38 ? '200\n' : 'unsupported\n');
}

t.test('require, on the Node of this process', (t) => assertRequireWorks(t, runnerOf(process.execPath)));

for (const version of VERSIONS) {
  t.test(`Node ${version}`, async (t) => {
    const binary = await binaryOf(version);
    if (binary === undefined) {
      t.comment(`SKIPPED: npm could not get node@${version}, so nothing was tested on Node ${version}`);
      t.plan(0, `npm could not get node@${version}`);
      return;
    }
    const node = runnerOf(binary);
    await t.test('files and logs', (t) => assertFilesWork(t, node));
    await t.test('the engine', (t) => assertEngineWorks(t, node));
    await t.test('the client', (t) => assertClientWorks(t, node));
    await t.test('require', (t) => assertRequireWorks(t, node));
    await t.test('the server', (t) => assertServerWorksOrSaysWhy(t, node));
  });
}
