/** What `bench log` holds the engine's log against: raw files, raw records in LMDB, and DBN under zstd. */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, fsyncSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';
import { open } from 'lmdb';
import { BLOCK_TICKS } from '../../core/limits.js';
import { RECORD_BYTES, RECORD_U32, Records, U32_TS_RECV_NS, U32_TS_RECV_S } from '../../core/tick.js';
import { DBN_RECORD_BYTES, readDbn, writeDbn } from './dbn.js';
import type { LogData } from './source.js';

export interface LogSystem {
  name: 'tickwire' | 'rawFile' | 'rawLmdb' | 'dbnZstd';
  /** Writes all ticks, until they are on the disk. */
  append(data: LogData, folder: string): Promise<{ seconds: number; bytes: number }>;
  /** Reads them all as records, in order. */
  replay(data: LogData, folder: string, check?: Check): Promise<{ seconds: number; ticks: number }>;
  /** Finds the first tick at the tsRecv of each of the ticks `targets` (from 0). */
  seek(data: LogData, folder: string, targets: number[]): Promise<{ ms: number[]; wrong: number }>;
}

/** Takes decoded records 0 … count − 1, the first of which is tick `from`. */
export type Check = (records: Records, from: number, count: number) => void;

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000;
}

/** First tick, of `ticks`, whose time is at or after that of `target`; `timesOf` gives s and ns of a tick. */
function bisect(ticks: number, s: number, ns: number, timesOf: (i: number) => [number, number]): number {
  let low = 0;
  let high = ticks;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const [a, b] = timesOf(middle);
    if (a > s || (a === s && b >= ns)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function seekEach(
  data: LogData,
  targets: number[],
  timesOf: (i: number) => [number, number],
): { ms: number[]; wrong: number } {
  let wrong = 0;
  const ms = targets.map((target) => {
    const s = data.records.u32[target * RECORD_U32 + U32_TS_RECV_S];
    const ns = data.records.u32[target * RECORD_U32 + U32_TS_RECV_NS];
    const started = performance.now();
    const found = bisect(data.ticks, s, ns, timesOf);
    const elapsed = performance.now() - started;
    if (found > target) wrong++;
    return elapsed;
  });
  return { ms, wrong };
}

const RAW_FILE = 'ticks.raw';

export const rawFile: LogSystem = {
  name: 'rawFile',
  async append(data, folder) {
    const started = performance.now();
    const file = openSync(path.join(folder, RAW_FILE), 'w');
    for (let i = 0; i < data.ticks; i += BLOCK_TICKS) {
      writeSync(
        file,
        data.records.u8,
        i * RECORD_BYTES,
        Math.min(BLOCK_TICKS, data.ticks - i) * RECORD_BYTES,
      );
    }
    fsyncSync(file);
    closeSync(file);
    return { seconds: secondsSince(started), bytes: data.ticks * RECORD_BYTES };
  },
  async replay(_data, folder, check) {
    const into = Records.allocate(BLOCK_TICKS);
    const started = performance.now();
    const file = openSync(path.join(folder, RAW_FILE), 'r');
    let ticks = 0;
    for (;;) {
      const count = readSync(file, into.u8, 0, into.u8.length, null) / RECORD_BYTES;
      if (count === 0) break;
      check?.(into, ticks, count);
      ticks += count;
    }
    closeSync(file);
    return { seconds: secondsSince(started), ticks };
  },
  async seek(data, folder, targets) {
    const file = openSync(path.join(folder, RAW_FILE), 'r');
    const one = Records.allocate(1);
    const found = seekEach(data, targets, (i) => {
      readSync(file, one.u8, 0, RECORD_BYTES, i * RECORD_BYTES);
      return [one.u32[U32_TS_RECV_S], one.u32[U32_TS_RECV_NS]];
    });
    closeSync(file);
    return found;
  },
};

function openRaw(folder: string) {
  const at = path.join(folder, 'raw-lmdb');
  return open<Buffer, number>({ path: at, encoding: 'binary', keyEncoding: 'uint32', noSubdir: false });
}

/** Blocks of a transaction. */
const BLOCKS_PER_COMMIT = 16;

export const rawLmdb: LogSystem = {
  name: 'rawLmdb',
  async append(data, folder) {
    const root = openRaw(folder);
    const started = performance.now();
    const { buffer, byteOffset } = data.records.u8;
    let last: Promise<boolean> | undefined;
    for (let i = 0, block = 0; i < data.ticks; i += BLOCK_TICKS, block++) {
      const bytes = Math.min(BLOCK_TICKS, data.ticks - i) * RECORD_BYTES;
      last = root.put(block, Buffer.from(buffer, byteOffset + i * RECORD_BYTES, bytes));
      if (block % BLOCKS_PER_COMMIT === BLOCKS_PER_COMMIT - 1) await last;
    }
    await last;
    await root.flushed;
    const seconds = secondsSince(started);
    const { size } = statSync(path.join(folder, 'raw-lmdb', 'data.mdb'));
    await root.close();
    return { seconds, bytes: size };
  },
  async replay(data, folder, check) {
    const root = openRaw(folder);
    const into = Records.allocate(BLOCK_TICKS);
    const started = performance.now();
    let ticks = 0;
    for (let block = 0; ticks < data.ticks; block++) {
      const bytes = root.get(block);
      if (bytes === undefined) break;
      into.u8.set(bytes);
      check?.(into, ticks, bytes.length / RECORD_BYTES);
      ticks += bytes.length / RECORD_BYTES;
    }
    const seconds = secondsSince(started);
    await root.close();
    return { seconds, ticks };
  },
  async seek(data, folder, targets) {
    const root = openRaw(folder);
    const found = seekEach(data, targets, (i) => {
      const block = root.get(Math.floor(i / BLOCK_TICKS))!;
      const at = (i % BLOCK_TICKS) * RECORD_BYTES + 4 * U32_TS_RECV_S;
      return [block.readUInt32LE(at), block.readUInt32LE(at + 4)];
    });
    await root.close();
    return found;
  },
};

export function hasZstd(): boolean {
  return spawnSync('zstd', ['--version']).status === 0;
}

const DBN_FILE = 'ticks.dbn.zst';

/** Ends with the child; what it says on stderr goes into the error. */
function ended(child: ReturnType<typeof spawn>): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 || code === null ? resolve() : reject(new Error(`zstd: ${code}`)),
    );
  });
}

