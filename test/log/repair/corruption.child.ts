/**
 * The process that `corruption.test.ts` watches: it damages copies of a log, reads them and starts on them, and
 * prints what became of each. Arguments: a folder with `log/…`, `sent.bin` of it, first and last case.
 */
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { codeOf, messageOf } from '../../../src/core/errors.js';
import { LogReader } from '../../../src/log/read/log-reader.js';
import { openLog } from '../../../src/log/write/open-log.js';
import { damage } from '../../helpers/log/damage.js';
import { bytesOf, makeFolder, readAll } from '../support.js';

const [base, sentFile, first, last] = process.argv.slice(2);
const sent = readFileSync(sentFile);

/** What was read of epoch 1: how many ticks, how many are not those that were sent, how many a gap tells of. */
async function read(folder: string) {
  let reader: LogReader | undefined;
  try {
    reader = LogReader.open(folder);
    const { records, seqs, gaps } = readAll(reader, 1, 0);
    const wrong = seqs.filter(
      (seq, i) => !bytesOf(records, i, 1).equals(sent.subarray((seq - 1) * 64, seq * 64)),
    );
    const missed = gaps.reduce((sum, gap) => sum + gap.last - gap.first + 1, 0);
    return { ticks: seqs.length, wrong: wrong.length, missed };
  } catch (error) {
    return { code: codeOf(error) ?? '', message: messageOf(error) };
  } finally {
    await reader?.close();
  }
}

async function start(folder: string) {
  const warnings: string[] = [];
  try {
    const opened = await openLog(folder, { shards: 1, warn: (w) => warnings.push(w) });
    await opened.close();
    return { epoch: opened.epoch, warnings };
  } catch (error) {
    return { code: codeOf(error) ?? '', message: messageOf(error) };
  }
}

for (let n = Number(first); n <= Number(last); n++) {
  const folder = makeFolder();
  cpSync(base, folder, { recursive: true });
  const what = damage(folder, n);
  process.stdout.write(`${JSON.stringify({ n, what })}\n`);
  const before = await read(folder);
  const started = await start(folder);
  const after = await read(folder);
  process.stdout.write(`${JSON.stringify({ n, what, before, started, after })}\n`);
  rmSync(folder, { recursive: true });
}
