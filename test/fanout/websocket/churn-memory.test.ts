/** Closed connections leave no memory behind, with the setting that the operations page names. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { WebSocket } from 'ws';
import { start } from '../../cli/support.js';

const WORKERS = 40;
const WARM_UP = 1_000;
const CONNECTIONS = 2_000;
const GROWTH_MIB_MAX = 48;
const MEBI_KIB = 1024;
const ENV = { MALLOC_ARENA_MAX: '1' };

/** One connection: subscribes, gets the answer, and disappears. */
function visit(url: string, mode: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.on('open', () => socket.send(JSON.stringify({ op: 'subscribe', id: 1, symbols: ['*'], mode })));
    let messages = 0;
    socket.on('message', () => {
      // The stream begins after `hello` and the answer.
      if (++messages > 2) socket.terminate();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve());
  });
}

async function churn(url: string, connections: number): Promise<void> {
  let left = connections;
  const worker = async () => {
    while (left-- > 0) await visit(url, left % 2 === 0 ? 'every' : 'latest');
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
}

/** Anonymous memory of a process: the least of several samples, because garbage varies. */
async function leastMiB(pid: number, looks: number, between: () => Promise<void>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let look = 0; look < looks; look++) {
    await between();
    const [, kib] = /^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
    least = Math.min(least, Number(kib) / MEBI_KIB);
  }
  return least;
}

t.test('memory after some thousand connections', async (t) => {
  const flags = ['--no-log', '--port', '0', '--log-level', 'error', '--feed', 'synthetic={"rate":200}'];
  const server = start(t, ['serve', '--json', ...flags], { env: ENV });
  const { port } = JSON.parse(await server.line(/"event":"serving"/)) as { port: number };
  const url = `ws://127.0.0.1:${port}/v1/stream`;
  const pid = server.child.pid!;
  const before = await leastMiB(pid, 5, () => churn(url, WARM_UP / 5));
  const after = await leastMiB(pid, 10, () => churn(url, CONNECTIONS / 10));
  t.comment(`${before.toFixed(0)} MiB, then ${after.toFixed(0)} MiB`);
  t.ok(after - before < GROWTH_MIB_MAX, `grown by ${(after - before).toFixed(0)} MiB`);
  t.equal((await server.stop()).code, 0);
});
