/**
 * A shard: takes raw records from every feed's ring, normalises and numbers them, and shows them in three
 * views that carry the same seqs: the broadcast ring, the critical ring and the last-value table.
 *
 * One batch: declare the intent, fill slots, flip the commit cell, project the table; while more waits, several
 * batches are projected at once. Whatever the moment at which the thread dies, the batch has either not happened
 * (its slots lie beyond the head) or it has, and the next shard finishes the projection.
 */

import { monotonicNs } from '../../core/clock.js';
import { PENDING_PER_BATCH, SHARD_BATCH, SLOTS_PER_RAW } from '../../core/limits.js';
import {
  copyRecord,
  copySequenced,
  ENGINE_SYMBOL,
  isCritical,
  KIND_MASK,
  Kind,
  kindOf,
  NO_TIME_S,
  RECORD_BYTES,
  RECORD_F64,
  RECORD_U32,
  Records,
  U32_KIND_FLAGS_SOURCE,
  U32_RAW_CONFLATED,
  U32_SYMBOL,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
} from '../../core/tick.js';
import { BroadcastWriter, tagOf } from '../memory/broadcast-ring.js';
import { CommitCells } from '../memory/commit-cells.js';
import {
  FEED_WORDS,
  FeedWord,
  LOG_WORDS,
  LogWord,
  PENDING_WORDS,
  Reject,
  SHARD_WORDS,
  ShardWord,
} from '../memory/counters.js';
import type { EngineMemory } from '../memory/engine-memory.js';
import { failpoint } from '../memory/failpoint.js';
import { TableEntry } from '../memory/last-value-table.js';
import type { Registry } from '../memory/registry.js';
import { RingConsumer } from '../memory/spsc-ring.js';
import { StageJournal } from '../memory/stage-journal.js';
import { Normaliser, PENDING, REJECTED, SEQUENCED } from './normaliser.js';
import { Count, SequencingModule } from './sequencing-module.js';
import {
  S_ASK,
  S_ASK_SIZE,
  S_BID,
  S_BID_SIZE,
  S_PENDING,
  STATE_F64,
  STATE_U32,
  SU_DEFINED,
  SU_SYMBOL_SEQ,
  SU_VERSION,
  SymbolStates,
} from './symbol-states.js';
import { TableProjection } from './table-projection.js';
import { ShardWakeups } from './wakeups.js';

/** Of the module's own records, the one that is looked at alone. */
const ALONE = 0;

export class Shard {
  readonly #cells: CommitCells;
  readonly #log: CommitCells | undefined;
  readonly #rings: RingConsumer[];
  readonly #broadcast: BroadcastWriter;
  readonly #critical: BroadcastWriter;
  readonly #projection: TableProjection;
  readonly #states: SymbolStates;
  readonly #module: SequencingModule;
  readonly #normaliser: Normaliser;
  readonly #samples: Records;
  readonly #wakeups: ShardWakeups;
  readonly #journal: StageJournal | undefined;
  /** When the batch in progress was begun, where a journal is kept. */
  #begunNs = 0;
  readonly #pendingSymbols = new Uint32Array(PENDING_PER_BATCH);
  #pendingCount = 0;
  #next: Float64Array;
  #head: number;
  #criticalHead: number;
  #gate = 0;
  /** Raw records of a batch: of a small ring, a batch takes no more than half. */
  readonly #batch: number;
  #turn = 0;

