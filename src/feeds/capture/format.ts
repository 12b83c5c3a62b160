/**
 * What a capture file holds: what came in before anything was sequenced, in the order in which one feed took it.
 *
 * ```
 * file
 *  0 8 bytes "TICKCAP1", then entries
 * entry
 *  0 u32 bytes of the payload │ 4 u16 kind │ 6 u16 0 │ 8 u32 channel │ 12 u32 received s │ 16 u32 ns │ 20 u32 0
 * 24 payload
 *
 * kind          channel           payload
 *  1 opened     connection        UTF-8: the peer's address
 *  2 data       connection        bytes as they came
 *  3 closed     connection        none
 * 16 source     the id it got     JSON {name, stream?, info?}
 * 17 symbol     the id it got     JSON {source, raw, canonical, definition}
 * 18 take       source            f64 symbol, position
 * 19 quote      source            f64 symbol, flags, position, event s, ns, bid, ask, bid size, ask size
 * 20 trade      source            f64 symbol, flags, position, event s, ns, price, size, trade id
 * 21 status     source            f64 symbol, code, argument 0 … 3
 * 22 gap        source            f64 symbol, reason, first, last, count
 * 23 reject     0                 f64 count; the reason follows as UTF-8
 * 24 refuse     source            f64 position; the reason follows as UTF-8
 * 25 duplicate  0                 f64 count
 * 26 split      0                 none
 * 27 records    source            u32 1 = the time of receipt is that of the event │ u32 0 │ 64-byte records
 * 28 release    source            none
 * ```
 *
 * Little-endian. A source, in the payload of a symbol as elsewhere, is its id.
 */
export const FILE_MAGIC = 'TICKCAP1';
export const FILE_HEADER_BYTES = 8;
export const ENTRY_HEADER_BYTES = 24;
const FILE_SUFFIX = '.tickcap';

export const CaptureKind = {
  opened: 1,
  data: 2,
  closed: 3,
  source: 16,
  symbol: 17,
  take: 18,
  quote: 19,
  trade: 20,
  status: 21,
  gap: 22,
  reject: 23,
  refuse: 24,
  duplicate: 25,
  split: 26,
  records: 27,
  release: 28,
} as const;

/** Name of a feed's n-th capture file; feeds may have names that files may not. */
export function captureFileName(feed: string, n: number): string {
  return `${encodeURIComponent(feed)}.${String(n).padStart(6, '0')}${FILE_SUFFIX}`;
}

/** Number of a feed's capture file by its name; null where it is none of that feed. */
export function captureFileNumber(feed: string, file: string): number | null {
  const prefix = `${encodeURIComponent(feed)}.`;
  if (!file.startsWith(prefix) || !file.endsWith(FILE_SUFFIX)) return null;
  const number = file.slice(prefix.length, -FILE_SUFFIX.length);
  return /^\d{6,}$/.test(number) ? Number(number) : null;
}
