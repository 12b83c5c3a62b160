/** What works where uWebSockets.js does not load, run under a Node of the test's choice. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { type Ended, temporaryFolder } from '../cli/support.js';
import { exportOf, write } from '../feeds/file/scratch.js';

export const TICKS = new URL('../../bin/ticks.js', import.meta.url).pathname;
export const LIBRARY = new URL('../../src/index.js', import.meta.url).href;
const ROWS = 200;

/** Runs Node, or what stands for another one, with arguments. */
export type RunNode = (...args: string[]) => Promise<Ended>;

export async function succeeds(t: Test, ended: Promise<Ended>, what: string): Promise<string> {
  const { code, stdout, stderr } = await ended;
  t.equal(code, 0, `${what}: ${stderr}`);
  return stdout;
}

/** Imports, exports and replays a file, and looks at the log. */
export async function assertFilesWork(t: Test, node: RunNode): Promise<void> {
  const ticks = (...args: string[]) => node(TICKS, ...args);
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
}

/** Runs an engine with a log and without `http`, then reads the log. */
export async function assertEngineWorks(t: Test, node: RunNode): Promise<void> {
  const cwd = temporaryFolder(t);
  const script = `
    import { createEngine, readLog } from ${JSON.stringify(LIBRARY)};
    const feeds = [{ name: 's', type: 'synthetic', options: { rate: 1000 } }];
    const dataFolder = ${JSON.stringify(join(cwd, 'data'))};
    const engine = await createEngine({ dataFolder, http: false, feeds });
    await engine.start();
    while (engine.totals().logged < 100) await new Promise((resolve) => setTimeout(resolve, 10));
    await engine.stop();
    let left = engine.totals().logged;
    for await (const tick of readLog(dataFolder)) left--;
    console.log('stopped;', left, 'ticks left');`;
  const host = write(cwd, 'host.mjs', script);
  t.equal(await succeeds(t, node(host), 'engine'), 'stopped; 0 ticks left\n');
}
