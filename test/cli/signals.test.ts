/** SIGINT and SIGTERM end any command within a second, and nothing unfinished is left. */
import { mkdirSync, readdirSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { write } from '../feeds/file/scratch.js';
import { fileOf, quotes, runImport } from '../import/support.js';
import { lastingPort, type Running, start, temporaryFolder } from './support.js';

const END_MS = 1_000;
/** A busy machine may keep a process from running for a while: most of three tries must end in time. */
const MOST = 2;
const DAYS = 40;
const DAY_MS = 86_400_000;
const ROWS_A_DAY = 20_000;

/** Resolves once `look` is true; fails where the command ends before. */
async function until(running: Running, look: () => boolean): Promise<void> {
  while (!look()) {
    if (running.child.exitCode !== null) throw new Error(`ended too early: ${running.stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function has(folder: string, pattern: RegExp): boolean {
  try {
    return readdirSync(folder, { recursive: true }).some((name) => pattern.test(String(name)));
  } catch {
    return false;
  }
}

async function inTime(t: Test, what: string, ended: () => Promise<number>): Promise<void> {
  const took: number[] = [];
  const inTime = () => took.filter((ms) => ms < END_MS).length;
  while (inTime() < MOST && took.length - inTime() < MOST) took.push(await ended());
  t.equal(inTime(), MOST, `${what}: ${took.map((ms) => ms.toFixed(0)).join(', ')} ms`);
}

t.test('commands that are busy', { timeout: 600_000 }, async (t) => {
  const cwd = temporaryFolder(t);
  const data = join(cwd, 'data');
  const days = Array.from({ length: DAYS }, (_, day) =>
    write(
      cwd,
      `S${day}_x.csv`,
      fileOf(quotes(ROWS_A_DAY, Date.UTC(2024, 0, 1) + day * DAY_MS, 100, 110_000)),
    ),
  );
  await runImport(data, days);
  const out = join(cwd, 'out');
  mkdirSync(out);

  const ends = async (
    signal: 'SIGINT' | 'SIGTERM',
    args: string[],
    isBusy: (running: Running) => boolean,
  ): Promise<void> => {
    const what = `${args.slice(0, 2).join(' ')} by ${signal}`;
    await inTime(t, what, async () => {
      const running = start(t, args, { cwd });
      await until(running, () => isBusy(running));
      const { code, stderr, tookMs } = await running.stop(signal);
      t.notMatch(stderr, /^ {4}at /m, `${what}: no stack`);
      t.ok(code !== null && code !== 0, `${what}: exit code ${code}`);
      t.same(readdirSync(out), [], `${what}: nothing is left`);
      return tookMs;
    });
  };

  const hidden = () => has(out, /^\.ticks-export/);
  await ends('SIGTERM', ['export', '--format', 'parquet', '--split', 'day', '--out', out], hidden);
  await ends('SIGINT', ['export', '--format', 'parquet', '--out', join(out, 'x')], hidden);
  await ends('SIGINT', ['export', '--format', 'mt5', '--out', out], hidden);
  const part = () => has(out, /part$/);
  await ends('SIGTERM', ['replay', '--speed', '1', '--out', join(out, 'x')], part);
  await ends('SIGTERM', ['replay', '--virtual', '--out', join(out, 'x')], part);
  await ends('SIGTERM', ['log', 'recover', '--out', join(out, 'saved')], () => has(out, /^saved/));
});

t.test('commands that wait for a peer which says nothing', { timeout: 120_000 }, async (t) => {
  const cwd = temporaryFolder(t);
  const data = join(cwd, 'data');
  await runImport(data, [write(cwd, 'S1_x.csv', fileOf(quotes(100, Date.UTC(2024, 0, 1), 100, 110_000)))]);
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    sockets.push(socket);
  });
  const port = await lastingPort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  for (const args of [
    ['simulate', 'mt5', '--synthetic', '--port', String(port)],
    ['replay', '--data', data, '--to-engine', `mt5://127.0.0.1:${port}`],
    ['tail', '--url', `ws://127.0.0.1:${port}/v1/stream`],
  ]) {
    await inTime(t, args[0], async () => {
      const before = sockets.length;
      const running = start(t, args, { cwd });
      await until(running, () => sockets.length > before);
      const { tookMs, stderr } = await running.stop('SIGTERM');
      t.notMatch(stderr, /^ {4}at /m, `${args[0]}: no stack`);
      return tookMs;
    });
  }
});
