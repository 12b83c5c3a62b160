/** An engine's memory without an engine: the MT5 port in front, and a reader of its raw ring instead of a shard. */
import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { SharedClock } from '../../../src/core/clock.js';
import { MT5_FRAME_BYTES_MAX } from '../../../src/core/limits.js';
import { RECORD_U32, U32_RAW_POSITION } from '../../../src/core/tick.js';
import { type TickRecord, toTick } from '../../../src/core/tick-record.js';
import type { FeedContext } from '../../../src/feeds/connector/feed.js';
import { FeedSink } from '../../../src/feeds/connector/feed-sink.js';
import { FieldReader, FRAME_HEADER_BYTES } from '../../../src/feeds/mt5/fields.js';
import { decodeError, encodeHello, FrameType, type Hello } from '../../../src/feeds/mt5/framing.js';
import {
  type Mt5Options,
  Mt5Server,
  Mt5Terminal,
  type TerminalOptions,
} from '../../../src/feeds/mt5/index.js';
import { FrameReader } from '../../../src/feeds/mt5/reader.js';
import { CommitCells } from '../../../src/pipeline/memory/commit-cells.js';
import { CounterReader } from '../../../src/pipeline/memory/counter-reader.js';
import {
  FEED_WORDS,
  FeedWord,
  LOG_WORDS,
  LogWord,
  SHARD_WORDS,
  ShardWord,
} from '../../../src/pipeline/memory/counters.js';
import { turn } from '../../../src/pipeline/memory/doorbell.js';
import { allocateMemory, type EngineMemory, feedStage } from '../../../src/pipeline/memory/engine-memory.js';
import { Registry } from '../../../src/pipeline/memory/registry.js';
import { RingConsumer } from '../../../src/pipeline/memory/spsc-ring.js';

const PATIENCE_MS = 30_000;

/** A raw record, with what only raw records have. */
export interface RawTick extends TickRecord {
  position: number;
}

export interface BenchOptions extends Mt5Options {
  shards?: number;
  rawSlots?: number;
  log?: boolean;
  /** The feed's alias table. */
  aliases?: Record<string, string>;
  /** Takes over the memory of an earlier bench, as a restarted feed thread does. */
  memory?: EngineMemory;
}

/** Turns the event loop until something holds; fails loudly when it never does. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`never happened: ${what}`);
    await turn();
  }
}

/** The stand-in for a shard: reads a raw ring and counts what it read as sequenced. */
export class RawShard {
  readonly ticks: RawTick[] = [];
  readonly #cells: CommitCells;
  readonly #ring: RingConsumer;
  #tail: number;

  constructor(memory: EngineMemory, shard: number) {
    this.#cells = new CommitCells(memory.shardCells[shard], SHARD_WORDS);
    const feed = new CommitCells(memory.feedCells[0], FEED_WORDS + memory.plan.feeds[0].stateWords);
    this.#ring = new RingConsumer(
      memory.raw[0][shard],
      { cells: feed, word: FeedWord.heads + shard },
      { cells: this.#cells, word: ShardWord.tails },
    );
    this.#tail = this.#cells.read(ShardWord.tails);
  }

