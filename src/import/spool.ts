/**
 * Runs: ticks of one file in the order of time, in a staging folder, between the reading and the merging of the files. Runs
 * have small blocks of the log's own codec, so that many runs can be open at once.
 *
 * ```
 * blocks: u32 ticks │ u32 bytes │ payload
 * ```
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import {
  copyRecord,
  RECORD_U32,
  Records,
  U32_SYMBOL,
  U32_SYMBOL_SEQ,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
} from '../core/tick.js';
import { BlockCodec } from '../log/format/block-codec.js';

const RUN_BLOCK_TICKS = 1_024;
const HEADER_BYTES = 8;
/** Bytes that are gathered before a write. */
const GATHER_BYTES = 256 * 1024;

export interface RunInfo {
  path: string;
  ticks: number;
  /** Of its first tick. */
  fromS: number;
  fromNs: number;
  /** Of its last tick. */
  toS: number;
  toNs: number;
}

export class RunWriter {
  ticks = 0;
  fromS = 0;
  fromNs = 0;
  /** Of the last tick so far. */
  toS = 0;
  toNs = 0;
  readonly #file: number;
  readonly #codec = new BlockCodec();
  readonly #block = Records.allocate(RUN_BLOCK_TICKS);
  readonly #out: Buffer;
  #used = 0;
  #count = 0;
  readonly #symbolSeq: number[] = [];

  /** @param digits by symbol id; may grow meanwhile */
  constructor(
    readonly path: string,
    readonly digits: Uint8Array,
  ) {
    this.#file = openSync(path, 'w');
    this.#out = Buffer.alloc(GATHER_BYTES + HEADER_BYTES + this.#codec.maxBytes(RUN_BLOCK_TICKS));
  }

  /** Adds a tick that is no earlier than those before it. */
  add(records: Records, i: number): void {
    const w = i * RECORD_U32;
    if (this.ticks === 0) {
      this.fromS = records.u32[w + U32_TS_EVENT_S];
      this.fromNs = records.u32[w + U32_TS_EVENT_NS];
    }
    this.toS = records.u32[w + U32_TS_EVENT_S];
    this.toNs = records.u32[w + U32_TS_EVENT_NS];
    this.ticks++;
    const at = this.#count++;
    copyRecord(records, i, this.#block, at);
    // The codec expects numbers to follow one another.
    const symbol = records.u32[w + U32_SYMBOL];
    const symbolSeq = (this.#symbolSeq[symbol] ?? 0) + 1;
    this.#symbolSeq[symbol] = symbolSeq;
    this.#block.u32[at * RECORD_U32 + U32_SYMBOL_SEQ] = symbolSeq;
    if (this.#count === RUN_BLOCK_TICKS) this.#encode();
  }

  #encode(): void {
    if (this.#count === 0) return;
    const at = this.#used + HEADER_BYTES;
    const end = this.#codec.encode(this.#block, this.#count, this.digits, this.#out, at);
    this.#out.writeUInt32LE(this.#count, this.#used);
    this.#out.writeUInt32LE(end - at, this.#used + 4);
    this.#used = end;
    this.#count = 0;
    if (this.#used >= GATHER_BYTES) this.#write();
  }

  #write(): void {
    let at = 0;
    while (at < this.#used) at += writeSync(this.#file, this.#out, at, this.#used - at);
    this.#used = 0;
  }

  close(): RunInfo {
    this.#encode();
    this.#write();
    closeSync(this.#file);
    const { path, ticks, fromS, fromNs, toS, toNs } = this;
    return { path, ticks, fromS, fromNs, toS, toNs };
  }
}

/** The ticks of a run, one after the other: record `at` of `records` is next, while there is one. */
export class RunReader {
  readonly records = Records.allocate(RUN_BLOCK_TICKS);
  at = 0;
  count = 0;
  readonly #file: number;
  readonly #header = Buffer.alloc(HEADER_BYTES);

  constructor(
    readonly info: RunInfo,
    readonly codec: BlockCodec,
  ) {
    this.#file = openSync(info.path, 'r');
    this.#read();
  }

  get isOver(): boolean {
    return this.at >= this.count;
  }

  advance(): void {
    if (++this.at === this.count) this.#read();
  }

  #read(): void {
    this.at = this.count = 0;
    if (readSync(this.#file, this.#header) < HEADER_BYTES) return;
    const ticks = this.#header.readUInt32LE(0);
    const payload = Buffer.alloc(this.#header.readUInt32LE(4));
    if (readSync(this.#file, payload) < payload.length) return;
    this.codec.decode(this.codec.version, payload, 0, ticks, 1, this.records);
    this.count = ticks;
  }

  close(): void {
    closeSync(this.#file);
  }
}
