/** The ticks that `bench log` writes: a recorded day of EURUSD, the same with live-like receipt, and the synthetic market. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import {
  Kind,
  RECORD_U32,
  Records,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
  writeHeader,
  writeQuote,
  writeTimes,
} from '../../core/tick.js';
import { openTickFile } from '../../feeds/file/reader.js';
import { Uniform } from '../harness/random.js';
import { type LogData, MarketTicks, RepeatedDay, type TickSource } from './source.js';

const SECOND_NS = 1e9;
/** Receipt follows the event by this and, log-normally, about as much again. */
const DELAY_NS = 300_000;
const DELAY_SPREAD_NS = 400_000;

/** The folder of recorded ticks; undefined where there are none. */
export function recordedDay(): string | undefined {
  const root = process.env.TICKWIRE_DATA;
  if (root === undefined) return undefined;
  const folder = path.join(root, 'dukascopy_bi5');
  try {
    return readdirSync(folder).some((name) => name.endsWith('.bi5')) ? folder : undefined;
  } catch {
    return undefined;
  }
}

/** Ticks that the files of a day may hold. */
const DAY_TICKS_MAX = 1 << 20;

/** The recorded day of EURUSD; tsRecv = tsEvent. */
export async function eurusdDay(folder: string): Promise<LogData> {
  const records = Records.allocate(DAY_TICKS_MAX);
  let generated = 0;
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.bi5'))
    .sort();
  for (const name of files) {
    const { batches } = await openTickFile(path.join(folder, name));
    for await (const b of batches) {
      for (let k = 0; k < b.length && generated < DAY_TICKS_MAX; k++, generated++) {
        writeHeader(records, generated, 1, Kind.quote, 1, generated + 1, generated + 1);
        writeTimes(records, generated, b.eventS[k], b.eventNs[k], b.eventS[k], b.eventNs[k]);
        writeQuote(records, generated, b.bid[k], b.ask[k], b.bidSize[k], b.askSize[k]);
      }
    }
  }
  return { name: 'eurusd', symbols: [{ name: 'EURUSD', digits: 5 }], ticks: generated, records };
}

/** A day of EURUSD again and again, each on its own date. */
export async function eurusd(folder: string, ticks: number): Promise<LogData> {
  return inMemory(new RepeatedDay(await eurusdDay(folder), ticks));
}

function inMemory(source: TickSource): LogData {
  const { name, symbols, ticks } = source;
  const records = Records.allocate(ticks);
  source.fill(records, 0, ticks);
  return { name, symbols, ticks, records };
}

/** The same with receipt as a live feed has it: some hundred microseconds later, to the nanosecond. */
export function received(data: LogData, seed: number): LogData {
  const records = Records.allocate(data.ticks);
  records.u8.set(data.records.u8);
  const { u32 } = records;
  const uniform = new Uniform(seed);
  for (let i = 0; i < data.ticks; i++) {
    const w = i * RECORD_U32;
    const normal = Math.sqrt(-2 * Math.log(uniform.share())) * Math.cos(2 * Math.PI * uniform.share());
    const ns = u32[w + U32_TS_RECV_NS] + Math.floor(DELAY_NS + DELAY_SPREAD_NS * Math.exp(normal));
    u32[w + U32_TS_RECV_S] += Math.floor(ns / SECOND_NS);
    u32[w + U32_TS_RECV_NS] = ns % SECOND_NS;
  }
  return { ...data, name: 'eurusdLive', records };
}

export function synthetic(ticks: number, seed: number): LogData {
  return inMemory(new MarketTicks(ticks, seed));
}
