/** Answers `history`: the ticks of one symbol by symbolSeq, from the ring, and older ones from the log. */
import { BUCKETS, HISTORY_TICKS_MAX } from '../../core/limits.js';
import { copyRecord, RECORD_U32, Records, U32_SYMBOL, U32_SYMBOL_SEQ } from '../../core/tick.js';
import { turn } from '../../pipeline/memory/doorbell.js';
import { tickJson } from '../../wire/json.js';
import { packTick } from '../../wire/msgpack.js';
import type { Encoding, History, JsonTick, PackTick } from '../../wire/ticks.js';
import type { ShardView } from '../batch/shard-view.js';
import type { SharedView } from '../batch/shared-view.js';
import type { HistoryQuestion } from './requests.js';

/** Slots of the ring that are scanned in one turn of the event loop. */
const SCAN_SLOTS = 16_384;

export class UnknownSymbol extends Error {}
export class HistoryBusy extends Error {}

/** The signed distance from symbolSeq `of` to `symbolSeq`, modulo 2^32. */
function ahead(symbolSeq: number, of: number): number {
  return (symbolSeq - of) | 0;
}

/** The ticks found so far, newest first. */
class Found {
  readonly records = Records.allocate(HISTORY_TICKS_MAX);
  readonly seqs: number[] = [];

  constructor(
    readonly symbolId: number,
    readonly fromSymbolSeq: number,
    readonly toSymbolSeq: number,
    /** The ticks lie between these seqs, inclusive. */
    readonly fromSeq: number,
    public toSeq: number,
  ) {}

  /** Whether no older tick is wanted. */
  isWhole = false;

  /** Takes record `i`, of seq `seq`, if it is wanted. Must be called from the newest to the oldest record. */
  consider(records: Records, i: number, seq: number): void {
    const w = i * RECORD_U32;
    if (records.u32[w + U32_SYMBOL] !== this.symbolId) return;
    const symbolSeq = records.u32[w + U32_SYMBOL_SEQ];
    if (ahead(symbolSeq, this.toSymbolSeq) > 0) return;
    if (ahead(symbolSeq, this.fromSymbolSeq) >= 0) {
      copyRecord(records, i, this.records, this.seqs.length);
      this.seqs.push(seq);
    }
    if (ahead(symbolSeq, this.fromSymbolSeq) <= 0) this.isWhole = true;
  }
}

/**
 * The answer to a `history` request, without `op` and `id`.
 * @throws UnknownSymbol if no source has defined the symbol
 * @throws HistoryBusy if too many lookups run already
 * @throws any error of the log
 */
export async function historyOf(
  shared: SharedView,
  request: HistoryQuestion,
  encoding: Encoding,
  address: string,
): Promise<Omit<History, 'op' | 'id'>> {
  shared.filters.refresh();
  const { registry } = shared.ports;
  const symbolId = registry.symbolId(request.symbol);
  if (symbolId === undefined) throw new UnknownSymbol(`No source has defined ${request.symbol}.`);
  const { lookups } = shared.quotas;
  if (lookups.exceededBy(address, 1) !== null) {
    shared.quotas.refused++;
    throw new HistoryBusy('Many others are looking into history just now; try again.');
  }
  lookups.add(address, 1);
  try {
    const epoch = request.epoch ?? shared.epoch;
    const { fromSymbolSeq } = request;
    const wanted = Math.min((request.toSymbolSeq - fromSymbolSeq + 1) >>> 0, HISTORY_TICKS_MAX);
    let toSymbolSeq = (fromSymbolSeq + wanted - 1) >>> 0;
    const { fromSeq = 1, toSeq = Number.MAX_SAFE_INTEGER } = request;
    const found = new Found(symbolId, fromSymbolSeq, toSymbolSeq, fromSeq, toSeq);
    const shard = await shardOf(shared, epoch, symbolId);
    const before = shard === undefined ? [] : await search(shared, epoch, shard, found);
    const ticks = [...before, ...found.seqs.map((seq, i) => ({ records: found.records, i, seq })).reverse()];
    if (ticks.length === 0 && shard !== undefined && toSymbolSeq !== request.toSymbolSeq) {
      toSymbolSeq = (await firstHeld(shared, epoch, shard, symbolId, request, toSymbolSeq)) ?? toSymbolSeq;
    }
    return {
      symbol: request.symbol,
      symbolId,
      digits: registry.digits[symbolId],
      epoch,
      shard: shard ?? 0,
      fromSymbolSeq,
      toSymbolSeq,
      missing: ((toSymbolSeq - fromSymbolSeq + 1) >>> 0) - ticks.length,
      ticks: ticks.map(({ records, i, seq }): JsonTick | PackTick =>
        encoding === 'json'
          ? (JSON.parse(tickJson(records, i, seq, request.symbol)) as JsonTick)
          : packTick(records, i, seq),
      ),
    };
  } finally {
    lookups.add(address, -1);
  }
}

