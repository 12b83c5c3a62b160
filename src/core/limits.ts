/**
 * Every bound of the engine, and what happens when it is reached. Relations between them are asserted
 * below, when the module loads.
 */
import { RECORD_BYTES, SLOT_BITS } from './tick.js';

/** Shards per engine. More: `bad_config`. */
export const SHARDS_MAX = 16;
/** Stable hash buckets of symbol names; a shard is `bucket % shards`, so positions survive a changed shard count. */
export const BUCKETS = 16;
/** Feeds per engine. More: `bad_config`. */
export const FEEDS_MAX = 16;
/** Sources (terminals, files, venues) that a feed has open at once. More: the source is refused with `limit_exceeded`. */
export const FEED_SOURCES_MAX = 64;
/** Sources that the registry knows of one feed. More: the one that was opened longest ago and is not open is forgotten, and its id goes to the new one. */
export const FEED_SOURCES_KEPT = 1_024;
/** Source ids of one data folder (u16 in the record). More: as above, or `registry_full`. */
export const SOURCES_MAX = 65_535;
/** UTF-8 bytes of a source's name, and of its stream id. Longer: `bad_input`. */
export const SOURCE_NAME_BYTES_MAX = 256;
/** Bytes of a source's details as JSON. More: `bad_input`. */
export const SOURCE_INFO_BYTES_MAX = 1_024;
/** Symbols ever defined in one data folder; a default that `maxSymbols` may change. More: `registry_full`. */
export const SYMBOLS_DEFAULT = 16_384;
/** The most that it may be changed to: ids are 24 bits. More: `bad_config`. */
export const SYMBOLS_MAX = 0x1000000;
/** UTF-8 bytes of a symbol name. Longer: the definition is rejected and counted. */
export const SYMBOL_NAME_BYTES_MAX = 64;
/** UTF-8 bytes of the name that a source itself gives a symbol. Longer: the definition is rejected and counted, with an alias too. */
export const RAW_NAME_BYTES_MAX = 128;
/** Decimal digits of a price. More: the definition is rejected. */
export const DIGITS_MAX = 15;
/** Bytes of definitions (symbols, sources, aliases) in the registry, superseded ones not counted. Full: `registry_full`. */
export const REGISTRY_BYTES = 16 * 1024 * 1024;
/** What every symbol beyond SYMBOLS_DEFAULT adds to them. */
export const REGISTRY_BYTES_PER_SYMBOL = 256;
/** Part of them that aliases may take, which are kept for information. More: those defined longest ago are forgotten. */
export const REGISTRY_ALIAS_SHARE = 0.25;
/** Bytes of superseded definitions that are not worth compacting the registry. More, and more than the others: they go. */
export const REGISTRY_WASTE_BYTES = 256 * 1024;
/** Part of the registry (bytes, symbols, source ids) at which the operator is warned. */
export const REGISTRY_WARN_SHARE = 0.8;

/** Slots of a raw ring (feed × shard). Full: the feed's policy, `block` or `conflate`. */
export const RAW_RING_SLOTS = 16_384;
/** Raw records that may wait for a shard that sleeps between batches; of a small ring at most an eighth of it. More: the shard is woken. */
export const NAP_TICKS = 512;
/** Slots of a shard's broadcast ring. Full: the log gates it (`log.onStall`); free readers are overtaken. */
export const BROADCAST_RING_SLOTS = 1_048_576;
/** The fewest that a setting may make of it. Less: `bad_config`. */
export const BROADCAST_RING_SLOTS_MIN = 8_192;
/** Slots of a shard's critical ring (trades, status, gaps). Free readers are overtaken and then read from the log. */
export const CRITICAL_RING_SLOTS = 65_536;
/** Raw records that a shard takes before it commits; of a small ring no more than fill half of it. */
export const SHARD_BATCH = 4_096;
/** Ticks that a shard sequences ahead of the last-value table, at most, while more wait for it; of a small ring no more than fill half of it. Then the table comes first. */
export const PROJECT_TICKS = 16_384;
/** Batches that the journal of a stage holds, where one is kept; the oldest goes first. A power of two. */
export const JOURNAL_NOTES = 65_536;
/** Slots that one raw record can need: its symbol's definition, and itself. */
export const SLOTS_PER_RAW = 2;
/** Half-quotes that become pending in one batch. More: the batch is committed early. */
export const PENDING_PER_BATCH = 64;

/** Critical ticks waiting beside a full raw ring under `conflate`. More: dropped, counted, marked by a gap record. */
export const SIDE_QUEUE_SLOTS = 4_096;

