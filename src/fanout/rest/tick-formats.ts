/** Encodes a page of ticks in each of its media types. */
import { turn } from '../../pipeline/memory/doorbell.js';
import { tickJson } from '../../wire/json.js';
import { LINES, type LineFormatName } from '../../wire/lines.js';
import { MsgpackEncoder, packWithTicks } from '../../wire/msgpack.js';
import { EncodeBuffer, Payload } from '../../wire/payload.js';
import type { PagePart, TickPage } from './tick-page.js';

export type TickFormat = 'json' | LineFormatName | 'msgpack';

/** Format of each media type, by preference. `format=` selects the first media type of a format. */
export const MEDIA_TYPES: Record<string, TickFormat> = {
  'application/json': 'json',
  'application/x-ndjson': 'ndjson',
  'text/csv': 'csv',
  'application/msgpack': 'msgpack',
  'application/vnd.msgpack': 'msgpack',
  'application/x-msgpack': 'msgpack',
};

/** Ticks encoded in one turn of the event loop, which must also serve subscribers. */
const SLICE_TICKS = 1_024;

/**
 * The bytes of a page.
 * @param isForSheet CSV only: escapes names that a spreadsheet would take for a formula
 * @param wanted `isAborted` once the client no longer waits for the answer: the rest is not encoded
 */
export async function encodePage(
  page: TickPage,
  format: TickFormat,
  isForSheet: boolean,
  wanted: { readonly isAborted: boolean },
): Promise<Uint8Array> {
  const slices: Uint8Array[] = [];
  const encode = format === 'msgpack' ? msgpackSlices() : textSlices(page, format, isForSheet);
  for (const part of page.parts) {
    for (let i = 0; i < part.count && !wanted.isAborted; i += SLICE_TICKS) {
      if (slices.length > 0) await turn();
      slices.push(encode(part, i, Math.min(part.count, i + SLICE_TICKS)));
    }
  }
  return encodeBatch(page, format, slices);
}

type Slice = (part: PagePart, from: number, to: number) => Uint8Array;

function encodeBatch(page: TickPage, format: TickFormat, slices: Uint8Array[]): Uint8Array {
  if (format === 'msgpack') {
    const count = page.parts.reduce((sum, part) => sum + part.count, 0);
    return packWithTicks(headOf(page), count, slices);
  }
  if (format === 'json') {
    const commas = slices.flatMap((slice, i) => (i === 0 ? [slice] : [Buffer.from(','), slice]));
    const head = JSON.stringify(headOf(page)).slice(0, -1);
    return Buffer.concat([Buffer.from(`${head},"ticks":[`), ...commas, Buffer.from(']}')]);
  }
  const { header } = LINES[format];
  return Buffer.concat([Buffer.from(header === undefined ? '' : `${header}\n`), ...slices]);
}

function headOf(page: TickPage): object {
  const { symbol, epoch, shard, cursor, more, gaps, rewound } = page;
  const isMerged = page.parts.some(({ epochs }) => epochs !== undefined);
  return {
    ...symbol,
    ...{ epoch, shard, cursor, more, gaps },
    ...(rewound === undefined ? {} : { rewound }),
    ...(isMerged ? { runs: runsOf(page) } : {}),
  };
}

interface Run {
  epoch: number;
  shard: number;
  count: number;
}

/** The ticks of a page as runs of equal epoch and shard, in order. */
function runsOf(page: TickPage): Run[] {
  const runs: Run[] = [];
  for (const part of page.parts) {
    for (let i = 0; i < part.count; i++) {
      const origin = originOf(page, part, i);
      const run = runs.at(-1);
      if (run?.epoch === origin.epoch) run.count++;
      else runs.push({ ...origin, count: 1 });
    }
  }
  return runs;
}

/** The epoch and shard of tick `i`. Imports have one shard, 0. */
function originOf({ epoch, shard }: TickPage, { epochs }: PagePart, i: number): Omit<Run, 'count'> {
  const own = epochs?.[i] ?? epoch;
  return { epoch: own, shard: own === epoch ? shard : 0 };
}

function textSlices(page: TickPage, format: 'json' | LineFormatName, isForSheet: boolean): Slice {
  const { symbol, digits } = page.symbol;
  const named = { name: symbol, digits };
  return (part, from, to) => {
    const { records, seqs } = part;
    let text = '';
    for (let index = from; index < to; index++) {
      const seq = seqs[index];
      if (format === 'json') text += `${index > from ? ',' : ''}${tickJson(records, index, seq, symbol)}`;
      else {
        const { epoch, shard } = originOf(page, part, index);
        text += `${LINES[format].line({ records, index, seq, epoch, shard }, named, isForSheet)}\n`;
      }
    }
    return Buffer.from(text);
  };
}

function msgpackSlices(): Slice {
  const buffer = new EncodeBuffer(SLICE_TICKS * 96);
  const encoder = new MsgpackEncoder(buffer);
  const payload = new Payload();
  return ({ records, seqs }, from, to) => {
    payload.begin(0, 0, 0, false);
    for (let i = from; i < to; i++) encoder.put(payload, records, i, seqs[i]);
    return buffer.u8.slice(0, payload.bytes);
  };
}
