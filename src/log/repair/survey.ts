/** Counts what a log holds from the headers and directories of its blocks. No tick is decoded. */
import { BLOCK_TICKS } from '../../core/limits.js';
import { type BlockHeader, readHeader } from '../format/block.js';
import { readDirectory } from '../format/block-ticks.js';
import { Directory } from '../format/directory.js';
import { type EpochRecord, readEpochs, readLogId } from '../storage/catalog.js';
import type { LogStore } from '../storage/log-store.js';
import { blocksOfSegment } from '../storage/segment-blocks.js';
import type { SegmentRecord } from '../storage/segment-record.js';
import { bytesOfSegment } from '../storage/segments.js';

/** UNIX seconds and nanoseconds. */
export type Moment = [seconds: number, nanos: number];

/** Counts of ticks and blocks, and the first and last time of receipt. */
export class TickCounts {
  ticks = 0;
  blocks = 0;
  /** Bytes of the blocks themselves. */
  blockBytes = 0;
  from: Moment | undefined;
  to: Moment | undefined;

  add(header: BlockHeader, bytes: number): void {
    this.blocks++;
    this.blockBytes += bytes;
    if (header.shed) return;
    this.ticks += header.lastSeq - header.firstSeq + 1;
    // A block none of whose ticks has a time says that its lowest is the latest there is.
    if (compare(header.recvMin, header.recvMax) > 0) return;
    if (this.from === undefined || compare(header.recvMin, this.from) < 0) this.from = header.recvMin;
    if (this.to === undefined || compare(header.recvMax, this.to) > 0) this.to = header.recvMax;
  }
}

function compare(a: Moment, b: Moment): number {
  return a[0] - b[0] || a[1] - b[1];
}

export interface SegmentSurvey extends TickCounts {
  record: SegmentRecord;
  /** Of its file. */
  fileBytes: number;
}

export interface EpochSurvey extends TickCounts {
  record: EpochRecord;
}

export class LogSurvey extends TickCounts {
  logId = '';
  readonly segments: SegmentSurvey[] = [];
  readonly epochs: EpochSurvey[] = [];
  /** Seqs that were left out while the log could not write. */
  shed = 0;
  /** Blocks without a readable header; `verifyLog` says more. */
  unreadable = 0;
  /** By symbol id: the symbolSeqs that its ticks took. Folded ticks count. */
  readonly bySymbol: number[] = [];
  /** For each block with ticks: seconds of receipt of the first and last tick, and the number of ticks. */
  readonly blockSpans: [fromS: number, toS: number, ticks: number][] = [];
}

/** @param turn awaited now and then; true: stop, what was seen so far is returned */
export async function surveyLog(store: LogStore, turn: () => Promise<boolean>): Promise<LogSurvey> {
  const survey = new LogSurvey();
  survey.logId = readLogId(store.catalog);
  const epochs = new Map<number, EpochSurvey>();
  for (const record of readEpochs(store.catalog)) {
    const epoch = Object.assign(new TickCounts(), { record });
    epochs.set(record.epoch, epoch);
    survey.epochs.push(epoch);
  }
  const counter = new SymbolCounter(survey.bySymbol);
  for (const record of store.segments()) {
    const fileBytes = record.bytes ?? bytesOfSegment(store.dataFolder, record.folder);
    const segment = Object.assign(new TickCounts(), { record, fileBytes });
    survey.segments.push(segment);
    const opened = store.open(record);
    if (opened === undefined) continue;
    let blocks = 0;
    for (const { key, bytes } of blocksOfSegment(opened)) {
      const header = readHeader(bytes);
      if (header === undefined || header.lastSeq < header.firstSeq) {
        survey.unreadable++;
        continue;
      }
      for (const counts of [survey, segment, epochs.get(key.epoch)]) counts?.add(header, bytes.length);
      if (header.shed) {
        survey.shed += header.lastSeq - header.firstSeq + 1;
      } else {
        survey.blockSpans.push([header.recvMin[0], header.recvMax[0], header.lastSeq - header.firstSeq + 1]);
        counter.add(bytes, header);
      }
      if (++blocks % 64 === 0 && (await turn())) return survey;
    }
  }
  return survey;
}

class SymbolCounter {
  readonly #directory = new Directory(BLOCK_TICKS);

  constructor(readonly bySymbol: number[]) {}

  add(block: Uint8Array, header: BlockHeader): void {
    const directory = this.#directory;
    if (!readDirectory(block, header, directory)) return;
    for (let i = 0; i < directory.count; i++) {
      const ticks = ((directory.lastSymbolSeq[i] - directory.firstSymbolSeq[i]) >>> 0) + 1;
      const id = directory.symbolId[i];
      this.bySymbol[id] = (this.bySymbol[id] ?? 0) + ticks;
    }
  }
}

/** Ticks by equal parts of time; the ticks of a block are spread evenly over its time span. */
export function activityOf(
  blockSpans: readonly [fromS: number, toS: number, ticks: number][],
  parts: number,
): { fromS: number; toS: number; ticks: number[] } {
  let fromS = Number.POSITIVE_INFINITY;
  let toS = 0;
  for (const [from, to] of blockSpans) {
    fromS = Math.min(fromS, from);
    toS = Math.max(toS, to + 1);
  }
  const ticks = new Array<number>(parts).fill(0);
  if (blockSpans.length === 0) return { fromS: 0, toS: 0, ticks };
  const width = (toS - fromS) / parts;
  for (const [from, to, count] of blockSpans) {
    const first = Math.floor((from - fromS) / width);
    const last = Math.min(parts - 1, Math.floor((to + 1 - fromS) / width));
    for (let p = first; p <= last; p++) {
      const begin = Math.max(from, fromS + p * width);
      const end = Math.min(to + 1, fromS + (p + 1) * width);
      ticks[p] += (count * Math.max(0, end - begin)) / (to + 1 - from);
    }
  }
  return { fromS, toS, ticks };
}