/** Whole seconds that an event time may lie beyond receipt, as clocks differ. More: the tick is flagged `suspicious`. */
export const EVENT_AHEAD_S_MAX = 1;

/** Ticks of a log block. */
export const BLOCK_TICKS = 8_192;
/** Ticks after which a shard rings for the log; of a small ring no more than an eighth of it. With fewer, the log looks by itself. */
export const LOG_DOORBELL_TICKS = 2_048;
/** Encoded bytes under way to LMDB, not yet visible. More: the log writer stops reading, and so gates the ring. */
export const LOG_INFLIGHT_BYTES = 64 * 1024 * 1024;
/** Milliseconds that a tick may wait in the log writer before its block is written, full or not. */
export const LOG_COMMIT_DELAY_MS = 50;
/** Blocks, and pages, that one index page is over at most. */
export const INDEX_BLOCKS = 256;
export const INDEX_PAGES = 32;
/** Levels of index pages: together they are over INDEX_BLOCKS × INDEX_PAGES ^ (levels - 1) blocks; beyond, the top level has more pages. */
export const INDEX_LEVELS = 4;
/** Places (a symbol in a block or page) of an index page, about; with more it is over fewer of them. */
export const INDEX_PLACES = 262_144;
/** Bytes of index pages that a reader of the log keeps. More: those used longest ago go. */
export const INDEX_CACHE_BYTES = 32 * 1024 * 1024;
/** Symbols among which reading skips blocks by the index; with more, hardly a block has none of them. */
export const INDEX_FILTER_MAX = 32;
/** Encoded bytes that are worth a commit at once, whatever the delay. */
export const LOG_COMMIT_BYTES = 8 * 1024 * 1024;
/** Free bytes of the data folder's disk below which the log stops (`block`) or is left behind (`shed`). */
export const LOG_FREE_BYTES_FLOOR = 256 * 1024 * 1024;
/** Free bytes of the disk below which a commit takes up its room before lmdb writes it. No room: as below the floor. */
export const LOG_RESERVE_BELOW_BYTES = 256 * 1024 * 1024;
/** Pages of a file's trees that a reader looks at before lmdb does: some 20 ms. The engine looks at all of what it writes. */
export const LOG_CHECKED_PAGES = 8_192;
/** Blocks, and milliseconds, after which the log writes its state down: what opening replays is bounded by them. */
export const LOG_CHECKPOINT_BLOCKS = 1_024;
export const LOG_CHECKPOINT_MS = 10_000;
/** Milliseconds between two flushes under `log.sync = interval`. */
export const LOG_SYNC_INTERVAL_MS = 1_000;
/** Milliseconds of a segment, unless a setting says otherwise: a UTC day. */
export const LOG_SEGMENT_MS = 86_400_000;
/** The least that a setting may make of it. Less: `bad_config`. */
export const LOG_SEGMENT_MS_MIN = 100;
/** Milliseconds before the end of a segment at which the next one is opened, at most. */
export const LOG_PREPARE_MS = 60_000;
/** Milliseconds between two checks which segments have expired. */
export const LOG_RETENTION_MS = 1_000;
/** Part of the time that the recompression of closed segments works. */
export const LOG_RECOMPRESS_SHARE = 0.25;
/** Segments that a reader of the log keeps open. More: the one used longest ago is closed. */
export const LOG_OPEN_SEGMENTS = 8;
/** Decoded blocks that a job thread keeps for neighbouring jobs. */
export const LOG_CACHE_BLOCKS = 64;

