/** A server that is stopped (SIGSTOP) and so closes nothing: a client that closes ends in about a second all the same. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { Running, serve, start, temporaryFolder } from '../../cli/support.js';

const CHILD = fileURLToPath(new URL('frozen.child.js', import.meta.url));
const ENOUGH_MS = 2_000;
/** Node 20 has a WebSocket of its own only with a flag; later ones always have. */
const NODES = process.versions.node.startsWith('20.') ? [[], ['--experimental-websocket']] : [[]];

/** A server that is stopped on request, and continues at the end of the test. */
async function freezable(t: Test) {
  const config = join(temporaryFolder(t), 'config.json');
  writeFileSync(config, JSON.stringify({ dataFolder: false, http: { heartbeatMs: 200 } }));
  return serve(t, ['--config', config, '--feed', 'synthetic={"rate":1000}']);
}

function client(t: Test, node: string[], args: string[]): Running {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn(process.execPath, [...node, CHILD, ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  const running = new Running(child);
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await running.ended;
  });
  return running;
}

/** Milliseconds from the request to close to the end of the process. */
async function closing(running: Running): Promise<number> {
  const toldAt = performance.now();
  running.child.stdin!.write('close\n');
  const { code, stderr } = await running.ended;
  if (code !== 0) throw new Error(`ended with ${code}: ${stderr}`);
  return performance.now() - toldAt;
}

t.test('closing', { timeout: 120_000 }, async (t) => {
  const { server, url } = await freezable(t);
  const { child } = server;
  t.afterEach(() => void child.kill('SIGCONT'));
  for (const node of NODES) {
    t.test(`while ticks flow: node ${node.join(' ')}`, async (t) => {
      const running = client(t, node, [url]);
      await running.line(/following/);
      child.kill('SIGSTOP');
      const took = await closing(running);
      t.ok(took < ENOUGH_MS, `${took.toFixed(0)} ms`);
    });

    t.test(`after the connection was given up: node ${node.join(' ')}`, async (t) => {
      const running = client(t, node, [url]);
      await running.line(/following/);
      child.kill('SIGSTOP');
      await running.line(/lost: nothing heard/);
      const took = await closing(running);
      t.ok(took < ENOUGH_MS, `${took.toFixed(0)} ms`);
    });

    t.test(`before the server ever answered: node ${node.join(' ')}`, async (t) => {
      child.kill('SIGSTOP');
      const running = client(t, node, [url, 'connecting']);
      await running.line(/connecting/);
      const took = await closing(running);
      t.ok(took < ENOUGH_MS, `${took.toFixed(0)} ms`);
    });
  }

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    t.test(`ticks tail, ${signal}`, async (t) => {
      const tail = start(t, ['tail', '--url', url]);
      await tail.line(/./);
      child.kill('SIGSTOP');
      const { tookMs, code } = await tail.stop(signal);
      t.ok(tookMs < ENOUGH_MS, `${tookMs.toFixed(0)} ms`);
      t.equal(code, 0);
    });
  }
});
