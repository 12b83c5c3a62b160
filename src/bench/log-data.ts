/** The ticks that `bench log` writes: a recorded day of EURUSD, the same with live-like receipt, and the synthetic market. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { openTickFile } from '../feeds/file/reader.js';
import { Market, STANDARD_MARKET } from '../feeds/synthetic/index.js';
import {
  Kind,
  RECORD_U32,
  Records,
  U32_SEQ_LOW,
  U32_SYMBOL,
  U32_SYMBOL_SEQ,
  U32_TS_EVENT_S,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
  writeHeader,
  writeQuote,
  writeTimes,
} from '../tick.js';
import { Uniform } from './random.js';

export interface LogData {
  name: 'eurusd' | 'eurusdLive' | 'synthetic';
  symbols: readonly { name: string; digits: number }[];
  ticks: number;
  /** Seqs begin with 1, symbol ids too. */
  records: Records;
}

const DAY_S = 86_400;
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

/** A day of EURUSD again and again, each on its own date; tsRecv = tsEvent. */
export async function eurusd(folder: string, ticks: number): Promise<LogData> {
  const records = Records.allocate(ticks);
  let made = 0;
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.bi5'))
    .sort();
  for (const name of files) {
    const { batches } = await openTickFile(path.join(folder, name));
    for await (const b of batches) {
      for (let k = 0; k < b.length && made < ticks; k++, made++) {
        writeHeader(records, made, 1, Kind.quote, 1, made + 1, made + 1);
        writeTimes(records, made, b.eventS[k], b.eventNs[k], b.eventS[k], b.eventNs[k]);
        writeQuote(records, made, b.bid[k], b.ask[k], b.bidSize[k], b.askSize[k]);
      }
    }
  }
  repeat(records, made, ticks);
  return { name: 'eurusd', symbols: [{ name: 'EURUSD', digits: 5 }], ticks, records };
}

/** Fills the rest with copies of the first `count` ticks, each a day later than the last. */
function repeat(records: Records, count: number, ticks: number): void {
  const { u32 } = records;
  for (let i = count; i < ticks; i++) {
    const w = i * RECORD_U32;
    u32.copyWithin(w, w - count * RECORD_U32, w - (count - 1) * RECORD_U32);
    u32[w + U32_SEQ_LOW] = i + 1;
    u32[w + U32_SYMBOL_SEQ] = i + 1;
    u32[w + U32_TS_EVENT_S] += DAY_S;
    u32[w + U32_TS_RECV_S] += DAY_S;
  }
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
  const market = new Market({ ...STANDARD_MARKET, seed });
  const records = Records.allocate(ticks);
  market.fill(records, 0, ticks);
  const seqs = new Uint32Array(market.symbols.length + 1);
  for (let i = 0; i < ticks; i++) {
    const w = i * RECORD_U32;
    records.u32[w + U32_SEQ_LOW] = i + 1;
    records.u32[w + U32_SYMBOL_SEQ] = ++seqs[records.u32[w + U32_SYMBOL]];
  }
  return { name: 'synthetic', symbols: market.symbols, ticks, records };
}
