/**
 * Verifies a whole log: the checksum of each block, its decoding, its key against its header, and the order of seqs and
 * symbolSeqs. The verifier only reads, so it can run beside an engine.
 */
import { messageOf } from '../../core/errors.js';
import { BLOCK_TICKS } from '../../core/limits.js';
import {
  ENGINE_SYMBOL,
  Flag,
  RECORD_U32,
  Records,
  U32_KIND_FLAGS_SOURCE,
  U32_SYMBOL,
  U32_SYMBOL_SEQ,
} from '../../core/tick.js';
import { type BlockHeader, checkBlock, lastSeqOf } from '../format/block.js';
import { BlockCodec } from '../format/block-codec.js';
import { readTicks } from '../format/block-ticks.js';
import type { BlockKey } from '../format/keys.js';
import { readEpochs, readRegistry, unsealed } from '../storage/catalog.js';
import { type LogStore, lastKnown, removedOf } from '../storage/log-store.js';
import { blocksOfSegment, type SegmentBlock } from '../storage/segment-blocks.js';
import { type SegmentRecord, segmentName } from '../storage/segment-record.js';
import type { Segment } from '../storage/segments.js';
import type { Moment } from './survey.js';

export type DamageReason =
  /** The checksum is wrong. */
  | 'checksum'
  /** The checksum is right, and the ticks cannot be decoded: damage, or an unknown version. */
  | 'undecodable'
  /** A block has the key of another block. */
  | 'misplaced'
  /** Blocks that should be there are not. */
  | 'missing'
  /** Two blocks have the same seqs. */
  | 'overlap'
  /** A tick's symbolSeq does not follow that of the symbol's tick before. */
  | 'symbol_seq'
  /** Ticks of a symbol that the registry does not know. */
  | 'unknown_symbol'
  /** The segment's file is gone or cannot be opened. */
  | 'segment';

export interface Damage {
  segment: string;
  epoch: number;
  shard: number;
  first: number;
  last: number;
  reason: DamageReason;
  /** Times of receipt of the ticks before and after: ticks between them may be lost. */
  after?: Moment | undefined;
  before?: Moment | undefined;
}

export interface Verified {
  segments: number;
  blocks: number;
  ticks: number;
  bytes: number;
  /** Seqs that were shed while the log could not write: recorded, not damaged. */
  shed: number;
  /** Seqs that retention removed. */
  removed: number;
  damages: Damage[];
  /** Other damage, in sentences: the registry, the checkpoint. */
  catalog: string[];
  /** False when it was stopped before the end. */
  isWhole: boolean;
}

/** The state of the check of one shard of an epoch. */
class ShardCheck {
  expected: number;
  recvMax: Moment | undefined;
  /** By symbol id: the symbolSeq of its last tick. */
  readonly symbolSeq = new Map<number, number>();
  /** Counts gaps; by symbol id, the gaps that its symbolSeq has passed. */
  hole = 0;
  readonly holeOf = new Map<number, number>();
  /** Damages whose end in time is known with the next good block. */
  open: Damage[] = [];

  constructor(removed: number) {
    this.expected = removed + 1;
    if (removed > 0) this.hole = 1;
  }
}

export class LogVerifier {
  readonly result: Verified = {
    segments: 0,
    blocks: 0,
    ticks: 0,
    bytes: 0,
    shed: 0,
    removed: 0,
    damages: [],
    catalog: [],
    isWhole: true,
  };
  readonly #shards = new Map<string, ShardCheck>();
  readonly #records = Records.allocate(BLOCK_TICKS);
  readonly #codec = new BlockCodec();
  readonly #symbolCount: number;

  /** @param symbolCount ids that the registry knows are below it */
  constructor(
    readonly store: LogStore,
    symbolCount: number,
  ) {
    this.#symbolCount = symbolCount;
  }

  /** @param turn awaited now and then; true: stop */
  async run(turn: (blocks: number) => Promise<boolean>): Promise<Verified> {
    const { store, result } = this;
    this.#checkCatalog();
    const epochs = readEpochs(store.catalog);
    for (const { epoch, shards } of epochs) {
      for (let shard = 0; shard < shards; shard++) {
        const removed = removedOf(store, epoch, shard);
        result.removed += removed;
        this.#shards.set(`${epoch}/${shard}`, new ShardCheck(removed));
      }
    }
    for (const record of [...store.segments()]) {
      if (!(await this.#segment(record, turn))) {
        result.isWhole = false;
        return result;
      }
    }
    for (const { epoch, shards } of epochs) {
      for (let shard = 0; shard < shards; shard++) {
        const check = this.#shards.get(`${epoch}/${shard}`)!;
        const last = lastKnown(store, epoch, shard);
        if (check.expected <= last) this.#missing('', epoch, shard, check, last);
      }
    }
    return result;
  }

  #checkCatalog(): void {
    const { catalog } = this.store;
    try {
      readRegistry(catalog);
    } catch (error) {
      this.result.catalog.push(messageOf(error));
    }
    for (const name of ['checkpoint', 'positions'] as const) {
      for (const { key, value } of catalog[name].getRange({ start: 0 })) {
        if (unsealed(value) === undefined) {
          this.result.catalog.push(
            `Entry ${key} of the ${name} is damaged: the next start continues without it.`,
          );
        }
      }
    }
  }

