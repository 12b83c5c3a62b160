/** `ticks log …` as users run it: what it prints, and the exit codes 0, 1 and 2. */
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { METAS, PageFlag } from '../../src/log/lmdb/lmdb-file.js';
import { blocksFound } from '../../src/log/storage/salvage.js';
import { write } from '../feeds/file/scratch.js';
import { fileOf, quotes, runImport, START_MS } from '../import/support.js';
import { run, temporaryFolder } from './support.js';

const ROWS = 20_000;
const PAGE_BYTES = 4096;

/** Turns a bit of a byte of a file. */
function turnBit(file: string, at: number): void {
  const fd = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(fd, byte, 0, 1, at);
  byte[0] ^= 4;
  writeSync(fd, byte, 0, 1, at);
  closeSync(fd);
}

t.test('a log that is whole, then one that is damaged', async (t) => {
  const cwd = temporaryFolder(t);
  const data = join(cwd, 'data');
  await runImport(data, [write(cwd, 'EURUSD_x.csv', fileOf(quotes(ROWS, START_MS, 10, 110_000)))]);

  const json = async (code: number, ...args: string[]) => {
    const ended = await run(t, ['log', ...args, '--json'], { cwd });
    t.equal(ended.code, code, `${args.join(' ')}: ${ended.stderr}`);
    return JSON.parse(ended.stdout);
  };
  t.match(await json(0, 'stat'), { ticks: ROWS + 1 });
  t.match(await json(0, 'verify'), { ok: true, complete: true, damages: [], ticks: ROWS + 1 });
  const compacted = await json(0, 'compact');
  t.equal(compacted.segments.length, 2, 'two days');
  t.ok(compacted.bytes <= compacted.bytesBefore);
  const text = await run(t, ['log', 'stat', '--top', '1'], { cwd });
  t.equal(text.code, 0);
  t.match(text.stdout, /EURUSD/);

  const segments = join(data, 'log', 'segments');
  const folder = join(segments, readdirSync(segments).sort()[1]);
  const file = join(folder, 'data.mdb');
  const [{ bytes }] = blocksFound(folder);
  turnBit(file, readFileSync(file).indexOf(bytes) + (bytes.length >> 1));
  t.match(await json(1, 'verify'), { ok: false });
  const saved = await json(1, 'recover', '--out', 'saved');
  t.ok(saved.ticks > 0 && saved.ticks < ROWS + 1, `${saved.ticks} ticks were saved`);
  const again = await run(t, ['log', 'recover', '--out', 'saved'], { cwd });
  t.equal(again.code, 1);
  t.match(again.stderr, /There is a log in saved already.*\[bad_input\]/);
});

/** Overwrites the trees of an environment; what lies in pages of its own stays. */
function breakTrees(folder: string): void {
  const file = join(folder, 'data.mdb');
  const bytes = readFileSync(file);
  for (let at = METAS * PAGE_BYTES; at < bytes.length; at += PAGE_BYTES) {
    const flags = bytes.readUInt16LE(at + 18);
    if (flags === PageFlag.branch || flags === PageFlag.leaf) bytes.fill(0xff, at, at + PAGE_BYTES);
  }
  writeFileSync(file, bytes);
}

t.test('segments whose trees are damaged', async (t) => {
  const cwd = temporaryFolder(t);
  const data = join(cwd, 'data');
  await runImport(data, [write(cwd, 'EURUSD_x.csv', fileOf(quotes(ROWS, START_MS, 10, 110_000)))]);
  const exported = async (folder: string) => {
    const ended = await run(t, ['export', '--data', folder, '--format', 'csv'], { cwd });
    t.equal(ended.code, 0, ended.stderr);
    return ended.stdout;
  };
  const whole = await exported('data');
  t.equal(whole.match(/,quote/g)?.length, ROWS);

  const segments = join(data, 'log', 'segments');
  const folders = readdirSync(segments).sort();
  for (const folder of folders) breakTrees(join(segments, folder));
  const verified = await run(t, ['log', 'verify'], { cwd });
  t.equal(verified.code, 1);
  for (const folder of folders) t.match(verified.stdout + verified.stderr, folder, 'each is named');
  const saved = await run(t, ['log', 'recover', '--out', 'saved', '--json'], { cwd });
  t.equal(saved.code, 1, 'something was wrong');
  const told = JSON.parse(saved.stdout);
  t.match(told, { segments: folders.length, ticks: ROWS + 1, lostSymbols: 0 });
  t.equal(told.troubles.length, folders.length, 'a trouble a segment');
  const checked = await run(t, ['log', 'verify', '--data', 'saved'], { cwd });
  t.equal(checked.code, 0, checked.stdout);
  t.equal(await exported('saved'), whole, 'nothing is lost');
});

t.test('a catalog that does not open', async (t) => {
  const cwd = temporaryFolder(t);
  const data = join(cwd, 'data');
  await runImport(data, [write(cwd, 'EURUSD_x.csv', fileOf(quotes(ROWS, START_MS, 10, 110_000)))]);
  truncateSync(join(data, 'log', 'data.mdb'), 6_000);
  const refused = await run(t, ['log', 'verify'], { cwd });
  t.equal(refused.code, 1);
  t.match(refused.stderr, /ticks log recover/);
  const saved = await run(t, ['log', 'recover', '--out', 'saved'], { cwd });
  t.equal(saved.code, 1, 'something was lost');
  t.match(saved.stdout, /The catalog cannot be read .*names of symbols/);
  t.match(saved.stdout, new RegExp(`${ROWS + 1} ticks in .* were saved`));
  const checked = await run(t, ['log', 'verify', '--data', 'saved'], { cwd });
  t.equal(checked.code, 0, checked.stdout);
  const exported = await run(t, ['export', '--data', 'saved', '--format', 'csv'], { cwd });
  t.equal(exported.stdout.match(/LOST\.1,\d+,quote/g)?.length, ROWS);
});

t.test('wrong use, and logs that are not there', async (t) => {
  const cwd = temporaryFolder(t);
  for (const [code, pattern, ...args] of [
    [2, /required option/, 'recover'],
    [2, /unknown option/, 'stat', '--tops', '1'],
    [2, /Allowed choices/, 'compact', '--compression', 'zip'],
    [2, /unknown command/, 'mend'],
    [1, /\[log_missing\]/, 'stat'],
    [1, /\[log_missing\]/, 'verify'],
    [1, /\[log_missing\]/, 'recover', '--out', 'saved'],
  ] as const) {
    const ended = await run(t, ['log', ...args], { cwd });
    t.equal(ended.code, code, args.join(' '));
    t.match(ended.stderr, pattern, args.join(' '));
    t.equal(ended.stdout, '');
  }
});
