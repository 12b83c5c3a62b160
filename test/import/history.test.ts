/** Pages of history over a real log with imports have what replay has. */
import { join } from 'node:path';
import t from 'tap';
import { createEngine } from '../../src/engine/engine.js';
import { LogReader } from '../../src/log/read/log-reader.js';
import { parseBound } from '../../src/replay/range.js';
import { LogStream } from '../../src/replay/stream.js';
import { LINES } from '../../src/wire/lines.js';
import { write } from '../feeds/file/scratch.js';
import { endOfFeed, fileOf, quotes, runImport, START_MS } from './support.js';

t.test('pages of history have what replay has: live ticks and imports, in one order', async (t) => {
  const folder = t.testdir();
  const data = join(folder, 'data');
  const live = write(folder, 'EURUSD_x.csv', fileOf(quotes(2_000, START_MS, 100, 200_000)));
  const options = {
    feeds: [{ name: 'live', type: 'file', options: { path: live, speed: 'max' } }],
    dataFolder: data,
    logger: { info() {}, warn() {}, error() {} },
  } as const;
  const first = await createEngine({ ...options, feeds: [...options.feeds], http: false });
  const startedMs = Date.now();
  const isEnded = endOfFeed(first);
  await first.start();
  await isEnded;
  await first.stop();
  // Around the live ticks, which were received within moments.
  const around = quotes(3_000, startedMs - 1_000, 1, 110_000);
  const beside = quotes(1_500, startedMs - 500, 2, 120_000);
  for (const [i, lines] of [around, beside].entries()) {
    await runImport(data, [write(folder, `EURUSD_${i}.csv`, fileOf(lines))]);
  }
  const engine = await createEngine({ ...options, feeds: [], http: { port: 0 } });
  await engine.start();
  const lines = async (from?: string, to?: string): Promise<string[]> => {
    const reader = LogReader.open(data);
    const bound = (text?: string) => (text === undefined ? undefined : parseBound(text));
    const filter = new Uint8Array(engine.registry.symbolId('EURUSD')! + 1).fill(1, 1);
    const stream = new LogStream(reader, { filter, from: bound(from), to: bound(to) });
    const found: string[] = [];
    while (stream.next()) found.push(LINES.ndjson.line(stream, { name: 'EURUSD', digits: 5 }));
    await reader.close();
    return found;
  };
  const pages = async (query: string): Promise<string[]> => {
    const found: string[] = [];
    for (let next = `/v1/ticks/EURUSD?format=ndjson&${query}`; next !== ''; ) {
      const answer = await fetch(`http://127.0.0.1:${engine.port}${next}`, {
        headers: { connection: 'close' },
      });
      if (answer.status !== 200) throw new Error(await answer.text());
      found.push(...(await answer.text()).split('\n').slice(0, -1));
      next = /^<(.+)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1] ?? '';
    }
    return found;
  };
  const all = await lines();
  t.equal(all.filter((line) => line.includes('"kind":"quote"')).length, 2_000 + 3_000 + 1_500);
  for (const limit of [311, 10_000]) t.equal(differ(await pages(`limit=${limit}`), all), -1, `${limit}`);
  const [from, to] = [new Date(startedMs - 700).toISOString(), new Date(startedMs + 300).toISOString()];
  t.equal(differ(await pages(`limit=500&from=${from}&to=${to}`), await lines(from, to)), -1, 'a range');
  await engine.stop();
});

/** Index of the first line that differs; -1: none does. */
function differ(found: readonly string[], wanted: readonly string[]): number {
  return Array.from({ length: Math.max(found.length, wanted.length) }, (_, i) => i).findIndex(
    (i) => found[i] !== wanted[i],
  );
}