  constructor(
    readonly memory: EngineMemory,
    readonly index: number,
    readonly registry: Registry,
  ) {
    const plan = memory.plan;
    this.#cells = new CommitCells(memory.shardCells[index], SHARD_WORDS);
    this.#next = this.#cells.prime();
    this.#head = this.#next[ShardWord.head];
    this.#criticalHead = this.#next[ShardWord.criticalHead];
    this.#log = plan.log ? new CommitCells(memory.logCells, LOG_WORDS) : undefined;
    this.#rings = memory.raw.map(
      (slots, feed) =>
        new RingConsumer(
          slots[index],
          {
            cells: new CommitCells(memory.feedCells[feed], FEED_WORDS + plan.feeds[feed].stateWords),
            word: FeedWord.heads + index,
          },
          { cells: this.#cells, word: ShardWord.tails + feed },
        ),
    );
    this.#broadcast = new BroadcastWriter(memory.broadcast[index], plan.ringSlots);
    this.#batch = Math.min(SHARD_BATCH, plan.ringSlots / 2 / SLOTS_PER_RAW);
    this.#critical = new BroadcastWriter(memory.critical[index], plan.criticalSlots);
    this.#module = new SequencingModule(memory.shards[index], plan.maxSymbols);
    this.#states = new SymbolStates(this.#module);
    this.#projection = new TableProjection(memory, index, this.#states, this.#broadcast);
    this.#normaliser = new Normaliser(this.#module, this.#states);
    this.#samples = new Records(memory.rejectSamples[index]);
    this.#wakeups = new ShardWakeups(memory);
    const journals = memory.journals?.[index];
    this.#journal = journals && new StageJournal(journals.shard);
    this.#recover();
  }