/** WebSocket connections. More: refused with close code 4503. */
export const CONNECTIONS_MAX = 10_000;
/** The same of one address (of IPv6: one /64), so that one machine cannot take them all. More: refused with 4503. */
export const CONNECTIONS_PER_ADDRESS_MAX = 2_000;
/** Connections that have not shown their token yet, where one is wanted; they take no slot of an authorised one. More: the oldest of the address that has most of them is closed with 4004. */
export const UNAUTHORISED_MAX = 2_048;
/** Subscriptions of one connection. More: error `too_many_subscriptions`, the others continue. */
export const SUBSCRIPTIONS_MAX = 64;
/** Symbols and patterns in one subscribe. More: error `too_many_symbols`. */
export const SUBSCRIBE_SYMBOLS_MAX = 10_000;
/** Patterns among them: each is compared with every symbol. More: error `too_many_symbols`. */
export const SUBSCRIBE_PATTERNS_MAX = 64;
/** Names that subscriptions wait for, as no source has defined them: of one connection a sixteenth, of one address a quarter. More: error `too_many_symbols`. */
export const UNKNOWN_NAMES_MAX = 200_000;
/** Patterns of all subscriptions, each of which is compared with every new symbol; of one connection and one address likewise. More: error `too_many_symbols`. */
export const PATTERNS_MAX = 8_192;
/** Bytes of the tables that say which symbols a subscription has; of one address a quarter. More: error `too_many_symbols`. */
export const FILTER_BYTES_MAX = 256 * 1024 * 1024;
/** Milliseconds that requests of clients take of one turn of the event loop. The others wait for their turn. */
export const REQUESTS_MS = 4;
/** Bytes of requests that wait for their turn; of one address a quarter, of one connection a sixteenth. More: closed with 4002. */
export const REQUEST_BYTES_WAITING_MAX = 256 * 1024 * 1024;
/** Bytes of answers that one connection has not read. More: closed with 4001. */
export const ANSWER_BYTES_PER_CONNECTION_MAX = 8 * 1024 * 1024;
/** The same of all connections; of one address a quarter. More: those that have not read theirs are closed with 4001. */
export const ANSWER_BYTES_MAX = 256 * 1024 * 1024;
/** Bytes of a message from a client. More: closed with 4500; beyond the double of it cut off unread, without a code. */
export const CLIENT_MESSAGE_BYTES_MAX = 256 * 1024;
/** Control messages of a client per second, with as many again in a burst. More: closed with 4002. */
export const CLIENT_MESSAGES_PER_SECOND = 200;
/** Messages in a row that are no requests. More: closed with 4500. */
export const BAD_MESSAGES_MAX = 100;
/** Milliseconds within which a connection has to present a token, where one is wanted. Later: closed with 4501. */
export const AUTH_DEADLINE_MS = 10_000;
/** Milliseconds that the host's authoriser has for an answer. Later: counts as failed, temporarily. */
export const AUTHORISER_MS_MAX = 10_000;
/** UTF-8 bytes of a token. Longer ones are wrong. */
export const TOKEN_BYTES_MAX = 1_024;
/** Wrong tokens of an address at once, and per minute. More: refused without a look until the minute has passed. */
export const WRONG_TOKENS_PER_MINUTE = 10;
/** Addresses whose wrong tokens are remembered. More: the one that has been remembered longest is forgotten. */
export const WRONG_TOKEN_ADDRESSES_MAX = 10_000;
/** Milliseconds without a sign of life (a message, a ping, a pong) after which a connection is closed with 4003. */
export const IDLE_MS = 60_000;
/** Milliseconds that subscribers have at shutdown to take the last ticks. Later: closed as they are, and resume by cursor. */
export const DRAIN_GRACE_MS = 1_000;
/** Bytes sent between two pings. */
export const PING_EVERY_BYTES = 64 * 1024;
/** Bytes not yet answered by a pong. More: that subscriber's cursors stop until the pong comes. */
export const WINDOW_BYTES = 256 * 1024;
/** Bytes that uWebSockets may buffer for a socket. Windows bound ticks well below; only bursts of answers come near. More: closed. */
export const SOCKET_BUFFER_BYTES = 32 * 1024 * 1024;
/** Ticks encoded for one subscriber in one flush; the rest waits for the next. */
export const FLUSH_TICKS_MAX = 8_192;
/** Bytes of one frame to a subscriber. */
export const FRAME_BYTES_MAX = 240 * 1024;
/** Connections in one cohort: a frame goes to all of them without a turn of the event loop. More: another cohort. */
export const COHORT_MEMBERS_MAX = 256;
/** Bytes of one frame to a cohort. The rest waits for the next flush. */
export const COHORT_BYTES = 64 * 1024;
/** Bytes not yet answered of a member of a cohort in mode `every`, which gets all of them in any case, and those between two pings. More: it leaves the cohort. */
export const EVERY_COHORT_WINDOW_BYTES = 512 * 1024;
export const EVERY_COHORT_PING_EVERY_BYTES = 256 * 1024;
/** Log pages read at once for subscribers that catch up. More: they wait their turn, and their cursors do not move. */
export const CATCHUP_JOBS = 2;
/** Milliseconds that a thread which read pages waits for more. Longer without any: it ends. */
export const CATCHUP_IDLE_MS = 30_000;
/** The most that a setting may make of it: every job fills a page. More: `bad_config`. */
export const CATCHUP_JOBS_MAX = 12;
/** Seqs of a log page: what one catch-up job decodes. */
export const PAGE_TICKS = 8_192;
/** Decoded pages kept for all subscribers that catch up, 608 KiB each. More: the one used longest ago goes. */
export const PAGES_MAX = 48;
/** Pages that follow one another and are read by one job, at most: handing a job over costs about as much as reading one. */
export const CATCHUP_JOB_PAGES = 8;
/** Pages read ahead of one subscriber that catches up. With many that do, fewer: their pages must live until they are sent. */
export const READ_AHEAD_PAGES = 16;
/** Pages waiting to be read. More: a subscribe or seek into the log is answered `busy`; a running subscription waits. */
export const PAGES_WAITING_MAX = 256;
/** Ticks of one answer to `history`. More: the answer says how far it reaches. */
export const HISTORY_TICKS_MAX = 4_096;
/** Searches at once for answers to `history` and for the position of a time; for one address half of them. More: `busy`. */
export const LOOKUPS_MAX = 8;
/** Seeks of one subscription that are not answered: they take effect one after the other. More: `busy`. */
export const SEEKS_WAITING_MAX = 8;
/** Recorded seconds per second at which the past can be played. */
export const SPEED_MAX = 1_000_000;
/** Ticks of a page of `/v1/ticks` unless `limit` says otherwise, and at most. More: 400 `bad_request`. */
export const REST_PAGE_TICKS = 1_000;
export const REST_PAGE_TICKS_MAX = 10_000;
/**
 * Pages read from the log at once, and likewise answers of thousands of states written; in all, and of one client (a key,
 * or where there is none an address). More: they wait.
 */
