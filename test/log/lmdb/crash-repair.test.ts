/**
 * A power cut, as far as a machine can play one: strace records what a log writes and flushes; then the record is
 * played up to a random moment, and of what was not flushed by then only some writes reach the disk, in any order
 * (a page at a time). Under `every-commit` each such disk opens and holds every tick that was told durable before.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { LogReader } from '../../../src/log/read/log-reader.js';
import { openLog } from '../../../src/log/write/open-log.js';
import { type Disk, filesIn, type Run, readTrace } from '../../helpers/log/write-trace.js';
import { times } from '../../helpers/long.js';
import { Random } from '../../helpers/random.js';
import { makeFolder, readAll, removeFolder } from '../support.js';

const CUTS = times(25, 2_000);
/** How often the process is killed and started again meanwhile. */
const RUNS = 3;
const TOLD_LINES = 25;
const DAY_MS = 86_400_000;
const child = fileURLToPath(new URL('../write/kill.child.js', import.meta.url));
const skip = spawnSync('strace', ['-V']).error === undefined ? false : 'strace is not installed';

/** Lets a log write under strace for a while, then kills it. */
async function record(folder: string, trace: string): Promise<Run> {
  await new Promise<void>((resolve) => {
    const calls = 'openat,write,writev,pwrite64,fdatasync,fsync,ftruncate,unlink,rename,link,mkdir';
    const strace = ['-f', '-y', '-xx', '-s', '4000000', '-e', `trace=${calls}`, '-o', trace];
    const ran = spawn('strace', [...strace, process.execPath, child, folder, '5', 'all'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env.PATH },
      detached: true,
    });
    let lines = 0;
    ran.stdout.on('data', (data) => {
      lines += String(data).split('\n').length - 1;
      if (lines > TOLD_LINES && ran.pid !== undefined) process.kill(-ran.pid, 'SIGKILL');
    });
    ran.on('close', () => resolve());
  });
  return { text: readFileSync(trace, 'latin1'), files: filesIn(folder) };
}

/** Makes the files of a disk in a folder, as another boot of the machine finds them. */
function lay(disk: Disk, from: string, to: string): void {
  for (const [name, bytes] of disk.files) {
    if (!name.endsWith('data.mdb')) continue;
    const file = path.join(to, path.relative(from, name));
    mkdirSync(path.dirname(file), { recursive: true });
    for (const at of [160, 2048 + 160, 4096 + 160]) if (bytes.length > at) bytes[at] ^= 0x55;
    writeFileSync(file, bytes);
  }
}

t.test('disks after a power cut', { skip, timeout: 3_600_000 }, async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const data = path.join(folder, 'data');
  const file = path.join(folder, 'trace');
  mkdirSync(data);
  const runs: Run[] = [];
  while (runs.length < RUNS) runs.push(await record(data, file));
  const trace = readTrace(runs, data);
  t.ok(trace.flushes > (RUNS * TOLD_LINES) / 2, `${trace.events.length} events, ${trace.flushes} flushes`);
  const random = new Random(11);
  let kept = 0;
  for (let n = 0; n < CUTS; n++) {
    const disk = trace.cut(random);
    if (disk.durable.size === 0 && disk.files.size < 2) continue;
    const at = makeFolder();
    lay(disk, data, at);
    const warnings: string[] = [];
    // Half of the machines are started again on another day, which closes the segments that were written.
    const nowMs = Date.now() + (n % 2) * DAY_MS;
    const opened = await openLog(at, { shards: 1, nowMs, warn: (w) => warnings.push(w) });
    const reader = LogReader.open(at);
    for (const [epoch, durable] of disk.durable) {
      const { seqs, gaps } = readAll(reader, epoch, 0);
      const wrong = seqs.findIndex((seq, i) => seq !== i + 1);
      const name = `cut ${n}, epoch ${epoch}`;
      if (wrong >= 0 || gaps.length > 0) t.fail(`${name}: hole at ${wrong}, gaps ${JSON.stringify(gaps)}`);
      if (seqs.length < durable) t.fail(`${name}: ${durable} were durable, ${seqs.length} are there`);
    }
    if (disk.durable.size > 0 && warnings.length > 0) t.fail(`cut ${n}: ${warnings}`);
    if ([...disk.durable.values()].some((durable) => durable > 0)) kept++;
    await reader.close();
    await opened.close();
    removeFolder(at);
  }
  t.ok(kept > CUTS / 2, `${kept} of ${CUTS} cuts came after durable ticks: all of them are there`);
});