  /** Loads the states from the table and finishes the projection of the last committed batch. */
  #recover(): void {
    this.registry.refresh();
    this.#states.learn(this.registry);
    const { applied, table } = this.#projection;
    const entry = new TableEntry();
    for (let id = 1; id < this.registry.symbolCount; id++) {
      if (this.registry.bucket[id] % this.memory.plan.shards === this.index) {
        this.#states.load(table, id, applied, entry);
      }
    }
    this.#states.u32[SU_SYMBOL_SEQ] = this.#next[ShardWord.engineSymbolSeq];
    const ring = this.#broadcast.records;
    for (let seq = applied + 1; seq <= this.#head; seq++) {
      const slot = this.#broadcast.slot(seq);
      if (seq <= this.#states.seqOf(ring.u32[slot * RECORD_U32 + U32_SYMBOL])) continue;
      copyRecord(ring, slot, this.#module.records, ALONE);
      this.#module.apply(ALONE, seq);
    }
    this.#states.applyPending(this.#next, ShardWord.pendingList, this.#next[ShardWord.pendingListLength]);
    this.#projection.run(this.#head);
  }

  /**
   * One turn: processes what the feeds have published, up to a batch and up to the room that the log has left in the ring.
   * @returns raw records taken; 0 when there was nothing to do or no room
   */
  doWork(): number {
    const room = this.#room();
    if (room === 0) {
      this.#projectRest();
      return 0;
    }
    if (this.#journal !== undefined) this.#begunNs = monotonicNs();
    this.#broadcast.intend(this.#head + room * SLOTS_PER_RAW);
    this.#critical.intend(this.#criticalHead + room * SLOTS_PER_RAW);
    let taken = 0;
    const feeds = this.#rings.length;
    for (let k = 0; k < feeds && taken < room; k++)
      taken += this.#takeFrom((this.#turn + k) % feeds, room - taken);
    this.#turn = (this.#turn + 1) % feeds;
    if (taken > 0) this.#commit();
    else this.#projectRest();
    return taken;
  }

  /** Whether every record that the feeds have published was taken. */
  isDrained(): boolean {
    return this.#rings.every((ring, feed) => ring.available(this.#next[ShardWord.tails + feed]) === 0);
  }

  /** Raw records that may be taken now. */
  #room(): number {
    const free = this.#free();
    if (free >= this.#batch * SLOTS_PER_RAW) return this.#batch;
    if (this.#log !== undefined) this.#gate = this.#log.read(LogWord.visible + this.index);
    return Math.min(this.#batch, Math.floor(this.#free() / SLOTS_PER_RAW));
  }

  #free(): number {
    if (this.#log === undefined) return Number.MAX_SAFE_INTEGER;
    return this.#broadcast.capacity - (this.#head - this.#gate);
  }

  #takeFrom(feed: number, max: number): number {
    const ring = this.#rings[feed];
    const tail = this.#next[ShardWord.tails + feed];
    const count = Math.min(ring.available(tail), max);
    // After the look at the ring: a symbol is defined before its ticks are published, so all of these are known.
    if (this.registry.refresh()) this.#states.learn(this.registry);
    let done = 0;
    while (done < count && this.#pendingCount < PENDING_PER_BATCH) {
      const from = ring.slot(tail + done);
      const run = Math.min(count - done, ring.records.capacity - from);
      const sequenced = this.#sequenceRun(ring.records, from, run);
      done += sequenced;
      // What the run stopped at, but for the end of what a run may be.
      if (sequenced === 0) this.#take(ring.records, ring.slot(tail + done++));
    }
    this.#next[ShardWord.tails + feed] = tail + done;
    return done;
  }

  /**
   * Sequences raw records into the broadcast ring, as far as they are common and the ring continues.
   * @returns how many
   */
  #sequenceRun(raw: Records, from: number, count: number): number {
    const module = this.#module;
    const { records, positions, tags, capacity } = this.#broadcast;
    const to = this.#broadcast.slot(this.#head + 1);
    const recordsAt = records.u8.byteOffset;
    const sequenced = module.sequence(
      raw.u8.byteOffset + from * RECORD_BYTES,
      recordsAt + to * RECORD_BYTES,
      positions.byteOffset + to * 4,
      tags.byteOffset + to * 4,
      Math.min(count, module.runTicks, capacity - to),
      this.#head + 1,
    );
    failpoint();
    this.#head += sequenced;
    const { counts, criticals } = module;
    for (let k = 0; k < counts[Count.critical]; k++) {
      const slot = (criticals[k] - recordsAt) / RECORD_BYTES;
      this.#publishCritical(records, slot, tags[slot]);
    }
    counts[Count.critical] = 0;
    return sequenced;
  }

  /** Takes a raw record that must be looked at alone. */
  #take(raw: Records, slot: number): void {
    const { records } = this.#module;
    copyRecord(raw, slot, records, ALONE);
    const w = ALONE * RECORD_U32;
    const id = records.u32[w + U32_SYMBOL];
    const conflated = records.u32[w + U32_RAW_CONFLATED];
    const u = id * STATE_U32;
    const states = this.#states.u32;
    const kind = records.u32[w + U32_KIND_FLAGS_SOURCE] & KIND_MASK;
    // Of the engine itself only status and gap records speak: it has no price.
    const isEngine = id === ENGINE_SYMBOL;
    if (id >= this.#states.maxSymbols || (isEngine ? kind < Kind.status : states[u + SU_VERSION] === 0)) {
      this.#reject(Reject.unknown_symbol);
      return;
    }
    if (states[u + SU_DEFINED] !== states[u + SU_VERSION]) this.#define(id);
    const result = this.#normaliser.normalise(ALONE, this.#head + 1);
    if (result === SEQUENCED) this.#publish(ALONE);
    else if (result === PENDING) this.#hold(id, conflated);
    else this.#reject(result - REJECTED);
  }

  /** Copies a sequenced record of the module's own, the next one in order, into the rings. */
  #publish(i: number): void {
    const { records, positions, tags, counts } = this.#module;
    const ring = this.#broadcast;
    const slot = ring.slot(this.#head + 1);
    copyRecord(records, i, ring.records, slot);
    failpoint();
    ring.positions[slot] = positions[i];
    ring.tags[slot] = tags[i];
    this.#head++;
    if (isCritical(kindOf(records, i))) this.#publishCritical(records, i, tags[i]);
    counts[Count.critical] = 0;
  }

  #publishCritical(records: Records, i: number, tag: number): void {
    const slot = this.#critical.slot(++this.#criticalHead);
    const { u32, f64 } = this.#critical.records;
    copySequenced(records, i, u32, slot * RECORD_U32, f64, slot * RECORD_F64);
    this.#critical.tags[slot] = tag;
    failpoint();
  }