  /** False when it was stopped. */
  async #segment(record: SegmentRecord, turn: (blocks: number) => Promise<boolean>): Promise<boolean> {
    const opened = this.#open(record);
    if (opened === undefined) return true;
    this.result.segments++;
    let isStopped = false;
    try {
      for (const block of blocksOfSegment(opened)) {
        this.#block(record.folder, block);
        if (this.result.blocks % 64 === 0 && (isStopped = await turn(this.result.blocks))) return false;
      }
    } catch (error) {
      this.#unreadable(record, messageOf(error));
    }
    for (const { epoch, shard, last } of record.ranges ?? []) {
      const check = this.#shards.get(`${epoch}/${shard}`);
      if (check !== undefined && check.expected <= last)
        this.#missing(record.folder, epoch, shard, check, last);
    }
    return !isStopped;
  }

  /** The segment, or the one that took its place meanwhile; undefined when it was removed or is damaged. */
  #open(record: SegmentRecord): Segment | undefined {
    for (let tries = 0; tries < 2; tries++) {
      const now = this.store.segments().find(({ number }) => number === record.number);
      if (now === undefined) return undefined;
      try {
        const segment = this.store.open(now);
        if (segment !== undefined) return segment;
      } catch (error) {
        this.#unreadable(record, messageOf(error));
        return undefined;
      }
      this.store.refresh();
    }
    const listed = this.store.segments().find(({ number }) => number === record.number);
    if (listed !== undefined) {
      const why = this.store.damaged.get(segmentName(listed));
      this.#unreadable(record, why ?? `Segment ${record.folder} cannot be opened.`);
    }
    return undefined;
  }

  #unreadable(record: SegmentRecord, why: string): void {
    this.result.catalog.push(why);
    for (const { epoch, shard, first, last } of record.ranges ?? []) {
      const check = this.#shards.get(`${epoch}/${shard}`);
      if (check === undefined || check.expected > last) continue;
      this.#damage(record.folder, epoch, shard, check, Math.max(first, check.expected), last, 'segment');
      this.#skipTo(check, last + 1);
    }
  }

  #missing(segment: string, epoch: number, shard: number, check: ShardCheck, last: number): void {
    this.#damage(segment, epoch, shard, check, check.expected, last, 'missing');
    this.#skipTo(check, last + 1);
  }

  #damage(
    segment: string,
    epoch: number,
    shard: number,
    check: ShardCheck,
    first: number,
    last: number,
    reason: DamageReason,
  ): void {
    const damage: Damage = { segment, epoch, shard, first, last, reason, after: check.recvMax };
    this.result.damages.push(damage);
    check.open.push(damage);
  }

  /** Continues after missing ticks: symbolSeqs may jump once. */
  #skipTo(check: ShardCheck, expected: number): void {
    check.expected = Math.max(check.expected, expected);
    check.hole++;
  }

  #block(segment: string, { key, bytes }: SegmentBlock): void {
    const { result } = this;
    const { epoch, shard, firstSeq } = key;
    const name = `${epoch}/${shard}`;
    let check = this.#shards.get(name);
    if (check === undefined) {
      check = new ShardCheck(0);
      this.#shards.set(name, check);
    }
    result.blocks++;
    result.bytes += bytes.length;
    if (firstSeq > check.expected) {
      // Retention may have come by since this began.
      const removed = removedOf(this.store, epoch, shard);
      if (removed >= check.expected) this.#skipTo(check, Math.min(removed + 1, firstSeq));
      if (firstSeq > check.expected) this.#missing(segment, epoch, shard, check, firstSeq - 1);
    }
    const header = checkBlock(bytes);
    const last = header?.lastSeq ?? lastSeqOf(firstSeq, bytes);
    const count = header === undefined ? -1 : readTicks(this.#codec, bytes, header, this.#records);
    const reason = damageReasonOf(key, header, check.expected, count);
    if (header === undefined || reason !== undefined) {
      this.#damage(segment, epoch, shard, check, firstSeq, last, reason ?? 'checksum');
      this.#skipTo(check, last + 1);
      return;
    }
    if (header.shed) {
      result.shed += last - firstSeq + 1;
      this.#skipTo(check, last + 1);
      return;
    }
    result.ticks += count;
    for (const damage of check.open) damage.before = header.recvMin;
    check.open = [];
    check.recvMax = header.recvMax;
    check.expected = last + 1;
    const fault = this.#ticks(count, check);
    if (fault !== undefined) this.#damage(segment, epoch, shard, check, firstSeq, last, fault);
  }

  #ticks(count: number, check: ShardCheck): DamageReason | undefined {
    const { u32 } = this.#records;
    let fault: DamageReason | undefined;
    for (let w = 0; w < count * RECORD_U32; w += RECORD_U32) {
      const id = u32[w + U32_SYMBOL];
      if (id >= this.#symbolCount && id !== ENGINE_SYMBOL) fault ??= 'unknown_symbol';
      const symbolSeq = u32[w + U32_SYMBOL_SEQ];
      const before = check.symbolSeq.get(id);
      const step = (symbolSeq - (before ?? 0)) >>> 0;
      const mayJump =
        (u32[w + U32_KIND_FLAGS_SOURCE] & Flag.conflated) !== 0 || (check.holeOf.get(id) ?? 0) < check.hole;
      // A step back is a huge one, modulo 2^32.
      if (step !== 1 && (!mayJump || step === 0 || step >= 2 ** 31)) fault ??= 'symbol_seq';
      check.symbolSeq.set(id, symbolSeq);
      if (check.hole > 0) check.holeOf.set(id, check.hole);
    }
    return fault;
  }
}

/** The damage of a block; `count` is the result of its decoding. */
function damageReasonOf(
  { epoch, shard, firstSeq }: BlockKey,
  header: BlockHeader | undefined,
  expected: number,
  count: number,
): DamageReason | undefined {
  if (header === undefined) return 'checksum';
  if (header.epoch !== epoch || header.shard !== shard || header.firstSeq !== firstSeq) return 'misplaced';
  if (firstSeq < expected) return 'overlap';
  return count < 0 ? 'undecodable' : undefined;
}
