/**
 * From runs to finished segments: merged by time, without what is there already. The segments lie in the staging
 * folder until they are adopted.
 */

import { BLOCK_TICKS } from '../core/limits.js';
import {
  RECORD_U32,
  Records,
  U32_KIND_FLAGS_SOURCE,
  U32_SYMBOL,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
} from '../core/tick.js';
import { isEarlier } from '../core/time.js';
import { BlockCodec } from '../log/format/block-codec.js';
import { LogReader } from '../log/read/log-reader.js';
import type { Registry } from '../pipeline/memory/registry.js';
import { Doubles, type RivalFound } from './doubles.js';
import { RunMerge } from './merge.js';
import { type SymbolSpans, widen } from './rivals.js';
import { type BuiltSegments, SegmentBuilder } from './segment-builder.js';
import type { RunInfo } from './spool.js';

/** The runs of files that were read together, and what their symbols are in the log. */
export interface BuildBatch {
  runs: RunInfo[];
  /** Symbol ids by the batch's own index; 0: its ticks are left out. */
  ids: number[];
  /** How many files they are. */
  files: number;
}

/** What is to be built. */
export interface BuildPlan {
  /** The data folder. */
  data: string;
  /** Where the segments are made. */
  folder: string;
  epoch: number;
  sourceId: number;
  batches: BuildBatch[];
  /** Epochs of imports that may have the same ticks. */
  rivals: number[];
  /** Whether the import is to take the place of its rivals: their ticks are not left out then. */
  replaces: boolean;
}

export interface Built extends BuiltSegments {
  /** Ticks left out as another file of the import has them. */
  doubles: number;
  /** Ticks left out as their symbol was refused. */
  nameless: number;
  /** What rivals have of the same symbols and times. */
  rivals: RivalFound[];
  spans: SymbolSpans;
}

/**
 * @param turn told the ticks so far, now and then; true: stop
 * @returns undefined when it was stopped
 */
export async function buildSegments(
  plan: BuildPlan,
  registry: Registry,
  turn: (ticks: number) => boolean,
): Promise<Built | undefined> {
  const { data, folder, epoch, sourceId, batches } = plan;
  const builder = new SegmentBuilder(data, folder, epoch, registry);
  const codec = new BlockCodec();
  const runs = batches.flatMap((batch) => batch.runs);
  const idsOf = batches.flatMap((batch) => batch.runs.map(() => batch.ids));
  // Files are counted through all batches: the first of each.
  const firstOf: number[] = [];
  let files = 0;
  for (const batch of batches) {
    for (let r = 0; r < batch.runs.length; r++) firstOf.push(files);
    files += batch.files;
  }
  const merge = new RunMerge(runs, codec);
  const raw = Records.allocate(1);
  const spans: SymbolSpans = new Map();
  let nameless = 0;
  const reader = plan.rivals.length > 0 ? LogReader.open(data) : undefined;
  reader?.hold();
  const doubles = files > 1 || plan.rivals.length > 0 ? doublesOf(plan, reader, registry) : undefined;
  try {
    for (let n = 1; merge.next(); n++) {
      const from = merge.index * RECORD_U32;
      raw.u32.set(merge.records.u32.subarray(from, from + RECORD_U32));
      raw.u32[U32_SYMBOL] = idsOf[merge.rank][raw.u32[U32_SYMBOL] - 1];
      if (n % BLOCK_TICKS === 0 && turn(n)) return undefined;
      if (raw.u32[U32_SYMBOL] === 0) {
        nameless++;
        continue;
      }
      const file = firstOf[merge.rank] + (raw.u32[U32_KIND_FLAGS_SOURCE] >>> 16);
      raw.u32[U32_KIND_FLAGS_SOURCE] = (raw.u32[U32_KIND_FLAGS_SOURCE] & 0xffff) | (sourceId << 16);
      // Of a raw record these two words are the source's position and what is folded into it: neither is there.
      raw.u32[2] = raw.u32[3] = 0;
      if (doubles?.has(raw, file) !== true) await builder.add(raw);
      widen(spans, raw.u32[U32_SYMBOL], raw.u32[U32_TS_EVENT_S], raw.u32[U32_TS_EVENT_NS]);
    }
    const built = await builder.finish();
    return { ...built, doubles: doubles?.ofFiles ?? 0, rivals: doubles?.rivals ?? [], nameless, spans };
  } finally {
    merge.close();
    await reader?.close();
    await builder.close();
  }
}

function doublesOf(
  { batches, rivals, replaces }: BuildPlan,
  reader: LogReader | undefined,
  registry: Registry,
): Doubles {
  const filter = new Uint8Array(registry.symbolCount);
  for (const { ids } of batches) for (const id of ids) filter[id] = 1;
  const starts = batches
    .flatMap(({ runs }) => runs)
    .map(({ fromS, fromNs }) => ({ seconds: fromS, nanos: fromNs }));
  const from = starts.reduce((first, start) => (isEarlier(start, first) ? start : first));
  return new Doubles(reader, rivals, filter, from, !replaces);
}
