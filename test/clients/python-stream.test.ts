/** The Python client and ours follow the same server: each tick is the same, in every encoding. */
import { join } from 'node:path';
import { inspect, isDeepStrictEqual } from 'node:util';
import t from 'tap';
import { type PlainTick, TickClient } from '../../src/client/index.js';
import { serve, temporaryFolder } from '../cli/support.js';
import { noPython, objects, python, TICKWIRE } from './support.js';

const TICKS = 3000;
const MARKET = { symbols: 20, tradeShare: 0.1, seed: 11, rate: 4000 };
/** Earlier than any tick: the stream begins with the first that there is. */
const FROM = '1970-01-01T00:00:00Z';

/** As a line of the Python client says it. */
function line({
  logId: _____,
  epoch: _,
  shard: __,
  inSnapshot: ___,
  conflated: ____,
  tsEvent,
  tsRecv,
  ...tick
}: PlainTick): object {
  return { ...tick, tsEvent: tsEvent === null ? null : String(tsEvent), tsRecv: String(tsRecv) };
}

t.test('every tick, field by field', { skip: noPython, timeout: 60_000 }, async (t) => {
  const data = join(temporaryFolder(t), 'data');
  const { url } = await serve(t, ['--data', data, '--feed', `synthetic=${JSON.stringify(MARKET)}`]);
  const client = new TickClient(url, { encoding: 'json' });
  t.teardown(() => client.close());
  await client.connect();
  const due: object[] = [];
  for await (const tick of client.subscribe({ symbols: ['*'], mode: 'every', from: FROM })) {
    due.push(line(tick));
    if (due.length === TICKS) break;
  }
  const kinds = new Set(due.map((tick) => (tick as PlainTick).kind));
  t.same([...kinds].sort(), ['quote', 'status', 'trade'], 'all kinds that the market has');

  for (const encoding of ['packed', 'msgpack', 'json']) {
    const args = ['--mode', 'every', '--from', FROM, '--encoding', encoding, '--count', String(TICKS)];
    const { code, stdout, stderr } = await python(t, [TICKWIRE, url, '*', ...args, '--json']).ended;
    t.equal(code, 0, stderr);
    const got = objects<object>(stdout);
    t.equal(got.length, TICKS);
    const wrong = got.findIndex((tick, i) => !isDeepStrictEqual(tick, due[i]));
    t.equal(wrong, -1, wrong < 0 ? encoding : `${inspect(got[wrong])} is not ${inspect(due[wrong])}`);
  }
});
