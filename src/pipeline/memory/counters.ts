/**
 * The words of each stage's commit cell, and the sums that they must satisfy:
 *
 * ```
 * received + split + generated = rejected + duplicate + conflated + dropped + pendingOneSided + inFlight + sequenced
 * sequenced = logged + shed + (not yet visible in the log)
 * ```
 *
 * Every word has one writer: the stage whose cell it is in.
 */
import { BUCKETS, FEED_SOURCES_MAX, FEEDS_MAX, PENDING_PER_BATCH, SHARDS_MAX } from '../../core/limits.js';

/** Why a tick was rejected; the order is that of the counters. */
export const REJECT_REASONS = [
  /** NaN or infinite where a price must be, or not positive where the symbol allows no such price. */
  'bad_price',
  /** A negative or infinite size. */
  'bad_size',
  /** A symbol that the source never defined. */
  'unknown_symbol',
  /** A record kind that does not exist. */
  'bad_kind',
  /** A time that cannot be one. */
  'bad_time',
  /** A line, frame or record that cannot be read. */
  'bad_record',
  /** A symbol whose definition was refused: its name or digits, or there was no room for it. */
  'refused_symbol',
] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];
export const Reject = Object.fromEntries(REJECT_REASONS.map((name, i) => [name, i])) as Record<
  RejectReason,
  number
>;

/** Words of a feed's cell. */
export const FeedWord = {
  /** Raw ring heads, by shard. */
  heads: 0,
  received: SHARDS_MAX,
  duplicate: SHARDS_MAX + 1,
  split: SHARDS_MAX + 2,
  generated: SHARDS_MAX + 3,
  conflated: SHARDS_MAX + 4,
  dropped: SHARDS_MAX + 5,
  /** Ticks in the conflation buffer of a full ring, now. */
  conflating: SHARDS_MAX + 6,
  /** Ticks dropped that no gap record covers yet. */
  unmarked: SHARDS_MAX + 7,
  /** By reject reason; 8 words reserved. */
  rejected: SHARDS_MAX + 8,
  /** Source id of each local source; 0 = free. */
  sourceIds: SHARDS_MAX + 16,
  /** Position of each local source in each bucket: source × BUCKETS + bucket. */
  positions: SHARDS_MAX + 16 + FEED_SOURCES_MAX,
  /** Position that each local source has reached in this run: everything up to it was offered, whatever became of it. */
  reached: SHARDS_MAX + 16 + FEED_SOURCES_MAX + FEED_SOURCES_MAX * BUCKETS,
  /** The connector's own checkpoint. */
  state: SHARDS_MAX + 16 + 2 * FEED_SOURCES_MAX + FEED_SOURCES_MAX * BUCKETS,
} as const;
export const FEED_WORDS = FeedWord.state;

/** Words of one pending half-quote in a shard's cell. */
export const PENDING_WORDS = 6;

/** Words of a shard's cell. */
export const ShardWord = {
  /** Last seq of the epoch: how many ticks were sequenced. */
  head: 0,
  /** Records ever written to the critical ring. */
  criticalHead: 1,
  generated: 2,
  conflated: 3,
  /** Half-quotes waiting for their other side, now. */
  pendingOneSided: 4,
  /** Entries in `pendingList` that the last batch added. */
  pendingListLength: 5,
  crossed: 6,
  locked: 7,
  late: 8,
  suspicious: 9,
  /** Gauge: receipt minus event of the last tick that had a time, in ns. */
  skewNs: 10,
  batches: 11,
  /** symbolSeq of symbol id 0 in this shard. */
  engineSymbolSeq: 12,
  /** By reject reason; 8 words reserved. */
  rejected: 16,
  /** Raw ring tails, by feed. */
  tails: 24,
  /** Symbols that the last batch left with a half-quote: symbolId, bid, ask, bidSize, askSize, pending half-quotes. */
  pendingList: 24 + FEEDS_MAX,
} as const;
export const SHARD_WORDS = ShardWord.pendingList + PENDING_PER_BATCH * PENDING_WORDS;

/** Words of the log's cell. */
export const LogWord = {
  /** Last seq that a reader of the log sees, by shard: the gate of the broadcast ring. */
  visible: 0,
  /** Last seq that survives a power cut, by shard. */
  durable: SHARDS_MAX,
  /** Ticks of this epoch in the log, by shard. */
  logged: 2 * SHARDS_MAX,
  /** Ticks of this epoch that the log was left behind for, by shard. */
  shed: 3 * SHARDS_MAX,
  epoch: 4 * SHARDS_MAX,
  commits: 4 * SHARDS_MAX + 1,
  blocks: 4 * SHARDS_MAX + 2,
  bytes: 4 * SHARDS_MAX + 3,
  /** 1 while the log cannot write and says why in its errors. */
  stalled: 4 * SHARDS_MAX + 4,
  segments: 4 * SHARDS_MAX + 5,
  /** Bytes of the whole log on the disk. */
  fileBytes: 4 * SHARDS_MAX + 6,
  /** Bytes that recompression has taken off closed segments. */
  savedBytes: 4 * SHARDS_MAX + 7,
  /** Seq, by shard, up to which every tick is durable or was shed. It is raised when ticks are shed: see `durable` for the rest. */
  settled: 4 * SHARDS_MAX + 8,
} as const;
export const LOG_WORDS = 5 * SHARDS_MAX + 8;
