/**
 * A page with imported ticks and the live ticks of one epoch, merged by time of receipt as in `ticks replay`. Live ticks
 * stay in seq order, so the time of a live tick is the maximum over the live ticks so far. At equal times live ticks come
 * first, then imports by epoch. After the last import, pages have live ticks only.
 */

import type { ImportsAnswer, LogPort } from '../../core/log-port.js';
import { copyRecord, RECORD_U32, Records, U32_TS_RECV_NS, U32_TS_RECV_S } from '../../core/tick.js';
import { isEarlier, type Time } from '../../core/time.js';
import { type PagePosition, pageTokenToText } from '../../wire/page-token.js';
import { type PageGap, PageReading, readTickPage, type TickPage, type TickPageRequest } from './tick-page.js';

/** The position of a page that begins at a time; null: at the oldest tick. */
export function positionAt(from: Time | null): PagePosition {
  const start = from ?? { seconds: 0, nanos: 0 };
  return { imports: { ...start, epoch: 0, seq: 0 }, recvMax: { seconds: 0, nanos: 0 } };
}

/**
 * Reads a page of live and imported ticks.
 * @param position position among the imports, beside `request.starts` for live ticks
 * @param to end of the imports, exclusive; null: no end
 * @param wanted `isAborted` once the client no longer waits for the page
 * @throws any error of the log
 */
export async function readMergedPage(
  request: TickPageRequest,
  position: PagePosition,
  to: Time | null,
  catchUp: LogPort,
  wanted: { readonly isAborted: boolean },
): Promise<TickPage> {
  const { limit } = request;
  const { symbolId } = request.symbol;
  const imports = await catchUp.readImports({ symbolId, after: position.imports, to, maxTicks: limit });
  if (imports.count === 0) {
    const page = await readTickPage(request, catchUp, wanted);
    return { ...page, gaps: [...importGaps(imports, 0), ...page.gaps] };
  }
  // One live tick is enough to know when live ticks begin: a page may have imports only.
  const reading = new PageReading(request, await catchUp.epochs(), catchUp, 1);
  await reading.run(wanted);
  const merge = new Merge(reading.page(), imports, position.recvMax);
  if (imports.count < limit || !merge.isImportNext(imports.count - 1)) {
    reading.limit = limit;
    await reading.run(wanted);
    merge.live = reading.page();
  }
  return merge.page(reading, position, limit);
}

class Merge {
  readonly #imported: Records;

  constructor(
    public live: TickPage,
    readonly imports: ImportsAnswer,
    public recvMax: Time,
  ) {
    this.#imported = new Records(imports.buffer);
  }

  /** Whether imported tick `i` comes before the first live tick. */
  isImportNext(i: number): boolean {
    const first = this.live.parts.at(0);
    if (first === undefined) return false;
    return isEarlier(timeOf(this.#imported, i), later(this.recvMax, timeOf(first.records, 0)));
  }

  page(reading: PageReading, position: PagePosition, limit: number): TickPage {
    const { live, imports } = this;
    const { records, seqs, liveCount } = joined(live);
    const out = Records.allocate(limit);
    const part = { records: out, seqs: new Float64Array(limit), epochs: new Float64Array(limit), count: 0 };
    let taken = 0;
    let imported = 0;
    while (part.count < limit) {
      const isLive = taken < liveCount;
      // More live ticks follow, and their times are not known yet.
      if (!isLive && live.more) break;
      if (!isLive && imported === imports.count) break;
      const recvMax = isLive ? later(this.recvMax, timeOf(records, taken)) : undefined;
      const isImport =
        imported < imports.count &&
        (recvMax === undefined || isEarlier(timeOf(this.#imported, imported), recvMax));
      const from = isImport ? imported++ : taken++;
      copyRecord(isImport ? this.#imported : records, from, out, part.count);
      part.seqs[part.count] = (isImport ? imports.seqs : seqs)[from];
      part.epochs[part.count++] = isImport ? imports.epochs[from] : live.epoch;
      if (!isImport) this.recvMax = recvMax!;
    }
    const hasImports = imported < imports.count || imports.more;
    const next = taken < liveCount ? seqs[taken] : Number.POSITIVE_INFINITY;
    const cursor = taken < liveCount ? reading.cursorBefore(next) : live.cursor;
    return {
      ...live,
      cursor: hasImports ? this.#token(cursor, position, imported) : cursor,
      more: live.more || taken < liveCount || hasImports,
      gaps: [...importGaps(imports, imported), ...live.gaps.filter(({ first }) => first < next)],
      parts: [part],
    };
  }

  #token(cursor: string, position: PagePosition, imported: number): string {
    const { epochs, seqs } = this.imports;
    const last = imported - 1;
    const imports =
      imported === 0
        ? position.imports
        : { ...timeOf(this.#imported, last), epoch: epochs[last], seq: seqs[last] };
    return pageTokenToText({ cursor, imports, recvMax: this.recvMax });
  }
}

/** The live ticks of a page, in one array of records. */
function joined({ parts }: TickPage): { records: Records; seqs: Float64Array; liveCount: number } {
  const liveCount = parts.reduce((sum, { count }) => sum + count, 0);
  const records = Records.allocate(Math.max(1, liveCount));
  const seqs = new Float64Array(liveCount);
  let at = 0;
  for (const part of parts) {
    for (let i = 0; i < part.count; i++) {
      copyRecord(part.records, i, records, at);
      seqs[at++] = part.seqs[i];
    }
  }
  return { records, seqs, liveCount };
}

/** Gaps of the imports, without those after the ticks that are left for the next page. */
function importGaps({ gaps, epochs, seqs }: ImportsAnswer, imported: number): PageGap[] {
  const left = new Map<number, number>();
  for (let i = epochs.length - 1; i >= imported; i--) left.set(epochs[i], seqs[i]);
  return gaps
    .filter(({ epoch, first }) => first < (left.get(epoch) ?? Number.POSITIVE_INFINITY))
    .map((gap) => ({ ...gap, shard: 0 }));
}

function timeOf(records: Records, i: number): Time {
  const w = i * RECORD_U32;
  return { seconds: records.u32[w + U32_TS_RECV_S], nanos: records.u32[w + U32_TS_RECV_NS] };
}

function later(a: Time, b: Time): Time {
  return isEarlier(a, b) ? b : a;
}
