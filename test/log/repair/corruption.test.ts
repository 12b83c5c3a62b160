/** Files that were cut off or changed anywhere: nothing wrong is ever read, nobody dies of it, and it is told. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { times } from '../../helpers/long.js';
import { bytesOf, drain, FakeShard, Market, makeFolder, openRig, removeFolder } from '../support.js';

const CASES = times(60, 3_000);
/** Cases of one child: what lmdb maps of them stays mapped. */
const CASES_OF_CHILD = 60;
const TICKS = 20_000;
/** Some closed segments, and one that is open. */
const SEGMENT_MS = 400;
const child = fileURLToPath(new URL('./corruption.child.js', import.meta.url));
/** The error codes of a log that cannot be opened. */
const REFUSALS = ['log_corrupt', 'log_missing', 'data_folder_unusable', 'unsupported'];

interface Reading {
  ticks?: number;
  wrong?: number;
  missed?: number;
  code?: string;
  message?: string;
}
interface Outcome {
  n: number;
  what: string;
  before: Reading;
  started: { epoch?: number; warnings?: string[]; code?: string; message?: string };
  after: Reading;
}

/** A log with blocks of all sizes, small ones within the pages of its trees. */
async function makeLog(folder: string): Promise<string> {
  const rig = await openRig(folder, 20, { ringSlots: 8192, segmentMs: SEGMENT_MS });
  const shard = new FakeShard(rig.memory, 0, new Market(20, 5), TICKS, true);
  const stage = rig.stage({ commitDelayMs: 1, segmentMs: SEGMENT_MS });
  for (let n = 1; shard.head < TICKS; n = (n * 3) % 4001) {
    const due = Math.min(TICKS, shard.head + n);
    await shard.publishAll(due - shard.head);
    while (shard.visible < due) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await drain(rig, stage);
  await rig.opened.close();
  const sent = path.join(folder, 'sent.bin');
  writeFileSync(sent, bytesOf(shard.sent, 0, TICKS));
  return sent;
}

function run(folder: string, sent: string, first: number, last: number): Promise<string> {
  return new Promise((resolve) => {
    const ran = spawn(process.execPath, [child, folder, sent, String(first), String(last)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env.PATH },
    });
    let text = '';
    ran.stdout.on('data', (data) => {
      text += data;
    });
    ran.on('close', (code, signal) => {
      resolve(code === 0 ? text : `${text}${JSON.stringify({ died: signal ?? code })}\n`);
    });
  });
}

/** What is wrong with an outcome; '' for nothing. */
function faultOf({ before, started, after }: Outcome): string {
  for (const reading of [before, after]) {
    if (reading.code !== undefined && !REFUSALS.includes(reading.code))
      return `refused by ${reading.message}`;
    if ((reading.wrong ?? 0) > 0) return 'read what was never written';
  }
  if (started.code !== undefined && !REFUSALS.includes(started.code)) return `no start: ${started.message}`;
  if (after.ticks === undefined || after.ticks + (after.missed ?? 0) >= TICKS) return '';
  return (started.warnings ?? []).length > 0 ? '' : `${TICKS - after.ticks} ticks went without a word`;
}

t.test('files damaged anywhere', { timeout: 3_600_000 }, async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const sent = await makeLog(folder);
  let whole = 0;
  let partly = 0;
  let refused = 0;
  for (let first = 1; first <= CASES; first += CASES_OF_CHILD) {
    const text = await run(folder, sent, first, Math.min(CASES, first + CASES_OF_CHILD - 1));
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Outcome & { died?: unknown });
    const end = lines.at(-1)!;
    if (end.died !== undefined) t.fail(`a process died (${end.died}) of: ${lines.at(-2)?.what}`);
    for (const outcome of lines) {
      if (outcome.after === undefined) continue;
      const fault = faultOf(outcome);
      if (fault !== '') t.fail(`${outcome.what}: ${fault}`, { outcome });
      if (outcome.after.ticks === TICKS) whole++;
      else if (outcome.after.ticks === undefined) refused++;
      else partly++;
    }
  }
  t.equal(whole + partly + refused, CASES, 'every case came to an end');
  t.ok(partly > 0 && refused > 0, `${whole} lost nothing, ${partly} a part, ${refused} could not be opened`);
});
