/** REST over a real engine and log: every tick of a symbol by pages across two epochs, and figures that add up. */
import t from 'tap';
import type { EngineRuntime } from '../../src/engine/engine.js';
import { LogReader } from '../../src/log/read/log-reader.js';
import { LogStream } from '../../src/replay/stream.js';
import { LINES } from '../../src/wire/lines.js';
import { asker } from '../helpers/http.js';
import { MARKET, settle, startEngine, syntheticFeed, temporaryFolder } from './support.js';

/** Ticks that each epoch gets at least. */
const TICKS = 40_000;

async function untilNumbered(engine: EngineRuntime, count: number): Promise<void> {
  while (engine.totals().sequenced < count) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Everything of a symbol that the log holds, as `ticks replay` writes it. */
async function replayed(folder: string, symbolId: number, from?: bigint, to?: bigint): Promise<string[]> {
  const reader = LogReader.open(folder);
  const filter = new Uint8Array(symbolId + 1);
  filter[symbolId] = 1;
  const bound = (ns: bigint | undefined) =>
    ns === undefined
      ? undefined
      : { kind: 'time' as const, seconds: Number(ns / 1_000_000_000n), nanos: Number(ns % 1_000_000_000n) };
  const stream = new LogStream(reader, { filter, from: bound(from), to: bound(to) });
  const lines: string[] = [];
  while (stream.next()) lines.push(LINES.ndjson.line(stream, { name: '', digits: 0 }));
  await reader.close();
  return lines.map((line) => line.replace('"symbol":"",', ''));
}

for (const shards of [1, 2]) {
  t.test(`history of ${shards} shards, then of another number of them`, async (t) => {
    const dataFolder = temporaryFolder(t);
    const options = {
      dataFolder,
      feeds: [syntheticFeed(200_000)],
      http: { port: 0 },
      rings: { broadcast: 65_536 },
    };
    const first = await startEngine(t, { ...options, shards });
    await untilNumbered(first, TICKS);
    await first.stop();
    const engine = await startEngine(t, { ...options, shards: 3 - shards });
    await untilNumbered(engine, TICKS);
    await settle(engine);
    while (engine.totals().logged < engine.totals().sequenced) await new Promise((r) => setTimeout(r, 10));

    const ask = asker(engine.port!);
    engine.registry.refresh();
    const { symbols } = engine.registry;
    t.equal(symbols.length - 1, MARKET.symbols);
    for (const { name, id } of [symbols[1]!, symbols[symbols.length - 1]!]) {
      const due = await replayed(dataFolder, id);
      t.ok(due.length > 100, `${name} has a history: ${due.length} ticks`);
      for (const limit of [997, 10_000]) {
        t.equal(
          differ(await paged(name, `limit=${limit}`), due),
          '',
          `${name}, ${limit} a page: as in the log`,
        );
      }
      const middle = JSON.parse(due[Math.floor(due.length / 3)]) as { tsRecv: string };
      const later = JSON.parse(due[Math.floor((due.length * 2) / 3)]) as { tsRecv: string };
      const [from, to] = [BigInt(middle.tsRecv), BigInt(later.tsRecv)];
      const some = await paged(name, `from=${from}&to=${to}&limit=500`);
      t.equal(differ(some, await replayed(dataFolder, id, from, to)), '', `${name}, a range of time`);
      t.ok(some.every((line) => inRange(line, from, to)));
    }

    async function paged(name: string, query: string): Promise<string[]> {
      const lines: string[] = [];
      for (let path = `/v1/ticks/${encodeURIComponent(name)}?${query}`; ; ) {
        const { status, headers, body } = await ask(path, { accept: 'application/x-ndjson' });
        if (status !== 200) throw new Error(`${status}: ${body}`);
        const text = body.replaceAll(`"symbol":${JSON.stringify(name)},`, '');
        if (text !== '') lines.push(...text.trimEnd().split('\n'));
        const next = /^<(.+)>; rel="next"$/.exec(String(headers.link ?? ''));
        if (next === null) return lines;
        path = next[1];
      }
    }

    const metrics = (await ask('/metrics')).body;
    const figure = (name: string): number =>
      Number(new RegExp(`^tickwire_${name} (\\S+)$`, 'm').exec(metrics)?.[1]);
    const { rejectedBy, rejected, pendingOneSided: held, inFlight, ...totals } = engine.totals();
    for (const [name, value] of Object.entries(totals)) t.equal(figure(`ticks_${name}_total`), value, name);
    t.equal(figure('ticks_pending_one_sided'), held);
    t.equal(figure('ticks_in_flight'), inFlight);
    const reasons = Object.keys(rejectedBy).map((reason) =>
      figure(`ticks_rejected_total{reason="${reason}"}`),
    );
    t.equal(
      reasons.reduce((sum, count) => sum + count),
      rejected,
    );
    const heads = Array.from({ length: 3 - shards }, (_, s) => s);
    t.same(
      heads.map((s) => figure(`shard_visible_seq{shard="${s}"}`)),
      heads.map((s) => figure(`shard_head_seq{shard="${s}"}`)),
    );
    t.equal(figure('feed_ticks_received_total{feed="market"}'), totals.received);
  });
}

/** Where two lists of lines differ first; empty where they do not. */
function differ(got: string[], due: string[]): string {
  const at = due.findIndex((line, i) => line !== got[i]);
  if (at < 0) return got.length === due.length ? '' : `${got.length} lines, not ${due.length}`;
  return `line ${at}: ${got[at]} instead of ${due[at]}`;
}

function inRange(line: string, from: bigint, to: bigint): boolean {
  const { tsRecv } = JSON.parse(line) as { tsRecv: string };
  return BigInt(tsRecv) >= from && BigInt(tsRecv) < to;
}
