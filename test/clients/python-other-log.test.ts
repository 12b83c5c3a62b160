/** A server without a log is restarted: the Python client starts again, and says so. */
import t from 'tap';
import type { JsonTick } from '../../src/wire/ticks.js';
import { lastingPort } from '../cli/support.js';
import { startEngine, syntheticFeed } from '../engine/support.js';
import { noPython, objects, python, TICKWIRE, untilLines } from './support.js';

const TICKS = 200;

interface Afresh {
  op: 'afresh';
  cursor: string;
  code: string;
  message: string;
}

for (const [encoding, mode] of [
  ['packed', 'every'],
  ['json', 'every'],
  ['msgpack', 'latest'],
]) {
  t.test(`${mode}, in ${encoding}`, { skip: noPython, timeout: 120_000 }, async (t) => {
    const port = await lastingPort();
    const start = () => startEngine(t, { feeds: [syntheticFeed(2000)], dataFolder: false, http: { port } });
    let engine = await start();
    const url = `ws://127.0.0.1:${port}/v1/stream`;
    const args = [url, '*', '--mode', mode, '--encoding', encoding, '--json', '--events', '--no-snapshot'];
    const client = python(t, [TICKWIRE, ...args]);
    await untilLines(client, TICKS);
    await engine.stop();
    engine = await start();
    await client.line(/"op": "afresh"/);
    await untilLines(client, client.stdout.split('\n').length + TICKS);
    await client.stop('SIGKILL');

    const lines = objects<JsonTick | Afresh>(client.stdout);
    const events = lines.filter((line) => 'op' in line && line.op === 'afresh');
    t.match(events, [{ code: 'cursor_unknown', cursor: String }]);
    t.equal(events.length, 1);
    const after = lines.slice(lines.indexOf(events[0]) + 1).filter((line) => 'kind' in line);
    t.ok(after.length > 0);
    if (mode === 'every') t.ok(after.every(({ seq }, i) => i === 0 || seq === after[i - 1].seq + 1));
    t.match(client.stderr, /cursor_unknown.*What came meanwhile is not told/);
  });
}
