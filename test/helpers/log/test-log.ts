import type {
  EpochInfo,
  ImportsAnswer,
  ImportsRequest,
  LogPort,
  PageAnswer,
  PageRequest,
  PagesRequest,
  RangeRequest,
  RangeResult,
  StreamPosition,
  SymbolAnswer,
  SymbolRequest,
} from '../../../src/core/log-port.js';
import { copyRecord, kindOf, Records, U32_TS_RECV_NS, U32_TS_RECV_S } from '../../../src/core/tick.js';
import { tagOf } from '../../../src/pipeline/memory/broadcast-ring.js';
import type { TestShard } from '../test-shard.js';

function chain(first: () => void, then: () => void): () => void {
  return () => {
    first();
    then();
  };
}

/** Whether one list of numbers comes before another, by the first in which they differ. */
function isBefore(a: number[], b: number[]): boolean {
  const i = a.findIndex((value, k) => k >= b.length || value !== b[k]);
  return i >= 0 && i < b.length && a[i] < b[i];
}

/** A log over the history that a test shard keeps; answers come a turn of the event loop later. */
export class TestLog implements LogPort {
  reads = 0;
  /** Readings of pages, each of several. */
  pageJobs = 0;
  running = 0;
  runningMost = 0;
  readonly searches: SymbolRequest[] = [];
  /** Every reading fails. */
  broken = false;
  /** Readings wait until `goOn`. */
  stopped = false;
  goOn: () => void = () => {};
  /** Seqs below it are gone. */
  oldest = 1;
  durableSeq: number | undefined;
  /** Epochs that are over, with their ticks. */
  /** Ticks of imports, in any order. */
  imported: { records: Records; epochs: number[]; seqs: number[] } = {
    records: Records.allocate(1),
    epochs: [],
    seqs: [],
  };
  readonly past: { info: EpochInfo; records: Records }[] = [];

  constructor(
    readonly shard: TestShard,
    readonly epoch = 1,
  ) {}

  visible(): number {
    return this.shard.head;
  }

  durable(): number {
    return this.durableSeq ?? this.shard.head;
  }

  epochs(): EpochInfo[] {
    const present = { epoch: this.epoch, shards: 1, firstSeq: [this.oldest], lastSeq: [this.shard.head] };
    return [...this.past.map((p) => p.info), present];
  }

  async seekTime(seconds: number, nanos: number): Promise<StreamPosition> {
    const before = (records: Records, i: number) =>
      records.u32[i * 16 + U32_TS_RECV_S] < seconds ||
      (records.u32[i * 16 + U32_TS_RECV_S] === seconds && records.u32[i * 16 + U32_TS_RECV_NS] < nanos);
    for (const { info, records } of this.past) {
      for (let seq = 1; seq <= info.lastSeq[0]; seq++) {
        if (!before(records, seq - 1)) return { epoch: info.epoch, seqs: [seq - 1] };
      }
    }
    let seq = this.oldest;
    while (seq <= this.shard.head && before(this.shard.history, seq - 1)) seq++;
    return { epoch: this.epoch, seqs: [seq - 1] };
  }

  async readImports(request: ImportsRequest): Promise<ImportsAnswer> {
    const { records } = this.imported;
    const place = (i: number): number[] => [
      records.u32[i * 16 + U32_TS_RECV_S],
      records.u32[i * 16 + U32_TS_RECV_NS],
      this.imported.epochs[i],
      this.imported.seqs[i],
    ];
    const { after, to, symbolId } = request;
    const end = to === null ? [Number.POSITIVE_INFINITY] : [to.seconds, to.nanos];
    const found = this.imported.epochs
      .map((_, i) => i)
      .filter((i) => records.u32[i * 16] === symbolId)
      .filter((i) => isBefore([after.seconds, after.nanos, after.epoch, after.seq], place(i)))
      .filter((i) => isBefore(place(i), end))
      .sort((a, b) => (isBefore(place(a), place(b)) ? -1 : 1));
    const taken = found.slice(0, request.maxTicks);
    const out = Records.allocate(taken.length);
    taken.forEach((from, i) => {
      copyRecord(records, from, out, i);
    });
    return {
      buffer: out.u8.buffer as ArrayBuffer,
      seqs: Float64Array.from(taken, (i) => this.imported.seqs[i]),
      epochs: Float64Array.from(taken, (i) => this.imported.epochs[i]),
      count: taken.length,
      more: taken.length < found.length,
      gaps: [],
    };
  }

