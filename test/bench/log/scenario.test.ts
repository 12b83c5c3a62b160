/** What `bench log` can measure apart: blocks alone, and seeks in a log that is kept. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { smallOptions } from '../../../src/bench/cli.js';
import { runScenario } from '../../../src/bench/harness/scenario.js';
import { log } from '../../../src/bench/log/scenario.js';

t.test('--codec: smaller under every compressor, and back as it was', async (t) => {
  const options = { ...smallOptions(log), codec: true, runs: 1 };
  const { result, lines } = await runScenario(log, options as never, () => {});
  t.same(result.why, []);
  const bytes = (way: string) => result.figures[`synthetic.${way}.bytesPerTick`].median;
  for (const way of ['deflate', 'brotli', 'closedDeflate', 'closedBrotli']) {
    t.ok(bytes(way) < bytes('none'), `${way}: ${bytes(way)} of ${bytes('none')}`);
  }
  t.ok(bytes('closedBrotli') < bytes('brotli'), 'harder is smaller');
  t.ok(lines.some((line) => /^synthetic +closedBrotli +\d/.test(line)));
});

t.test('--seek-ticks: every position is found, and the log is written once', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tickwire-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const options = { ...smallOptions(log), seekTicks: 40_000, seeks: 50, folder };
  const before = await runScenario(log, options as never, () => {});
  t.same(before.result.why, []);
  t.match(Object.keys(before.result.figures), ['seekMsMedian', 'seekMsP99', 'seekMsFirst']);
  const [generated] = readdirSync(folder);
  const at = statSync(path.join(folder, generated)).ino;
  const told: string[] = [];
  const again = await runScenario(log, options as never, (line) => told.push(line));
  t.same(again.result.why, []);
  t.same(told, [], 'nothing was written');
  t.equal(statSync(path.join(folder, generated)).ino, at);
  t.same(readdirSync(folder), [generated]);
});