export const dbnZstd: LogSystem = {
  name: 'dbnZstd',
  async append(data, folder) {
    const file = path.join(folder, DBN_FILE);
    const started = performance.now();
    const zstd = spawn('zstd', ['-3', '-q', '-f', '-o', file], { stdio: ['pipe', 'ignore', 'ignore'] });
    const end = ended(zstd);
    for (let i = 0; i < data.ticks; i += BLOCK_TICKS) {
      const count = Math.min(BLOCK_TICKS, data.ticks - i);
      const bytes = Buffer.allocUnsafe(count * DBN_RECORD_BYTES);
      writeDbn(data.records, i, count, bytes);
      if (!zstd.stdin.write(bytes)) await new Promise((resolve) => zstd.stdin.once('drain', resolve));
    }
    zstd.stdin.end();
    await end;
    const fd = openSync(file, 'r');
    fsyncSync(fd);
    closeSync(fd);
    return { seconds: secondsSince(started), bytes: statSync(file).size };
  },
  async replay(data, folder, check) {
    const into = Records.allocate(BLOCK_TICKS);
    const started = performance.now();
    let ticks = 0;
    await eachDbn(folder, (bytes, count) => {
      for (let from = 0; from < count; from += BLOCK_TICKS) {
        const piece = Math.min(BLOCK_TICKS, count - from);
        readDbn(bytes, from, piece, into);
        check?.(into, ticks, piece);
        ticks += piece;
      }
      return ticks < data.ticks;
    });
    return { seconds: secondsSince(started), ticks };
  },
  /** It has no index: it is read from its start. */
  async seek(data, folder, targets) {
    const into = Records.allocate(1);
    const ms: number[] = [];
    let wrong = 0;
    for (const target of targets.slice(0, DBN_SEEKS)) {
      const started = performance.now();
      let before = 0;
      let isFound = false;
      await eachDbn(folder, (bytes, count) => {
        if (before + count > target) {
          readDbn(bytes, target - before, 1, into);
          isFound = true;
          return false;
        }
        before += count;
        return true;
      });
      ms.push(performance.now() - started);
      if (!isFound || into.u32[U32_TS_RECV_S] !== data.records.u32[target * RECORD_U32 + U32_TS_RECV_S])
        wrong++;
    }
    return { ms, wrong };
  },
};

/** Each of them takes about half as long as a replay. */
const DBN_SEEKS = 3;

/** Gives whole records as they come out of zstd, until `take` wants no more. */
async function eachDbn(folder: string, take: (bytes: Buffer, count: number) => boolean): Promise<void> {
  const zstd = spawn('zstd', ['-d', '-c', '-q', path.join(folder, DBN_FILE)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const end = ended(zstd);
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of zstd.stdout as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    const count = Math.floor(bytes.length / DBN_RECORD_BYTES);
    rest = bytes.subarray(count * DBN_RECORD_BYTES);
    if (!take(bytes, count)) break;
  }
  zstd.kill();
  await end.catch(() => {});
}