  async readPages({ epoch, shard, pages }: PagesRequest): Promise<PageAnswer[]> {
    this.pageJobs++;
    const answers: PageAnswer[] = [];
    for (const page of pages) answers.push(await this.#readPage(epoch, shard, page));
    return answers;
  }

  async #readPage(epoch: number, shard: number, request: PageRequest): Promise<PageAnswer> {
    const records = new Records(request.records);
    const seqs = new Float64Array(request.seqs);
    const tags = new Uint32Array(request.tags);
    const toSeq = Math.min(request.toSeq, this.#end(epoch));
    const maxTicks = Math.max(1, toSeq - request.fromSeq + 1);
    const range = { ...request, epoch, shard, toSeq, filter: null, kindsMask: 0xff, maxTicks };
    const { buffer, seqs: found, count, nextSeq, gaps } = await this.readRange(range);
    for (let i = 0; i < count; i++) {
      copyRecord(new Records(buffer), i, records, request.at + i);
      tags[request.at + i] = tagOf(records, request.at + i);
    }
    seqs.set(found.subarray(0, count), request.at);
    return { count, nextSeq, gaps };
  }

  #end(epoch: number): number {
    if (epoch === this.epoch) return this.shard.head;
    return this.past.find((p) => p.info.epoch === epoch)!.info.lastSeq[0];
  }

  async findSymbol(request: SymbolRequest): Promise<SymbolAnswer> {
    this.searches.push(request);
    const { fromSeq, toSeq, symbolId, fromSymbolSeq, toSymbolSeq } = request;
    const end = Math.min(toSeq, this.#end(request.epoch));
    const filter = new Uint8Array(symbolId + 1);
    filter[symbolId] = 1;
    const range = { ...request, fromSeq, toSeq: end, filter, kindsMask: 0xff, maxTicks: 1 << 16 };
    const { buffer, seqs, count } = await this.readRange(range);
    const from = new Records(buffer);
    const out = Records.allocate(count);
    const found: number[] = [];
    for (let i = 0; i < count; i++) {
      const symbolSeq = from.u32[i * 16 + 3];
      if (symbolSeq < fromSymbolSeq || symbolSeq > toSymbolSeq) continue;
      copyRecord(from, i, out, found.length);
      found.push(seqs[i]);
    }
    return { buffer: out.u8.buffer as ArrayBuffer, seqs: Float64Array.from(found) };
  }

  async readRange(request: RangeRequest): Promise<RangeResult> {
    this.reads++;
    this.runningMost = Math.max(this.runningMost, ++this.running);
    await new Promise((resolve) => setImmediate(resolve));
    while (this.stopped) await new Promise<void>((resolve) => (this.goOn = chain(this.goOn, resolve)));
    this.running--;
    if (this.broken) throw new Error('broken for the test');
    const records =
      request.epoch === this.epoch
        ? this.shard.history
        : this.past.find((p) => p.info.epoch === request.epoch)!.records;
    const oldest =
      request.epoch === this.epoch
        ? this.oldest
        : this.past.find((p) => p.info.epoch === request.epoch)!.info.firstSeq[0];
    const out = Records.allocate(request.maxTicks);
    const seqs = new Float64Array(request.maxTicks);
    const gaps = request.fromSeq < oldest ? [{ first: request.fromSeq, last: oldest - 1 }] : [];
    let count = 0;
    let seq = Math.max(oldest, request.fromSeq);
    for (; seq <= request.toSeq && count < request.maxTicks; seq++) {
      const symbol = records.u32[(seq - 1) * 16];
      if (request.filter !== null && request.filter[symbol] !== 1) continue;
      if (((request.kindsMask >> kindOf(records, seq - 1)) & 1) === 0) continue;
      copyRecord(records, seq - 1, out, count);
      seqs[count++] = seq;
    }
    return { buffer: out.u8.buffer as ArrayBuffer, seqs, count, nextSeq: seq, gaps };
  }
}
