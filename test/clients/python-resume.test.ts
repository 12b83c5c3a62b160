/**
 * The server is killed and started again on the same folder while the Python client follows: it has each
 * tick of the log once, in order, and takes back what the server withdraws.
 */
import { join } from 'node:path';
import { inspect, isDeepStrictEqual } from 'node:util';
import t from 'tap';
import type { JsonTick, Rewound } from '../../src/wire/ticks.js';
import { freePort, run, serve, temporaryFolder } from '../cli/support.js';
import { noPython, objects, python, TICKWIRE, untilLines } from './support.js';

const MARKET = { symbols: 10, tradeShare: 0.1, seed: 5, rate: 5000 };
const SIGNALS = ['SIGKILL', 'SIGTERM'] as const;
const TICKS_PER_LIFE = 1000;

/** The ticks that remain, after what was withdrawn. */
function standing(lines: readonly (JsonTick | Rewound)[]): JsonTick[] {
  const ticks: JsonTick[] = [];
  for (const line of lines) {
    if ('kind' in line) ticks.push(line);
    else if (line.op === 'rewound') while ((ticks.at(-1)?.seq ?? 0) > line.lastSeq[0]) ticks.pop();
  }
  return ticks;
}

for (const [encoding, deliver] of [
  ['packed', 'published'],
  ['msgpack', 'durable'],
]) {
  t.test(`${encoding}, ${deliver}`, { skip: noPython, timeout: 300_000 }, async (t) => {
    const data = join(temporaryFolder(t), 'data');
    const feed = `synthetic=${JSON.stringify(MARKET)}`;
    const port = String(await freePort());
    const start = () => serve(t, ['--data', data, '--feed', feed, '--port', port]);
    let { server, url } = await start();
    const follow = ['--mode', 'every', '--from', '1970-01-01T00:00:00Z', '--deliver', deliver];
    const client = python(t, [TICKWIRE, url, '*', ...follow, '--encoding', encoding, '--json', '--events']);
    for (const signal of SIGNALS) {
      const before = client.stdout.split('\n').length;
      await untilLines(client, before + TICKS_PER_LIFE);
      await server.stop(signal);
      ({ server, url } = await start());
    }
    await untilLines(client, client.stdout.split('\n').length + TICKS_PER_LIFE);
    await client.stop('SIGKILL');
    t.equal((await server.stop('SIGTERM')).code, 0, 'the last server stopped cleanly');

    const lines = objects<JsonTick | Rewound>(client.stdout);
    const ticks = standing(lines);
    const log = await run(t, ['replay', '--data', data]);
    const due = objects<JsonTick & { epoch: number; shard: number }>(log.stdout).map(
      ({ epoch: _, shard: __, ...tick }) => tick,
    );
    // Of those that came, a kill may have withdrawn any number.
    const came = lines.filter((line) => 'kind' in line).length;
    t.ok(came >= (SIGNALS.length + 1) * TICKS_PER_LIFE, `${came} ticks came, ${ticks.length} of them stand`);
    // A kill before the first commit withdraws its whole epoch.
    const begun = (all: readonly JsonTick[]) => all.filter(({ seq }) => seq === 1).length;
    t.equal(begun(ticks), begun(due), 'each epoch that the log has from its start');
    t.ok(begun(due) >= SIGNALS.length, 'what was stopped cleanly is there');
    // A kill withdraws only what was sent before it was durable.
    if (deliver === 'durable') t.equal(begun(ticks), SIGNALS.length + 1, 'no epoch is withdrawn');
    if (deliver === 'durable') t.notOk(lines.some((line) => 'op' in line && line.op === 'rewound'));
    const wrong = ticks.findIndex((tick, i) => !isDeepStrictEqual(tick, due[i]));
    t.equal(
      wrong,
      -1,
      wrong < 0 ? 'as logged' : `${wrong}: ${inspect(ticks[wrong])}, ${inspect(due[wrong])}`,
    );
  });
}
