/** A process killed at any moment loses nothing that it called durable, and repeats nothing. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { BUCKETS } from '../../../src/core/limits.js';
import { RECORD_U32, Records, U32_SEQ_LOW } from '../../../src/core/tick.js';
import { LogReader } from '../../../src/log/read/log-reader.js';
import { openLog } from '../../../src/log/write/open-log.js';
import { bucketOfName } from '../../../src/pipeline/memory/registry-entries.js';
import { times } from '../../helpers/long.js';
import { bytesOf, Market, makeFolder, readAll, removeFolder, seeded } from '../support.js';

const KILLS = times(12, 400);
const child = fileURLToPath(new URL('./kill.child.js', import.meta.url));

interface Told {
  epoch: number;
  /** The position that the log gave at start. */
  from: number;
  durable: number;
}

/** Runs the child until it has told `lines` times, then kills it; resolves with what it told last. */
function runAndKill(folder: string, seed: number, lines: number): Promise<Told> {
  return new Promise((resolve, reject) => {
    const process = spawn(globalThis.process.execPath, [child, folder, String(seed)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      // Without the test runner's loaders, which take longer to start than the child lives.
      env: { PATH: globalThis.process.env.PATH },
    });
    let text = '';
    process.stdout.on('data', (data) => {
      text += data;
      if (text.split('\n').length > lines) process.kill('SIGKILL');
    });
    process.on('close', (_, signal) => {
      const whole = text.slice(0, text.lastIndexOf('\n')).split('\n');
      if (signal !== 'SIGKILL') reject(new Error(`the child ended by itself: ${text}`));
      else resolve(JSON.parse(whole[whole.length - 1]) as Told);
    });
  });
}

t.test('killed again and again', { timeout: 3_600_000 }, async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const random = seeded(99);
  const buckets = new Array(BUCKETS).fill(0);
  let ticks = 0;
  for (let k = 0; k < KILLS; k++) {
    const told = await runAndKill(folder, 1000 + k, 2 + (random() % 5));
    const opened = await openLog(folder, { shards: 1 });
    const reader = LogReader.open(folder);
    const all = readAll(reader, told.epoch, 0);
    const count = all.seqs.length;
    const before = reader.epochs().find((e) => e.epoch === told.epoch);
    const sent = expected(1000 + k, count, told.from, buckets);
    t.equal(told.epoch, 2 * k + 1);
    t.equal(opened.epoch, told.epoch + 1);
    t.ok(count >= told.durable, `${told.durable} were durable, ${count} are there`);
    t.ok(
      all.seqs.every((seq, i) => seq === i + 1),
      'each once, in order',
    );
    t.ok(bytesOf(all.records, 0, count).equals(sent), 'bit for bit');
    t.same(before?.last, [count]);
    t.same(opened.positions.find((p) => p.sourceId === 1)?.buckets, buckets, 'positions are exact');
    ticks += count;
    await reader.close();
    await opened.close();
  }
  t.comment(`${KILLS} kills, ${ticks} ticks`);
});

/** The ticks that a child sends, and, in `buckets`, the positions that they lead to. */
function expected(seed: number, count: number, from: number, buckets: number[]): Buffer {
  const market = new Market(20, seed);
  const records = Records.allocate(count);
  for (let i = 0; i < count; i++) {
    const id = market.write(records, i);
    records.u32[i * RECORD_U32 + U32_SEQ_LOW] = i + 1;
    buckets[bucketOfName(`S${id}`)] = from + i + 1;
  }
  return bytesOf(records, 0, count);
}