/** The shard that numbered the symbol in an epoch; undefined where the log does not hold the epoch. */
async function shardOf(shared: SharedView, epoch: number, symbolId: number): Promise<number | undefined> {
  if (epoch === shared.epoch) return shared.mirror.shardOf(symbolId);
  const info = (await shared.ports.catchUp?.epochs())?.find((e) => e.epoch === epoch);
  return info === undefined
    ? undefined
    : shared.ports.registry.bucket[symbolId] % Math.min(info.shards, BUCKETS);
}

/**
 * The last symbolSeq that an answer without ticks may cover: the one before the first later tick that the log holds. So a
 * client need not ask page by page for ticks that are gone.
 * @param after symbolSeq after which the log is searched
 * @returns undefined where the log holds no later tick
 */
async function firstHeld(
  shared: SharedView,
  epoch: number,
  shard: number,
  symbolId: number,
  { toSymbolSeq, fromSeq = 1, toSeq = Number.MAX_SAFE_INTEGER }: HistoryQuestion,
  after: number,
): Promise<number | undefined> {
  const fromSymbolSeq = (after + 1) >>> 0;
  const range = { epoch, shard, symbolId, fromSymbolSeq, toSymbolSeq, fromSeq, toSeq };
  const answer = await shared.ports.catchUp?.findSymbol(range);
  if (answer === undefined || answer.seqs.length === 0) return undefined;
  return (new Records(answer.buffer).u32[U32_SYMBOL_SEQ] - 1) >>> 0;
}

interface FoundTick {
  records: Records;
  i: number;
  seq: number;
}

/** Searches the ring, then the log for older ticks. Returns the ticks of the log, oldest first. */
async function search(shared: SharedView, epoch: number, shard: number, found: Found): Promise<FoundTick[]> {
  const { catchUp } = shared.ports;
  let { toSeq } = found;
  if (epoch === shared.epoch) toSeq = await searchRing(shared.shards[shard], found);
  if (found.isWhole || toSeq < found.fromSeq || catchUp === undefined) return [];
  const oldest =
    found.seqs.length > 0
      ? found.records.u32[(found.seqs.length - 1) * RECORD_U32 + U32_SYMBOL_SEQ]
      : undefined;
  const { symbolId, fromSymbolSeq, fromSeq } = found;
  const toSymbolSeq = oldest === undefined ? found.toSymbolSeq : (oldest - 1) >>> 0;
  const answer = await catchUp.findSymbol({
    epoch,
    shard,
    symbolId,
    fromSymbolSeq,
    toSymbolSeq,
    fromSeq,
    toSeq,
  });
  const records = new Records(answer.buffer);
  return Array.from(answer.seqs, (seq, i) => ({ records, i, seq }));
}

/** Searches the ring, newest first. Returns the last seq that must be searched in the log. */
async function searchRing(view: ShardView, found: Found): Promise<number> {
  const { ring } = view;
  const copies = Records.allocate(SCAN_SLOTS);
  let seq = Math.min(ring.head(), found.toSeq);
  while (!found.isWhole && seq >= Math.max(ring.oldest(), found.fromSeq)) {
    const last = Math.max(ring.oldest(), found.fromSeq, seq - SCAN_SLOTS + 1);
    const count = seq - last + 1;
    for (let k = 0; k < count; k++) copyRecord(ring.records, ring.slot(last + k), copies, k);
    // The writer may have overwritten the oldest slots meanwhile: their ticks are read from the log.
    const whole = Math.max(last, ring.oldest());
    for (let at = seq; at >= whole && !found.isWhole; at--) found.consider(copies, at - last, at);
    seq = whole - 1;
    await turn();
  }
  return seq;
}
