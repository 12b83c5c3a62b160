/** `ticks replay` in a terminal: a person at the keyboard pauses, moves and changes the speed. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { ReplayKeys, timeNear } from '../../src/cli/replay/key-bindings.js';
import { keysOf } from '../../src/cli/replay/keyboard.js';
import { ReplayBar } from '../../src/cli/replay/progress-line.js';
import { NO_SIZE } from '../../src/core/tick.js';
import { createEngine } from '../../src/engine/engine.js';
import type { Feed, FeedContext } from '../../src/feeds/connector/feed.js';
import { Take } from '../../src/feeds/connector/feed-sink.js';
import { ReplayControl } from '../../src/replay/control.js';
import { temporaryFolder } from './support.js';

const START_S = 1_790_000_000;
const TICKS = 20_000;
const EVERY_NS = 10_000_000;

/** A recording of minutes, written in a moment: ticks say that they were received 10 ms apart. */
const minutes: Feed = {
  async start({ sink, source, symbol }: FeedContext) {
    const from = source('test');
    const id = symbol(from, 'EURUSD', { digits: 5 });
    for (let i = 0; i < TICKS; i++) {
      sink.recvS = START_S + Math.floor((i * EVERY_NS) / 1e9);
      sink.recvNs = (i * EVERY_NS) % 1e9;
      while (sink.take(from, id, 0) === Take.full) await sink.room();
      sink.quote(from, id, 0, 0, sink.recvS, sink.recvNs, 1 + i / 1e5, 1.1 + i / 1e5, NO_SIZE, NO_SIZE);
    }
    sink.commit();
  },
  async stop() {},
  status: () => ({ state: 'ended', detail: 'done', sources: 0 }),
};

const PYTHON = '/usr/bin/python3';
const found = spawnSync(PYTHON, ['-c', 'import os, pty; os.waitstatus_to_exitcode']);
const skip = found.status === 0 ? false : `needs ${PYTHON} 3.9: apt-get install python3`;

t.test('the real command, through a pseudo-terminal', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const data = join(folder, 'data');
  const engine = await createEngine({
    feeds: [{ name: 'test', feed: minutes }],
    dataFolder: data,
    http: false,
  });
  await engine.start();
  while (engine.totals().sequenced < TICKS) await new Promise((resolve) => setTimeout(resolve, 10));
  await engine.stop();

  const script = fileURLToPath(new URL('../../../test/cli/replay-keys.py', import.meta.url));
  const ticks = fileURLToPath(new URL('../../bin/ticks.js', import.meta.url));
  const env = { PATH: process.env.PATH, TERM: 'xterm' };
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  const python = spawn(PYTHON, [script, folder, process.execPath, ticks, data], {
    env,
    stdio: [...stdio],
  });
  let out = '';
  let faults = '';
  python.stdout!.on('data', (chunk) => (out += String(chunk)));
  python.stderr!.on('data', (chunk) => (faults += String(chunk)));
  const [code] = (await once(python, 'close')) as [number];
  t.equal(code, 0, faults);
  const result = JSON.parse(out || '{}') as Record<string, number | boolean>;
  t.ok(result.raw, 'keys come one by one');
  t.ok(Number(result.paused) > 0, 'ticks came before the pause');
  t.equal(result.stillPaused, result.paused, 'and none during it');
  const back = Number(result.beforeBack) - Number(result.afterBack);
  t.ok(
    back >= 1_990 || Number(result.afterBack) <= 2,
    `two keys go back 20 s, or to the start: ${back} ticks`,
  );
  t.equal(result.code, 0, 'a signal ends it cleanly');
  t.equal(result.rawAfter, false, 'the terminal is given back as it was');
});

t.test('what a terminal sends, cut into keys', async (t) => {
  t.same(keysOf(' +\u001b[C\u001b[Dq'), [' ', '+', 'right', 'left', 'q']);
  t.same(keysOf('\u001bOA\u001b[B\u001b'), ['up', 'down', '\u001b']);
});

t.test('keys steer', async (t) => {
  const control = ReplayControl.create(1);
  let quits = 0;
  const keys = new ReplayKeys(control, () => quits++);
  keys.press('right');
  t.equal(control.seeks, 0, 'before the first tick there is nowhere to go from');
  control.report(5, START_S, 7);
  keys.press('right');
  t.same([control.seeks, control.target], [1, { seconds: START_S + 10, nanos: 7 }]);
  keys.press('down');
  t.same(control.target, { seconds: START_S - 300, nanos: 7 });
  keys.press('+');
  keys.press('+');
  keys.press('-');
  t.equal(control.speed, 2);
  keys.press('m');
  t.equal(control.speed, 'max');
  keys.press('m');
  t.equal(control.speed, 2);
  keys.press(' ');
  t.ok(control.isPaused);
  for (const key of 'g12:3x') keys.press(key);
  keys.press('\u007f');
  t.equal(keys.typed, '12:3');
  for (const key of '0\r') keys.press(key);
  t.equal(keys.typed, undefined);
  const day = Math.floor(START_S / 86_400) * 86_400;
  t.same(control.target, { seconds: day + 12.5 * 3600, nanos: 0 });
  for (const key of 'gnever\r') keys.press(key);
  t.match(keys.complaint, /"never" is no time/);
  for (const key of ['g', '1', '\u001b', 'q']) keys.press(key);
  t.same([keys.typed, quits], [undefined, 1]);
  t.same(timeNear('2024-06-19T08:00:00Z', null), { seconds: 1_718_784_000, nanos: 0 });
  t.equal(timeNear('25:00', { seconds: START_S, nanos: 0 }), null);
});

t.test('the line says where it is, how fast, and how long it takes', async (t) => {
  const control = ReplayControl.create(2);
  const span = { firstMs: START_S * 1000, lastMs: START_S * 1000 + 100_000 };
  const bar = new ReplayBar(control, span, undefined);
  t.equal(bar.line(0, 100), 'nothing played yet');
  control.report(1, START_S, 0);
  bar.line(1_000, 200);
  control.report(1_001, START_S + 50, 0);
  const line = bar.line(2_000, 200);
  t.match(line, /^\[={12} {12}\] {2}2026-09-21 14:14:10\.000 {2}×2 {2}1000 ticks\/s {2}00:00:25 left$/);
  t.equal(bar.line(2_000, 30).length, 30);
  control.isPaused = true;
  t.match(bar.line(2_100, 200), /paused/);
});