  consume(most = Number.POSITIVE_INFINITY): number {
    const count = Math.min(most, this.#ring.available(this.#tail));
    if (count === 0) return 0;
    const next = this.#cells.prime();
    for (let i = 0; i < count; i++) {
      const slot = this.#ring.slot(this.#tail++);
      const position = this.#ring.records.u32[slot * RECORD_U32 + U32_RAW_POSITION];
      this.ticks.push({ ...toTick(this.#ring.records, slot), position });
    }
    next[ShardWord.tails] = this.#tail;
    next[ShardWord.head] += count;
    this.#cells.commit();
    return count;
  }
}

export class Bench {
  readonly memory: EngineMemory;
  readonly registry: Registry;
  readonly sink: FeedSink;
  readonly server: Mt5Server;
  readonly shards: RawShard[];
  readonly warnings: string[] = [];
  readonly #log: CommitCells;
  readonly #aliases: Record<string, string>;

  constructor(readonly options: BenchOptions = {}) {
    const { shards = 1, rawSlots = 4096, log = false, aliases = {}, memory, ...server } = options;
    this.memory =
      memory ??
      allocateMemory({
        shards,
        feeds: [{ name: 'mt5', policy: 'block', stateWords: 0 }],
        log,
        maxSymbols: 256,
        rawSlots,
        ringSlots: 64,
        criticalSlots: 64,
      });
    this.registry = new Registry(this.memory.registry, 256, feedStage(0));
    this.sink = new FeedSink(this.memory, 0, this.registry, new SharedClock(this.memory.clock), false);
    this.server = new Mt5Server({ port: 0, ...server });
    this.shards = Array.from({ length: this.memory.plan.shards }, (_, s) => new RawShard(this.memory, s));
    this.#log = new CommitCells(this.memory.logCells, LOG_WORDS);
    this.#aliases = aliases;
  }

  async start(): Promise<this> {
    const warn = (_: object, message: string): void => void this.warnings.push(message);
    const context: FeedContext = {
      name: 'mt5',
      sink: this.sink,
      clock: this.sink.clock,
      log: { info: () => {}, warn, error: warn },
      signal: new AbortController().signal,
      state: () => this.sink.state(),
      resumed: false,
      symbol: (source, raw, definition, proposed) => {
        const name = this.#aliases[raw] ?? proposed ?? raw;
        const id = this.registry.defineSymbol({ name, ...definition }, source.id);
        this.registry.defineAlias(source.id, raw, id);
        return id;
      },
      source: (name, details) => this.sink.open('mt5', name, details?.stream, details?.info),
    };
    await this.server.start(context);
    return this;
  }

  /** Reads what the rings hold. */
  consume(): void {
    for (const shard of this.shards) shard.consume();
  }

  /** As `until`, reading the rings all the while. */
  reading(holds: () => boolean, what: string): Promise<void> {
    return until(() => {
      this.consume();
      return holds();
    }, what);
  }

  /** All that the first shard has read but status and gap records. */
  get ticks(): RawTick[] {
    return this.shards[0].ticks.filter((t) => t.kind === 'quote' || t.kind === 'trade');
  }

  /** Raises what counts as durable to all that was sequenced. */
  makeDurable(): void {
    const reader = this.counters;
    const next = this.#log.prime();
    for (let s = 0; s < this.shards.length; s++) next[LogWord.durable + s] = reader.head(s);
    this.#log.commit();
  }

  get counters(): CounterReader {
    return new CounterReader(this.memory);
  }

  /** What the sums lack: 0 when every tick is accounted for. */
  get missing(): number {
    const t = this.counters.totals();
    return (
      t.received +
      t.split +
      t.generated -
      (t.rejected + t.duplicate + t.conflated + t.dropped + t.inFlight + t.sequenced)
    );
  }

  count(what: string): number {
    return this.server.status().counters?.[what] ?? 0;
  }

  terminal(options: Partial<TerminalOptions> = {}): Mt5Terminal {
    const defaults = { host: '127.0.0.1', port: this.server.port, account: 7, server: 'Test-Server' };
    const own = { name: 'term', zone: 'UTC', reconnectMsMin: 2, reconnectMsMax: 20 };
    return new Mt5Terminal({ ...defaults, ...own, ...options });
  }

  peer(): Promise<Peer> {
    return Peer.connect(this.server.port);
  }
}

/** A peer that writes bytes as it likes, and notes the frames that come back. */
export class Peer {
  readonly types: number[] = [];
  readonly errors: { severity: number; code: string; message: string }[] = [];
  readonly #reader = new FrameReader(MT5_FRAME_BYTES_MAX);
  isClosed = false;

  constructor(readonly socket: Socket) {
    socket.on('data', (chunk) => {
      this.#reader.push(chunk);
      while (this.#reader.next()) {
        const { type, view, start, end } = this.#reader;
        this.types.push(type);
        if (type === FrameType.error) {
          this.errors.push(decodeError(new FieldReader(view, start + FRAME_HEADER_BYTES, end)));
        }
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  static async connect(port: number): Promise<Peer> {
    const socket = connect({ host: '127.0.0.1', port });
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new Peer(socket);
  }

  /** Says hello and waits for the welcome. */
  async hello(details: Partial<Hello> = {}): Promise<void> {
    this.socket.write(helloFrame(details));
    await until(() => this.types.includes(FrameType.welcome), 'welcome');
  }

  /** Waits for the port to close the connection, and returns the code of its error frame. */
  async refusal(): Promise<string | undefined> {
    await until(() => this.isClosed, 'the port closes the connection');
    return this.errors.at(-1)?.code;
  }
}

export function helloFrame(details: Partial<Hello> = {}, version?: number): Buffer {
  const defaults = { account: 7, server: 'Test-Server', name: 'peer', zone: 'UTC', secret: '' };
  const streamId = createHash('md5')
    .update(details.name ?? 'peer')
    .digest('hex');
  return encodeHello({ ...defaults, streamId, ...details }, version);
}

/** A seeded source of numbers in [0, 1). */
export function seeded(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
