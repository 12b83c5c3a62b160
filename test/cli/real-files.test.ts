/** Recorded files through the `file` feed, sizes included; and the three formats of the same live ticks. */
import { join } from 'node:path';
import t from 'tap';
import type { LocalTick } from '../../src/core/tick-object.js';
import { createEngine, type EngineRuntime } from '../../src/engine/engine.js';
import type { EngineFeed } from '../../src/engine/options.js';
import { assertSums } from '../helpers/sums.js';
import {
  BI5_FOLDER,
  bi5Quotes,
  EXPORT_CSV,
  exportedQuotes,
  POLL_CSV,
  polledQuotes,
  quoteLine,
  RAW_FILE,
  SKIP,
} from './real-data.js';
import { run, temporaryFolder } from './support.js';

const fileFeed = (name: string, path: string, options: object = {}): EngineFeed => ({
  name,
  type: 'file',
  options: { path, speed: 'max', ...options },
});

/** Runs an engine until its feeds have ended. */
async function play(
  feeds: EngineFeed[],
  dataFolder: string | false,
  onTick?: (tick: LocalTick) => void,
): Promise<EngineRuntime> {
  const engine = await createEngine({ feeds, dataFolder, http: false });
  const ended = new Set<string>();
  const allEnded = new Promise<void>((resolve) => {
    engine.on('feedStatus', (feed, status) => {
      if (status.state === 'ended' && ended.add(feed).size === feeds.length) resolve();
    });
  });
  if (onTick !== undefined) engine.follow({}, onTick);
  await engine.start();
  await allEnded;
  await engine.stop();
  return engine;
}

t.test('bi5 files, with their sizes', { skip: SKIP }, async (t) => {
  const dataFolder = join(temporaryFolder(t), 'data');
  const engine = await play([fileFeed('bi5', BI5_FOLDER)], dataFolder);
  assertSums(t, engine.totals(), { logged: true });
  const replay = await run(t, ['replay', '--data', dataFolder, '--symbols', 'EURUSD']);
  const found = replay.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter((tick) => tick.kind === 'quote')
    .map((tick) => quoteLine(tick.bid, tick.ask, tick.bidSize, tick.askSize, tick.tsEvent));
  const wanted = await bi5Quotes(true);
  t.equal(found.length, wanted.length);
  t.equal(
    wanted.findIndex((line, i) => line !== found[i]),
    -1,
    'equal in order',
  );
});

t.test('export, raw MqlTick and poll of the same ticks are the same ticks', { skip: SKIP }, async (t) => {
  const lines: Record<string, string[]> = { EXPORT: [], RAW: [], EURUSD: [] };
  await play(
    [
      fileFeed('export', EXPORT_CSV, { symbol: 'EXPORT' }),
      fileFeed('raw', RAW_FILE, { symbol: 'RAW' }),
      fileFeed('poll', POLL_CSV),
    ],
    false,
    (q) => {
      if (q.kind === 'quote')
        lines[q.symbol].push(quoteLine(q.bid!, q.ask!, q.bidSize!, q.askSize!, q.tsEvent));
    },
  );
  const wanted = polledQuotes();
  t.equal(wanted.length, 89);
  t.same(lines.EURUSD, wanted, 'poll');
  const exported = exportedQuotes();
  t.same(lines.EXPORT, exported, 'export: every price that it holds, and every time');
  t.equal(
    exported.filter((line, i) => line === wanted[i]).length,
    82,
    'the others lack a price that moved unseen',
  );
  t.same(lines.RAW, wanted, 'raw');
});
