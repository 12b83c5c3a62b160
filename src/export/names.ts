/** Names of exported files. */

/** A symbol's name as part of a file name: what file systems refuse is written as %XX. */
export function fileNamePart(symbol: string): string {
  const safe = symbol.replace(
    /[/\\%:*?"<>|]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
  // A leading dot would hide the file, and mean another folder if nothing else followed.
  return safe.replace(/^\./, '%2E');
}

function minute(wallMs: number): string {
  return Number.isNaN(wallMs)
    ? '000000000000'
    : new Date(wallMs).toISOString().slice(0, 16).replace(/\D/g, '');
}

/** As a terminal names its export: symbol, minute of the first tick, minute of the last. */
export function mt5FileName(symbol: string, times: { firstMs: number; lastMs: number }): string {
  return `${fileNamePart(symbol)}_${minute(times.firstMs)}_${minute(times.lastMs)}.csv`;
}
