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

/** The ticks that were polled from a live terminal. */
export function polledQuotes(): string[] {
  const rows = readFileSync(POLL_CSV, 'utf8').trim().split('\n').slice(1);
  return rows.map((row) => {
    const [ask, bid, , , , timeMs] = row.split(',');
    const price = (text: string) => Math.round(Number(text) * 1e5) / 1e5;
    return quoteLine(price(bid), price(ask), null, null, BigInt(timeMs) * 1_000_000n);
  });
}