export const REST_PAGES_AT_ONCE = 4;
export const REST_PAGES_AT_ONCE_OF_CLIENT = 3;
/** Requests that wait for that, in all and of one client. More: 503 `busy`. */
export const REST_WAITING_MAX = 64;
export const REST_WAITING_OF_CLIENT_MAX = 8;
/** Milliseconds that they wait at most. Longer: 503 `busy`. */
export const REST_WAIT_MS_MAX = 2_000;
/** Catch-up jobs that one page takes. The page then ends early, and its cursor says where the next one begins. */
export const REST_PAGE_JOBS_MAX = 16;
/** Bytes of HTTP answers that their readers have not taken yet; a small answer is not counted. More: 503 `busy`. */
export const HTTP_UNREAD_BYTES = 64 * 1024 * 1024;
/** The same of one client. */
export const HTTP_UNREAD_BYTES_OF_CLIENT = HTTP_UNREAD_BYTES / 2;
/** Bytes up to which an answer counts as small. */
export const HTTP_SMALL_BYTES = 64 * 1024;
/** Milliseconds that a flush waits for more ticks when flushing costs much time, unless a setting says otherwise. */
export const FLUSH_INTERVAL_MS_MAX = 16;
/** Milliseconds without any message to a client before a heartbeat. */
export const HEARTBEAT_MS = 5_000;

/** Bytes of a feed's capture that wait for the disk. More: that capture ends with an error, the feed continues. */
export const CAPTURE_BUFFER_BYTES = 64 * 1024 * 1024;
/** Bytes of a capture file, after which another is begun. */
export const CAPTURE_FILE_BYTES = 256 * 1024 * 1024;

/** Terminals connected to one MT5 port, each after its hello. More: refused with an error frame. */
export const MT5_CONNECTIONS_MAX = 64;
/** Connections to it that have not said hello; they take no slot of a terminal. More: the oldest of the address that has most of them is closed. */
export const MT5_GREETING_MAX = 256;
/** The same of one address (of IPv6: one /64). More: its oldest is closed. */
export const MT5_GREETING_PER_ADDRESS_MAX = MT5_CONNECTIONS_MAX;
/** Milliseconds that a connection has for its hello, or the idle timeout where that is shorter. Later: closed. */
export const MT5_HELLO_MS = 5_000;
/** Closed connections that still have to read why. More: they are cut at once. */
export const MT5_FAREWELLS_MAX = 256;
/** Bytes of answers that a terminal leaves unread. More: it gets no acknowledgements and heartbeats until it reads. */
export const MT5_UNREAD_BYTES_MAX = 64 * 1024;
/** Bytes of a source name, and of a trade server's name, in a hello. More: refused with `bad_hello`. */
export const MT5_NAME_BYTES_MAX = 64;
export const MT5_SERVER_BYTES_MAX = 128;
/** Bytes of an MT5 frame: the largest batch, and its header. More: bad framing, the connection is closed. */
export const MT5_FRAME_BYTES_MAX = 260 * 1024;
/** Bytes of the first frame of a connection, which anyone may send. More: bad framing, as above. */
export const MT5_HELLO_BYTES_MAX = 2_048;
/** Bytes of a string in an MT5 frame. Longer ones are cut by the sender and refused by the receiver. */
export const MT5_STRING_BYTES_MAX = 512;
/** Symbols that one terminal defines. More: those definitions are answered with an error, the others continue. */
export const MT5_SYMBOLS_MAX = 65_536;
/** Ticks that a terminal may pass over as dropped at once; rings carry low words of counts, which can hold twice as much. More: bad framing. */
export const MT5_GAP_TICKS_MAX = 2 ** 29;
/** Ticks in one MT5 batch. */
export const MT5_BATCH_TICKS_MAX = 4_096;
/** Ticks that a terminal keeps until they are acknowledged. More: its source is paused, or, where it cannot be, the oldest go, counted. */
export const MT5_BACKLOG_TICKS = 262_144;

