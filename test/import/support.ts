/** Small files to import, and a log read back as lines. */

import { toTick } from '../../src/core/tick-record.js';
import type { EngineRuntime } from '../../src/engine/engine.js';
import { type ImportOptions, type ImportOutcome, importFiles } from '../../src/import/run.js';
import { LogReader } from '../../src/log/read/log-reader.js';
import { LogVerifier, type Verified } from '../../src/log/repair/verify.js';
import { openStore } from '../../src/log/storage/log-store.js';
import { LogStream } from '../../src/replay/stream.js';
import type { StreamOptions } from '../../src/replay/stream-options.js';
import { nameOf, readLogRegistry } from '../../src/replay/symbols.js';
import { EXPORT_HEADER } from '../feeds/file/scratch.js';

/** A minute before midnight. */
export const START_MS = Date.UTC(2024, 5, 18, 23, 59, 0);

/** Lines of an export: `rows` quotes, one every `stepMs` from `startMs` on, the bid rising by a point from `firstPoint`. */
export function quotes(rows: number, startMs: number, stepMs: number, firstPoint: number): string[] {
  return Array.from({ length: rows }, (_, i) => {
    const time = new Date(startMs + i * stepMs).toISOString();
    const bid = ((firstPoint + i) / 1e5).toFixed(5);
    const ask = ((firstPoint + i + 3) / 1e5).toFixed(5);
    return `${time.slice(0, 10).replaceAll('-', '.')}\t${time.slice(11, 23)}\t${bid}\t${ask}\t\t\t6`;
  });
}

export function fileOf(lines: readonly string[]): string {
  return `${[EXPORT_HEADER, ...lines].join('\r\n')}\r\n`;
}

const never = new AbortController().signal;

export function runImport(
  data: string,
  files: string[],
  options: Partial<ImportOptions> = {},
  signal = never,
): Promise<ImportOutcome> {
  return importFiles(data, files, { zone: 'UTC', aliases: {}, ...options }, signal, () => {});
}

/** `symbol bid tsEvent` (in ms) of each quote of a log, in the order of a stream. */
export async function quotesOf(data: string, range: Omit<StreamOptions, 'filter'> = {}): Promise<string[]> {
  const registry = await readLogRegistry(data);
  const reader = LogReader.open(data);
  const lines: string[] = [];
  try {
    const stream = new LogStream(reader, { filter: null, ...range });
    while (stream.next()) {
      const tick = toTick(stream.records, stream.index);
      if (tick.kind !== 'quote') continue;
      lines.push(`${nameOf(registry, tick.symbolId)} ${tick.bid} ${tick.tsEvent! / 1_000_000n}`);
    }
  } finally {
    await reader.close();
  }
  return lines;
}

export async function verify(data: string): Promise<Verified> {
  const registry = await readLogRegistry(data);
  const store = openStore(data, { readOnly: true });
  try {
    return await new LogVerifier(store, registry.symbolCount).run(async () => false);
  } finally {
    await store.close();
  }
}

/** Resolves when a feed of the engine has ended. */
export function endOfFeed(engine: EngineRuntime): Promise<void> {
  return new Promise((resolve) => {
    engine.on('feedStatus', (_, status) => {
      if (status.state === 'ended') resolve();
    });
  });
}
