/**
 * Ticks in the order of time become finished segments: normalised and numbered as a shard does it, cut into a segment
 * a UTC day of tsEvent.
 */
import path from 'node:path';
import { BLOCK_TICKS, DIGITS_MAX } from '../core/limits.js';
import {
  copyRecord,
  F64_ASK,
  F64_BID,
  Kind,
  kindOf,
  Records,
  U32_KIND_FLAGS_SOURCE,
  U32_SYMBOL,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
} from '../core/tick.js';
import { blockBytesMax, writeBlock } from '../log/format/block.js';
import { BlockCodec } from '../log/format/block-codec.js';
import { BlockSummaryReader } from '../log/format/block-summary-reader.js';
import { blockKey } from '../log/format/keys.js';
import { rangesWithTimes } from '../log/index/segment-ranges.js';
import { ShardIndexWriter } from '../log/index/shard-index-writer.js';
import { commitPuts, flush, type Put } from '../log/lmdb/transaction.js';
import type { SegmentRange } from '../log/storage/segment-record.js';
import { openSegment, type Segment, segmentsFolder } from '../log/storage/segments.js';
import type { Registry } from '../pipeline/memory/registry.js';
import { allocateModule } from '../pipeline/memory/shard-memory.js';
import { Normaliser, PENDING, roundTo, SEQUENCED } from '../pipeline/shard/normaliser.js';
import { Count, SequencingModule } from '../pipeline/shard/sequencing-module.js';
import {
  S_PENDING,
  S_SCALE,
  STATE_F64,
  STATE_U32,
  SU_DEFINED,
  SU_VERSION,
  SymbolStates,
} from '../pipeline/shard/symbol-states.js';

const DAY_S = 86_400;
/** Blocks of a transaction. */
const COMMIT_BLOCKS = 64;
/** Imports have one shard. */
const IMPORT_SHARD = 0;
/** Prices that are rounded by it stay as they are. */
const FINEST = 10 ** DIGITS_MAX;

export interface BuiltSegment {
  /** Its folder's name in the staging folder: the UTC day. */
  folder: string;
  /** UNIX milliseconds. */
  startsAt: number;
  range: SegmentRange;
}

export interface BuiltSegments {
  /** Definitions of symbols among them. */
  sequenced: number;
  /** Without these. */
  ticks: number;
  /** Half-quotes whose other side never came. */
  oneSided: number;
  /** Ticks that numbering refused. */
  rejected: number;
  segments: BuiltSegment[];
}

