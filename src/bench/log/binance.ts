/** Recorded sessions of Binance as ticks: best prices and trades of one symbol a file, with the recorder's own time of receipt. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  Flag,
  Kind,
  NO_TIME_S,
  Records,
  writeHeader,
  writeQuote,
  writeTimes,
  writeTrade,
} from '../../core/tick.js';
import type { LogData } from './source.js';

/** What is in a line behind its time of receipt, in nanoseconds: `<ns> <JSON>`. */
interface Line {
  stream?: string;
  data?: Message;
}

interface Message {
  s: string;
  /** UNIX milliseconds; spot's best prices have none. */
  E?: number;
  b?: string;
  B?: string;
  a?: string;
  A?: string;
  t?: number;
  p?: string;
  q?: string;
  m?: boolean;
}

const MS_NS = 1e6;
const SECOND_MS = 1_000;
const SECOND_NS_DIGITS = 9;
const STREAMS = /@(bookTicker|trade)$/;

/** Each recorded file of a folder; none where there is no such folder. */
export function binanceFiles(folder: string): LogData[] {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.gz'));
  } catch {
    return [];
  }
  return names.sort().map((name) => readBinance(path.join(folder, name)));
}

function readBinance(file: string): LogData {
  const lines = gunzipSync(readFileSync(file)).toString().split('\n');
  const messages: [receivedNs: string, isTrade: boolean, data: Message][] = [];
  for (const line of lines) {
    const space = line.indexOf(' ');
    if (space <= 0) continue;
    const { stream, data } = JSON.parse(line.slice(space + 1)) as Line;
    const kind = STREAMS.exec(stream ?? '')?.[1];
    if (kind !== undefined && data !== undefined)
      messages.push([line.slice(0, space), kind === 'trade', data]);
  }
  const records = Records.allocate(messages.length);
  let digits = 0;
  messages.forEach(([receivedNs, isTrade, data], i) => {
    if (isTrade) putTrade(records, i, data);
    else putQuote(records, i, data);
    putTimes(records, i, receivedNs, data.E);
    digits = Math.max(digits, decimals(isTrade ? data.p : data.b), decimals(isTrade ? data.p : data.a));
  });
  const name = path.basename(file).replace(/_\d+\.gz$/, '');
  const symbol = messages[0]?.[2].s ?? name;
  return { name, symbols: [{ name: symbol, digits }], ticks: messages.length, records };
}

function putTrade(records: Records, i: number, { p, q, t, m }: Message): void {
  writeHeader(records, i, 1, Kind.trade | (m === true ? Flag.sell : Flag.buy), 1, i + 1, i + 1);
  writeTrade(records, i, Number(p), Number(q), t ?? Number.NaN);
}

function putQuote(records: Records, i: number, { b, B, a, A }: Message): void {
  writeHeader(records, i, 1, Kind.quote, 1, i + 1, i + 1);
  writeQuote(records, i, Number(b), Number(a), Number(B), Number(A));
}

function putTimes(records: Records, i: number, receivedNs: string, eventMs: number | undefined): void {
  const seconds = Number(receivedNs.slice(0, -SECOND_NS_DIGITS));
  const nanos = Number(receivedNs.slice(-SECOND_NS_DIGITS));
  const eventS = eventMs === undefined ? NO_TIME_S : Math.floor(eventMs / SECOND_MS);
  const eventNs = eventMs === undefined ? 0 : (eventMs % SECOND_MS) * MS_NS;
  writeTimes(records, i, eventS, eventNs, seconds, nanos);
}

/** Decimals of a price without the zeros at its end. */
function decimals(text: string | undefined): number {
  return (text ?? '').replace(/^[^.]*\.?|0+$/g, '').length;
}
