/** Scenario `log`: the tick log beside other ways of keeping the same ticks, in size and speed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  F64_BID,
  RECORD_BYTES,
  RECORD_F64,
  RECORD_U32,
  type Records,
  U32_TS_RECV_NS,
} from '../../core/tick.js';
import { wholeNumber } from '../harness/flags.js';
import { median } from '../harness/measure.js';
import { Uniform } from '../harness/random.js';
import { type Figure, type Findings, figure, type Scenario } from '../harness/scenario.js';
import { benchCodec } from './codec.js';
import { eurusd, received, recordedDay, synthetic } from './data.js';
import { benchSeek } from './seek.js';
import type { LogData } from './source.js';
import { dbnZstd, hasZstd, type LogSystem, rawFile, rawLmdb } from './systems.js';
import { tickwire } from './tickwire.js';

const DIAGRAM = `
  EURUSD day, repeated ─┐             ┌─▶ ring ─▶ log stage ─▶ LMDB ─▶ reader   (tickwire)
  the same, received ───┼─▶ records ──┼─▶ file of 64-byte records               (rawFile)
  synthetic market ─────┘             ├─▶ 64-byte records in LMDB               (rawLmdb)
                                      └─▶ DBN mbp-1 ─▶ zstd -3                  (dbnZstd)
  systems take turns, run by run; what comes back is compared with what went in`;

interface LogOptions {
  ticks: number;
  runs: number;
  seeks: number;
  seed: number;
  folder?: string;
  codec?: boolean;
  seekTicks?: number;
}

export const log: Scenario<LogOptions> = {
  name: 'log',
  summary: 'the tick log: bytes a tick, append, replay, seek; beside raw files, LMDB, and DBN with zstd',
  diagram: DIAGRAM,
  example: '--ticks 2000000 --json',
  flags: (command) =>
    command
      .option('--ticks <n>', 'ticks of each data set', wholeNumber, 8_000_000)
      .option(
        '--runs <n>',
        'runs of each system, which take turns, after one that does not count',
        wholeNumber,
        3,
      )
      .option('--seeks <n>', 'seeks of each run', wholeNumber, 20)
      .option('--seed <n>', 'seed of the market, and of the delays of receipt', wholeNumber, 1)
      .option(
        '--folder <path>',
        'where the files are made and removed again (default: the temporary folder); with --seek-ticks it is kept there',
      )
      .option(
        '--codec',
        'blocks alone instead, under every compressor: size, and ns to encode and decode a tick',
      )
      .option(
        '--seek-ticks <n>',
        'instead random seeks in a log of so many ticks, which is made where --folder has none: time to the first tick decoded, files in memory',
        wholeNumber,
      ),
  small: { ticks: 30_000, runs: 2, seeks: 5 },
  run: (options, tell) =>
    options.seekTicks === undefined
      ? benchLog(options, tell)
      : benchSeek({ ...options, seekTicks: options.seekTicks }, tell),
};

interface Row {
  data: string;
  system: string;
  bytesPerTick: number[];
  appendPerSecond: number[];
  replayPerSecond: number[];
  seekMsMedian: number[];
}

async function benchLog(options: LogOptions, tell: (line: string) => void): Promise<Findings> {
  const why: string[] = [];
  const notes: string[] = [];
  const day = recordedDay();
  const recorded = day === undefined ? undefined : await eurusd(day, options.ticks);
  if (recorded === undefined) notes.push('no EURUSD rows: TICKWIRE_DATA names no folder with dukascopy_bi5');
  const sets: LogData[] = recorded === undefined ? [] : [recorded, received(recorded, options.seed)];
  sets.push(synthetic(options.ticks, options.seed));
  if (options.codec === true) return benchCodec(sets, options.runs, notes, tell);
  const systems: LogSystem[] = [tickwire, rawFile, rawLmdb];
  if (hasZstd()) systems.push(dbnZstd);
  else notes.push('no rows of DBN: the program zstd is not installed');
  const rows = new Map<string, Row>();
  for (let run = -1; run < options.runs; run++) {
    for (const data of sets) {
      for (const system of systems) {
        const key = `${data.name}.${system.name}`;
        // What the warm-up measured does not count.
        const row = (run <= 0 ? undefined : rows.get(key)) ?? emptyRow(data.name, system.name);
        rows.set(key, row);
        why.push(...(await measure(data, system, options, run, row)).map((fault) => `${key}: ${fault}`));
        tell(line(row));
      }
    }
  }
  const figures: Record<string, Figure> = {};
  for (const [key, row] of rows) {
    figures[`${key}.bytesPerTick`] = figure('bytes', 'lower', row.bytesPerTick);
    figures[`${key}.appendPerSecond`] = figure('ticks/s', 'higher', row.appendPerSecond);
    figures[`${key}.replayPerSecond`] = figure('ticks/s', 'higher', row.replayPerSecond);
    figures[`${key}.seekMsMedian`] = figure('ms', 'lower', row.seekMsMedian);
  }
  return {
    figures,
    why,
    lines: [...[...rows.values()].map(line), ...notes],
    details: { rows: [...rows.values()].map(medians), notes },
  };
}

function emptyRow(data: string, system: string): Row {
  return { data, system, bytesPerTick: [], appendPerSecond: [], replayPerSecond: [], seekMsMedian: [] };
}

function medians({ data, system, ...values }: Row): object {
  return {
    data,
    system,
    ...Object.fromEntries(Object.entries(values).map(([name, runs]) => [name, median(runs)])),
  };
}

function line(row: Row): string {
  const mega = (values: number[]) => (median(values) / 1e6).toFixed(1);
  return (
    `${row.data.padEnd(11)}${row.system.padEnd(10)}${median(row.bytesPerTick).toFixed(2)} bytes a tick, ` +
    `append ${mega(row.appendPerSecond)} M/s, replay ${mega(row.replayPerSecond)} M/s, ` +
    `seek ${median(row.seekMsMedian).toFixed(3)} ms`
  );
}

/** One run of a system on fresh files. Returns what was wrong with it. */
async function measure(
  data: LogData,
  system: LogSystem,
  options: LogOptions,
  run: number,
  row: Row,
): Promise<string[]> {
  const folder = mkdtempSync(path.join(options.folder ?? tmpdir(), 'tickwire-bench-log-'));
  try {
    const written = await system.append(data, folder);
    let different = 0;
    const isExact = system.name !== 'dbnZstd';
    const checked = await system.replay(data, folder, (records, from, count) => {
      different += isExact
        ? differing(data, records, from, count)
        : differingMain(data, records, from, count);
    });
    const replayed = await system.replay(data, folder);
    const uniform = new Uniform(options.seed + run);
    const targets = Array.from({ length: options.seeks }, () => uniform.below(data.ticks));
    const found = await system.seek(data, folder, targets);
    row.bytesPerTick.push(written.bytes / data.ticks);
    row.appendPerSecond.push(Math.round(data.ticks / written.seconds));
    row.replayPerSecond.push(Math.round(replayed.ticks / replayed.seconds));
    row.seekMsMedian.push(median(found.ms));
    const lost = 2 * data.ticks - checked.ticks - replayed.ticks;
    return [
      ...(lost === 0 ? [] : [`${lost} ticks were lost`]),
      ...(different === 0 ? [] : [`${different} blocks came back different`]),
      ...(found.wrong === 0 ? [] : [`${found.wrong} seeks went astray`]),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** 1 when any bit of the records is not what was written. */
function differing(data: LogData, records: Records, from: number, count: number): number {
  const wanted = data.records.u8.subarray(from * RECORD_BYTES, (from + count) * RECORD_BYTES);
  return Buffer.compare(wanted, records.u8.subarray(0, count * RECORD_BYTES)) === 0 ? 0 : 1;
}

/** The same of what every format keeps: the time of receipt and the price. */
function differingMain(data: LogData, records: Records, from: number, count: number): number {
  for (let i = 0; i < count; i++) {
    const isSame =
      records.u32[i * RECORD_U32 + U32_TS_RECV_NS] ===
        data.records.u32[(from + i) * RECORD_U32 + U32_TS_RECV_NS] &&
      Math.abs(records.f64[i * RECORD_F64 + F64_BID] - data.records.f64[(from + i) * RECORD_F64 + F64_BID]) <
        1e-8;
    if (!isSame) return 1;
  }
  return 0;
}