export class SegmentBuilder {
  readonly #codec = new BlockCodec();
  readonly #states: SymbolStates;
  readonly #normaliser: Normaliser;
  readonly #module: SequencingModule;
  readonly #block = Records.allocate(BLOCK_TICKS);
  readonly #out = new Uint8Array(blockBytesMax(this.#codec, BLOCK_TICKS));
  #count = 0;
  #seq = 0;
  #oneSided = 0;
  #defined = 0;
  #rejected = 0;
  #day = Number.NaN;
  #segment: Segment | undefined;
  #puts: Put[] = [];
  readonly #index: ShardIndexWriter;
  readonly #putPage = (key: Buffer, page: Uint8Array) => {
    this.#puts.push({ key, value: Buffer.from(page), isNew: true });
  };
  readonly #built: BuiltSegment[] = [];

  constructor(
    readonly data: string,
    readonly folder: string,
    readonly epoch: number,
    readonly registry: Registry,
  ) {
    this.#index = new ShardIndexWriter(epoch, IMPORT_SHARD, new BlockSummaryReader(this.#codec));
    this.#module = new SequencingModule(allocateModule(registry.maxSymbols), registry.maxSymbols);
    this.#states = new SymbolStates(this.#module);
    this.#states.learn(registry);
    this.#normaliser = new Normaliser(this.#module, this.#states);
  }

  async add(raw: Records): Promise<void> {
    const day = Math.floor(raw.u32[U32_TS_EVENT_S] / DAY_S);
    if (day !== this.#day) await this.#begin(day);
    const u = raw.u32[U32_SYMBOL] * STATE_U32;
    if (this.#states.u32[u + SU_DEFINED] !== this.#states.u32[u + SU_VERSION]) await this.#define(raw);
    copyRecord(raw, 0, this.#module.records, 0);
    const scaleAt = raw.u32[U32_SYMBOL] * STATE_F64 + S_SCALE;
    const scale = this.#states.f64[scaleAt];
    if (isFiner(raw, scale)) this.#states.f64[scaleAt] = FINEST;
    const result = this.#normaliser.normalise(0, this.#seq + 1);
    this.#states.f64[scaleAt] = scale;
    if (result === SEQUENCED) await this.#take(0);
    else if (result === PENDING) this.#hold(raw.u32[U32_SYMBOL]);
    else this.#rejected++;
  }

  /** The quote that brings the other side stands for this half too, as in a shard. */
  #hold(id: number): void {
    this.#states.f64[id * STATE_F64 + S_PENDING]++;
    this.#oneSided++;
  }

  /** A definition is a tick of its own, numbered before the first tick that relies on it. */
  async #define(raw: Records): Promise<void> {
    const seq = this.#seq + 1;
    const { own, records } = this.#module;
    const id = raw.u32[U32_SYMBOL];
    const [s, ns] = [raw.u32[U32_TS_EVENT_S], raw.u32[U32_TS_EVENT_NS]];
    const source = raw.u32[U32_KIND_FLAGS_SOURCE] >>> 16;
    this.#states.writeDefinition(records, own, id, source, seq, s, ns, this.registry.digits[id]);
    this.#module.apply(own, seq);
    this.#defined++;
    await this.#take(own);
  }

  /** Takes the tick that was numbered last: record `i` of the module's memory. */
  async #take(i: number): Promise<void> {
    this.#seq++;
    copyRecord(this.#module.records, i, this.#block, this.#count);
    this.#module.counts[Count.critical] = 0;
    if (++this.#count === BLOCK_TICKS) await this.#encode();
  }

  async #begin(day: number): Promise<void> {
    await this.#end();
    this.#day = day;
  }

  async #encode(): Promise<void> {
    if (this.#count === 0) return;
    const { epoch } = this;
    const first = this.#seq - this.#count + 1;
    const block = writeBlock(
      this.#codec,
      epoch,
      IMPORT_SHARD,
      first,
      this.#block,
      this.#count,
      this.registry.digits,
      [],
      this.#out,
      0,
    );
    // lmdb reads the bytes until the commit is over.
    const value = Buffer.from(block);
    this.#puts.push({ key: blockKey(epoch, IMPORT_SHARD, first), value, isNew: true });
    this.#index.add(value, first, this.#putPage);
    this.#count = 0;
    if (this.#puts.length >= COMMIT_BLOCKS) await this.#commit();
  }

  async #commit(): Promise<void> {
    if (this.#puts.length === 0) return;
    if (this.#segment === undefined) {
      const place = path.relative(segmentsFolder(this.data), path.join(this.folder, this.#name()));
      this.#segment = openSegment(this.data, place, { readOnly: false, sync: 'os' });
    }
    await commitPuts(this.#segment.blocks, this.#puts);
    this.#puts = [];
  }

  #name(): string {
    return new Date(this.#day * DAY_S * 1000).toISOString().slice(0, 10);
  }

  /** Closes the current segment and flushes it to the disk. */
  async #end(): Promise<void> {
    await this.#encode();
    this.#index.finish(this.#putPage);
    await this.#commit();
    const segment = this.#segment;
    this.#segment = undefined;
    if (segment === undefined) return;
    await flush(segment.blocks);
    const [range] = rangesWithTimes(segment);
    await segment.blocks.close();
    this.#built.push({ folder: this.#name(), startsAt: this.#day * DAY_S * 1000, range });
  }

  async finish(): Promise<BuiltSegments> {
    await this.#end();
    const oneSided = this.#oneSided;
    const ticks = this.#seq - this.#defined;
    const [rejected, segments] = [this.#rejected, this.#built];
    return { sequenced: this.#seq, ticks, oneSided, rejected, segments };
  }

  async close(): Promise<void> {
    const segment = this.#segment;
    this.#segment = undefined;
    await segment?.blocks.close();
  }
}

/**
 * Whether a tick has prices with more decimals than its symbol. Readers of files have taken artefacts off, so this is what
 * a row says; the same row has to be known again when it is imported once more.
 */
function isFiner(raw: Records, scale: number): boolean {
  const bid = raw.f64[F64_BID];
  const ask = kindOf(raw, 0) === Kind.quote ? raw.f64[F64_ASK] : bid;
  return roundTo(bid, scale) !== bid || roundTo(ask, scale) !== ask;
}