  /** A definition is a tick of its own, numbered before the first tick that relies on it. */
  #define(id: number): void {
    const { own, records, positions, tags } = this.#module;
    const seq = this.#head + 1;
    const w = ALONE * RECORD_U32;
    const recvS = records.u32[w + U32_TS_RECV_S];
    const recvNs = records.u32[w + U32_TS_RECV_NS];
    const source = records.u32[w + U32_KIND_FLAGS_SOURCE] >>> 16;
    this.#states.writeDefinition(records, own, id, source, seq, recvS, recvNs, this.registry.digits[id]);
    positions[own] = 0;
    tags[own] = tagOf(records, own);
    this.#next[ShardWord.generated]++;
    this.#module.apply(own, seq);
    this.#publish(own);
  }

  /** The normaliser has kept a half-quote that stands for `conflated` others. An earlier one of the symbol is conflated into it. */
  #hold(id: number, conflated: number): void {
    const before = this.#states.f64[id * STATE_F64 + S_PENDING];
    this.#states.f64[id * STATE_F64 + S_PENDING] = before + 1 + conflated;
    if (before === 0) this.#next[ShardWord.pendingOneSided]++;
    else this.#next[ShardWord.conflated]++;
    this.#states.touch(id);
    for (let k = 0; k < this.#pendingCount; k++) if (this.#pendingSymbols[k] === id) return;
    this.#pendingSymbols[this.#pendingCount++] = id;
  }

  /** Refuses the record that is looked at alone. */
  #reject(reason: number): void {
    this.#next[ShardWord.rejected + reason]++;
    copyRecord(this.#module.records, ALONE, this.#samples, reason);
  }

  #commit(): void {
    const next = this.#next;
    const since = next[ShardWord.head];
    next[ShardWord.head] = this.#head;
    next[ShardWord.criticalHead] = this.#criticalHead;
    const { counts } = this.#module;
    next[ShardWord.crossed] += counts[Count.crossed];
    next[ShardWord.locked] += counts[Count.locked];
    next[ShardWord.late] += counts[Count.late];
    next[ShardWord.suspicious] += counts[Count.suspicious];
    next[ShardWord.pendingOneSided] -= counts[Count.released];
    next[ShardWord.conflated] += counts[Count.released];
    counts.fill(0, 0, Count.released + 1);
    next[ShardWord.engineSymbolSeq] = this.#states.u32[SU_SYMBOL_SEQ];
    next[ShardWord.batches]++;
    if (this.#head > since) next[ShardWord.skewNs] = this.#skew();
    this.#listPending();
    // Before the flip: nobody can have taken the batch in earlier than is noted.
    this.#journal?.note(this.#head, this.#begunNs, monotonicNs());
    this.#cells.commit();
    this.#next = this.#cells.prime();
    if (this.#mustProject()) this.#projection.run(this.#head);
    this.#wakeups.committed(this.#head);
  }

  /** Receipt minus event of the last tick: how far the source's clock is behind ours, delay included. */
  #skew(): number {
    const w = this.#broadcast.slot(this.#head) * RECORD_U32;
    const u32 = this.#broadcast.records.u32;
    if (u32[w + U32_TS_EVENT_S] === NO_TIME_S) return this.#next[ShardWord.skewNs];
    return (
      (u32[w + U32_TS_RECV_S] - u32[w + U32_TS_EVENT_S]) * 1e9 +
      u32[w + U32_TS_RECV_NS] -
      u32[w + U32_TS_EVENT_NS]
    );
  }

  #listPending(): void {
    const { f64 } = this.#states;
    for (let k = 0; k < this.#pendingCount; k++) {
      const id = this.#pendingSymbols[k];
      const at = ShardWord.pendingList + k * PENDING_WORDS;
      this.#next[at] = id;
      this.#next[at + 1] = f64[id * STATE_F64 + S_BID];
      this.#next[at + 2] = f64[id * STATE_F64 + S_ASK];
      this.#next[at + 3] = f64[id * STATE_F64 + S_BID_SIZE];
      this.#next[at + 4] = f64[id * STATE_F64 + S_ASK_SIZE];
      this.#next[at + 5] = f64[id * STATE_F64 + S_PENDING];
    }
    this.#next[ShardWord.pendingListLength] = this.#pendingCount;
    this.#pendingCount = 0;
  }

  /**
   * Whether the table is to hold what was committed before more is taken. With more waiting, a symbol that ticks in
   * every batch is projected once for several of them.
   */
  #mustProject(): boolean {
    // Half-quotes are in no ring: a shard that takes over knows those of the last batch only.
    if (this.#next[ShardWord.pendingListLength] > 0) return true;
    return this.#projection.isDue(this.#head) || this.isDrained();
  }

  /** Projects what was put off, now that there is time for it. */
  #projectRest(): void {
    if (this.#head === this.#projection.applied) return;
    this.#projection.run(this.#head);
    this.#wakeups.projected();
  }
}