/** Times that a stage may die within the window before the engine gives up and stops cleanly. */
export const STAGE_DEATHS_MAX = 5;
export const STAGE_DEATHS_WINDOW_MS = 10_000;
/** Milliseconds that a stopping engine waits for its stages to drain. */
export const STOP_GRACE_MS = 1_500;
/** The same for the log, which has the disk to wait for. */
export const STOP_LOG_GRACE_MS = 3_000;

/** Ticks that a file reader decodes at a time; its batch is reused. */
export const FILE_BATCH_TICKS = 2_048;
/** Bytes of one line of a tick file. Longer: the rest of the file cannot be read, which is counted as one bad record. */
export const FILE_LINE_BYTES_MAX = 4_096;
/** Files that are merged by time at once. More: `limit_exceeded`. */
export const FILE_MERGE_MAX = 64;
/** Ticks that the synthetic feed makes before it commits and lets the event loop turn. */
export const SYNTHETIC_BATCH_TICKS = 2_048;

function assertLimit(holds: boolean, relation: string): void {
  if (!holds) throw new Error(`limits.ts: ${relation} does not hold`);
}

/** Whether it is a number of slots that a ring can have. */
export function isPowerOfTwo(n: number): boolean {
  return Number.isInteger(n) && n > 0 && (n & (n - 1)) === 0 && n <= SLOT_BITS + 1;
}

assertLimit(RECORD_BYTES === 64, 'a record is one cache line');
assertLimit(isPowerOfTwo(RAW_RING_SLOTS), 'RAW_RING_SLOTS is a power of two');
assertLimit(isPowerOfTwo(BROADCAST_RING_SLOTS), 'BROADCAST_RING_SLOTS is a power of two');
assertLimit(isPowerOfTwo(CRITICAL_RING_SLOTS), 'CRITICAL_RING_SLOTS is a power of two');
assertLimit(BROADCAST_RING_SLOTS >= 16 * SHARD_BATCH * SLOTS_PER_RAW, 'a batch is a small part of the ring');
assertLimit(BUCKETS % SHARDS_MAX === 0 && SHARDS_MAX <= BUCKETS, 'every shard has a bucket');
assertLimit(SYMBOLS_DEFAULT <= SYMBOLS_MAX, 'the default is no more than the most');
assertLimit(BLOCK_TICKS * 8 <= BROADCAST_RING_SLOTS, 'the ring holds several blocks');
assertLimit(PAGES_MAX >= 4 * CATCHUP_JOBS_MAX, 'pages live long enough to be read');
assertLimit(FRAME_BYTES_MAX < WINDOW_BYTES, 'a frame fits into the window');
assertLimit(
  PING_EVERY_BYTES + 3 * COHORT_BYTES <= WINDOW_BYTES &&
    EVERY_COHORT_PING_EVERY_BYTES + 3 * COHORT_BYTES <= EVERY_COHORT_WINDOW_BYTES,
  'a member has time to answer a ping before its window lacks the room for a frame',
);
assertLimit(REST_PAGES_AT_ONCE_OF_CLIENT < REST_PAGES_AT_ONCE, 'one client leaves a place to others');
assertLimit(REST_PAGE_TICKS <= REST_PAGE_TICKS_MAX, 'the default page is no larger than the largest');
assertLimit(MT5_BATCH_TICKS_MAX * 64 + 24 <= MT5_FRAME_BYTES_MAX, 'a full MT5 batch fits into a frame');
assertLimit(FEEDS_MAX * FEED_SOURCES_KEPT <= SOURCES_MAX, 'every feed has ids for the sources that it keeps');
assertLimit(FEED_SOURCES_MAX < FEED_SOURCES_KEPT, 'some source of those that are kept is not open');
