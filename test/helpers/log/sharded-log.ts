import type {
  EpochInfo,
  ImportsAnswer,
  LogPort,
  PageAnswer,
  PagesRequest,
  RangeRequest,
  RangeResult,
  StreamPosition,
  SymbolAnswer,
  SymbolRequest,
} from '../../../src/core/log-port.js';
import { Records } from '../../../src/core/tick.js';
import type { TestShard } from '../test-shard.js';
import { TestLog } from './test-log.js';

/** A log over the histories that several test shards keep, of one epoch and without imports. */
export class ShardedLog implements LogPort {
  readonly logs: TestLog[];

  constructor(
    readonly shards: readonly TestShard[],
    readonly epoch = 1,
  ) {
    this.logs = shards.map((shard) => new TestLog(shard, epoch));
  }

  visible(shard: number): number {
    return this.logs[shard].visible();
  }

  durable(shard: number): number {
    return this.logs[shard].durable();
  }

  epochs(): EpochInfo[] {
    const firstSeq = this.shards.map(() => 1);
    const lastSeq = this.shards.map((shard) => shard.head);
    return [{ epoch: this.epoch, shards: this.shards.length, firstSeq, lastSeq }];
  }

  async seekTime(seconds: number, nanos: number): Promise<StreamPosition> {
    const places = await Promise.all(this.logs.map((log) => log.seekTime(seconds, nanos)));
    return { epoch: this.epoch, seqs: places.flatMap((place) => place.seqs) };
  }

  readPages(request: PagesRequest): Promise<PageAnswer[]> {
    return this.logs[request.shard].readPages(request);
  }

  readRange(request: RangeRequest): Promise<RangeResult> {
    return this.logs[request.shard].readRange(request);
  }

  findSymbol(request: SymbolRequest): Promise<SymbolAnswer> {
    return this.logs[request.shard].findSymbol(request);
  }

  async readImports(): Promise<ImportsAnswer> {
    const { buffer } = Records.allocate(0).u8;
    const none = new Float64Array(0);
    return { buffer: buffer as ArrayBuffer, seqs: none, epochs: none, count: 0, more: false, gaps: [] };
  }
}
