/** Names of exported files. */
import { terminalNamePart } from '../feeds/file/index.js';

function minute(wallMs: number): string {
  return Number.isNaN(wallMs)
    ? '000000000000'
    : new Date(wallMs).toISOString().slice(0, 16).replace(/\D/g, '');
}

/** The name that a terminal gives its export: symbol, minute of the first tick, minute of the last. */
export function mt5FileName(symbol: string, times: { firstMs: number; lastMs: number }): string {
  return `${terminalNamePart(symbol)}_${minute(times.firstMs)}_${minute(times.lastMs)}.csv`;
}
