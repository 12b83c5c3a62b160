/** A full disk behind stdout: each command reports it in a sentence, and ends with exit code 1. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { write } from '../feeds/file/scratch.js';
import { SmallDisk } from '../helpers/log/small-disk.js';
import { fileOf, quotes, runImport } from '../import/support.js';
import { freePort, run, serve, temporaryFolder } from './support.js';

const TICKS = fileURLToPath(new URL('../../bin/ticks.js', import.meta.url));
const SENTENCE = /^ticks: stdout cannot be written: ENOSPC.* \[bad_input\]\n$/;

/** Runs a command whose stdout is a file. */
function runInto(
  file: string,
  args: string[],
  cwd: string,
): Promise<{ code: number | null; stderr: string }> {
  const stdout = openSync(file, 'w');
  const env = { PATH: process.env.PATH };
  const child = spawn(process.execPath, [TICKS, ...args], { cwd, env, stdio: ['ignore', stdout, 'pipe'] });
  closeSync(stdout);
  let stderr = '';
  child.stderr!.on('data', (chunk) => {
    stderr += String(chunk);
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stderr })));
}

const skip = existsSync('/dev/full') ? false : 'there is no /dev/full here';

t.test('/dev/full', { skip, timeout: 300_000 }, async (t) => {
  const cwd = temporaryFolder(t);
  const data = join(cwd, 'data');
  const file = write(cwd, 'S1_x.csv', fileOf(quotes(2_000, Date.UTC(2024, 0, 1), 100, 110_000)));
  await runImport(data, [file]);
  const mt5Port = await freePort();
  const { url } = await serve(t, ['--no-log', '--feed', `mt5={"port":${mt5Port}}`, '--feed', 'synthetic']);
  for (const args of [
    ['--help'],
    ['--version'],
    ['replay'],
    ['replay', '--virtual'],
    ['export'],
    ['export', '--json', '--out', 'x.csv'],
    ['import', '--json', file],
    ['log', 'stat'],
    ['log', 'verify'],
    ['log', 'compact'],
    ['log', 'recover', '--out', 'saved'],
    ['tail', '--url', url],
    ['simulate', 'mt5', file, '--port', String(mt5Port), '--speed', 'max', '--json'],
    ['serve', '--json', '--port', '0', '--no-log', '--log-level', 'error'],
    ['demo', '--port', '0', '--mt5-port', '0', '--data', 'demo', '--log-level', 'error'],
  ]) {
    const { code, stderr } = await runInto('/dev/full', args, cwd);
    t.equal(code, 1, args.join(' '));
    t.match(stderr.split('\n').slice(-2).join('\n'), SENTENCE, args.join(' '));
    t.notMatch(stderr, /^ {4}at /m, `${args.join(' ')}: no stack`);
  }
});

const disk = SmallDisk.mount(4);

t.test('a disk that takes a part', { skip: typeof disk === 'string' ? disk : false }, async (t) => {
  if (typeof disk === 'string') return;
  t.teardown(() => disk.unmount());
  const cwd = temporaryFolder(t);
  const data = join(cwd, 'data');
  await runImport(data, [write(cwd, 'S1_x.csv', fileOf(quotes(300, Date.UTC(2024, 0, 1), 100, 110_000)))]);
  const whole = (await run(t, ['replay', '--data', data])).stdout.length;
  // Less than one piece of output: what does not fit is only its end.
  disk.leave(Math.floor(whole / 8192) * 4096);
  const out = join(disk.folder, 'out');
  const { code, stderr } = await runInto(out, ['replay', '--data', data], cwd);
  t.ok(statSync(out).size < whole, `${statSync(out).size} of ${whole} bytes fit`);
  t.equal(code, 1);
  t.match(stderr, SENTENCE);
});
