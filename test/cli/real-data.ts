/** Recorded ticks, decoded here once more and on their own, to compare with what comes out of the engine. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import lzma from 'lzma-native';

const FOLDER = process.env.TICKWIRE_DATA ?? '';
export const BI5_FOLDER = join(FOLDER, 'dukascopy_bi5');
export const POLL_CSV = join(FOLDER, 'mt5_live', 'EURUSD_quote_ticks.csv');
export const EXPORT_CSV = join(FOLDER, 'mt5_live', 'DERIVED_EURUSD_mt5_export.csv');
export const RAW_FILE = join(FOLDER, 'mt5_live', 'DERIVED_EURUSD_mqltick60.bin');

/** Why a test of recorded data cannot run; false when it can. */
export const SKIP: string | false =
  FOLDER !== '' && existsSync(BI5_FOLDER)
    ? false
    : 'NO RECORDED DATA: set TICKWIRE_DATA to the folder that holds dukascopy_bi5 and mt5_live';

/** One line a quote: `bid ask bidSize askSize tsEvent`, sizes `null` where they are not known. */
export function quoteLine(
  bid: number,
  ask: number,
  bidSize: number | null,
  askSize: number | null,
  tsEvent: bigint | string | null,
): string {
  return `${bid} ${ask} ${bidSize} ${askSize} ${tsEvent}`;
}

const BI5_BYTES = 20;

/** The quotes of the hourly files. Their month counts from zero: 2019-01-04 is the fourth of February. */
export async function bi5Quotes(withSizes: boolean): Promise<string[]> {
  const lines: string[] = [];
  for (const name of readdirSync(BI5_FOLDER).sort()) {
    const hour = Number(/_(\d\d)h_ticks\.bi5$/.exec(name)![1]);
    const hourMs = Date.UTC(2019, 1, 4, hour);
    const bytes = await new Promise<Buffer>((resolve) => {
      lzma.decompress(readFileSync(join(BI5_FOLDER, name)), undefined, resolve);
    });
    for (let at = 0; at < bytes.length; at += BI5_BYTES) {
      const tsEvent = BigInt(hourMs + bytes.readUInt32BE(at)) * 1_000_000n;
      const ask = bytes.readUInt32BE(at + 4) / 1e5;
      const bid = bytes.readUInt32BE(at + 8) / 1e5;
      const [askSize, bidSize] = [bytes.readFloatBE(at + 12), bytes.readFloatBE(at + 16)];
      lines.push(quoteLine(bid, ask, withSizes ? bidSize : null, withSizes ? askSize : null, tsEvent));
    }
  }
  return lines;
}

interface Polled {
  bid: number;
  ask: number;
  flags: number;
  tsEvent: bigint;
}
const FLAG_BID = 2;
const FLAG_ASK = 4;

function polled(): Polled[] {
  const rows = readFileSync(POLL_CSV, 'utf8').trim().split('\n').slice(1);
  const price = (text: string) => Math.round(Number(text) * 1e5) / 1e5;
  return rows.map((row) => {
    const [ask, bid, flags, , , timeMs] = row.split(',');
    return { bid: price(bid), ask: price(ask), flags: Number(flags), tsEvent: BigInt(timeMs) * 1_000_000n };
  });
}

/** The ticks that were polled from a live terminal. */
export function polledQuotes(): string[] {
  return polled().map(({ bid, ask, tsEvent }) => quoteLine(bid, ask, null, null, tsEvent));
}

/**
 * The same ticks as their export has them: it blanks a side that the tick's flags do not name, and blank
 * means unchanged. Where the poll had missed ticks, that side had moved unseen, and the export cannot say so.
 */
export function exportedQuotes(): string[] {
  let [lastBid, lastAsk] = [0, 0];
  return polled().map(({ bid, ask, flags, tsEvent }) => {
    if ((flags & FLAG_BID) !== 0) lastBid = bid;
    if ((flags & FLAG_ASK) !== 0) lastAsk = ask;
    return quoteLine(lastBid, lastAsk, null, null, tsEvent);
  });
}
