/**
 * The golden vectors of `fixtures/wire`: one of each kind of tick, in each encoding. Run compiled, with a
 * folder as its argument, it writes them; the test compares them with what the encoders make today.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  Flag,
  GapReason,
  Kind,
  NO_TIME_S,
  Records,
  StatusCode,
  writeGap,
  writeHeader,
  writeQuote,
  writeStatus,
  writeTimes,
  writeTrade,
} from '../../src/tick.js';
import { ENCODINGS } from '../../src/wire/ticks.js';
import { encode } from './wire.js';

export const GOLDEN_SEQS = [65_001, 65_002, 65_003, 65_004, 65_005, 65_006];

/** A compact quote, one with sizes, a wide one without an event time, a trade, a status, a gap. */
export function goldenRecords(): Records {
  const r = Records.allocate(GOLDEN_SEQS.length);
  const kinds = [
    Kind.quote,
    Kind.quote | Flag.locked,
    Kind.quote | Flag.late | Flag.conflated,
    Kind.trade | Flag.buy,
    Kind.status,
    Kind.gap,
  ];
  kinds.forEach((kind, i) => {
    writeHeader(r, i, i === 5 ? 0 : 1 + (i % 2), kind, 3, GOLDEN_SEQS[i], 100 + i);
    writeTimes(r, i, i === 2 ? NO_TIME_S : 1_790_000_000, 250_000_000, 1_790_000_000, 250_700_000 + i);
  });
  writeQuote(r, 0, 1.08512, 1.08514, Number.NaN, Number.NaN);
  writeQuote(r, 1, 2345.67, 2345.67, 12, 0.5);
  writeQuote(r, 2, 1.085121, 1.08514, 1_000_000, Number.NaN);
  writeTrade(r, 3, 2345.68, 0.25, 987_654_321);
  writeStatus(r, 4, StatusCode.symbolDefined, 2, 5, 0, 0);
  writeGap(r, 5, GapReason.sourceSequence, 501, 504, 4);
  return r;
}

export function goldenVectors(): Map<string, Uint8Array> {
  const vectors = new Map<string, Uint8Array>();
  for (const encoding of ENCODINGS) {
    const name = encoding === 'json' ? 'ticks.json.txt' : `ticks.${encoding}.bin`;
    vectors.set(name, encode(encoding, goldenRecords(), GOLDEN_SEQS).message);
    const snapshot = encode(encoding, goldenRecords(), [0, 65_002], { snapshot: true, baseSeq: 6000 });
    vectors.set(name.replace('ticks', 'snapshot'), snapshot.message);
  }
  return vectors;
}

const [, script, folder] = process.argv;
if (folder !== undefined && import.meta.url === pathToFileURL(script).href) {
  for (const [name, bytes] of goldenVectors()) writeFileSync(join(folder, name), bytes);
}
