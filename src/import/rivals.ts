/** Rivals of an import: those that the log has and that may hold ticks of the same symbols and times. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { RECORD_U32, Records, U32_SYMBOL, U32_TS_EVENT_NS, U32_TS_EVENT_S } from '../core/tick.js';
import { isEarlier, type Time } from '../core/time.js';
import { SYMBOLS_INDEXED, TimeAt } from '../log/format/block-summary.js';
import { LogReader } from '../log/read/log-reader.js';
import { logFolder, openCatalog, readRegistry } from '../log/storage/catalog.js';
import { type ImportRecord, readImports } from '../log/storage/imports.js';
import { Registry } from '../pipeline/memory/registry.js';

const SHARD = 0;
const READ_TICKS = 4_096;

/** The imports of a data folder that have ticks left; none where there is no log yet. */
export function importsOf(data: string): ImportRecord[] {
  if (!existsSync(path.join(logFolder(data), 'data.mdb'))) return [];
  const catalog = openCatalog(data, { readOnly: true });
  try {
    return readImports(catalog);
  } finally {
    void catalog.root.close();
  }
}

/** Imports with ticks of some of the symbols, whose times may overlap a time span. */
export async function rivalsOf(
  data: string,
  imports: readonly ImportRecord[],
  names: readonly string[],
  from: Time,
  to: Time,
): Promise<ImportRecord[]> {
  if (imports.length === 0) return [];
  const registry = registryOf(data);
  const ids = names.map((name) => registry.symbolId(name)).filter((id) => id !== undefined);
  const reader = LogReader.open(data);
  try {
    const spans = new Map(reader.importSpans().map(({ epoch, times }) => [epoch, times]));
    return imports.filter(({ epoch }) => {
      if (!spans.has(epoch)) return false;
      const times = spans.get(epoch);
      if (times !== undefined) {
        const [first, last] = [timeAt(times, TimeAt.eventMin), timeAt(times, TimeAt.eventMax)];
        if (isEarlier(to, first) || isEarlier(last, from)) return false;
      }
      return ids.some((id) => id >= SYMBOLS_INDEXED || reader.seekSymbol(epoch, SHARD, id, 1) !== undefined);
    });
  } finally {
    await reader.close();
  }
}

function registryOf(data: string): Registry {
  const catalog = openCatalog(data, { readOnly: true });
  try {
    return Registry.from(readRegistry(catalog));
  } finally {
    void catalog.root.close();
  }
}

/** First and last time of each symbol's ticks, by id. */
export type SymbolSpans = Map<number, { from: Time; to: Time }>;

/** Widens the span of a symbol by a tick that is no earlier than those before it. */
export function widen(spans: SymbolSpans, id: number, s: number, ns: number): void {
  const known = spans.get(id);
  if (known === undefined) spans.set(id, { from: { seconds: s, nanos: ns }, to: { seconds: s, nanos: ns } });
  else [known.to.seconds, known.to.nanos] = [s, ns];
}

/** Names of the symbols of which an import has ticks before or behind the given spans. */
export async function uncovered(data: string, epoch: number, spans: SymbolSpans): Promise<string[]> {
  const held: SymbolSpans = new Map();
  const reader = LogReader.open(data);
  try {
    const [into, seqs] = [Records.allocate(READ_TICKS), new Float64Array(READ_TICKS)];
    const { oldest, newest } = reader.bounds(epoch, SHARD);
    for (let fromSeq = oldest; fromSeq <= newest; ) {
      const request = { epoch, shard: SHARD, fromSeq, toSeq: newest, maxTicks: READ_TICKS };
      const { count, nextSeq } = reader.read(request, into, seqs);
      for (let w = 0; w < count * RECORD_U32; w += RECORD_U32) {
        widen(held, into.u32[w + U32_SYMBOL], into.u32[w + U32_TS_EVENT_S], into.u32[w + U32_TS_EVENT_NS]);
      }
      fromSeq = Math.max(nextSeq, fromSeq + 1);
    }
  } finally {
    await reader.close();
  }
  const isCovered = ([id, { from, to }]: [number, { from: Time; to: Time }]) => {
    const span = spans.get(id);
    return span !== undefined && !isEarlier(from, span.from) && !isEarlier(span.to, to);
  };
  const registry = registryOf(data);
  return [...held].filter((entry) => !isCovered(entry)).map(([id]) => registry.symbols[id]?.name ?? `#${id}`);
}

function timeAt(times: readonly number[], word: number): Time {
  return { seconds: times[word], nanos: times[word + 1] };
}
