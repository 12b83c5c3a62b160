/** Scenario `encode`: what one tick costs in each encoding of the wire, and how long it is. */
import { createHash } from 'node:crypto';
import {
  F64_BID,
  KIND_MASK,
  Kind,
  RECORD_F64,
  RECORD_U32,
  Records,
  U32_KIND_FLAGS_SOURCE,
  U32_SYMBOL_SEQ,
} from '../../core/tick.js';
import { Market, STANDARD_MARKET } from '../../feeds/synthetic/index.js';
import { encodeCursor } from '../../wire/cursor.js';
import { JsonEncoder } from '../../wire/json.js';
import { MsgpackEncoder, unpackMessage } from '../../wire/msgpack.js';
import { FRAME_HEADER_BYTES, PackedReader } from '../../wire/packed.js';
import { PackedEncoder, writeFrameHeader } from '../../wire/packed-encoder.js';
import { EncodeBuffer, Payload, type TickEncoder } from '../../wire/payload.js';
import type { Encoding } from '../../wire/ticks.js';
import { wholeNumber } from '../harness/flags.js';
import { type Figure, type Findings, figure, type Scenario } from '../harness/scenario.js';

const DIAGRAM = `
  market ─▶ 4,096 records ─▶ put ×  ─▶ [ body ] ─▶ wrap ─▶ [ message ] ─▶ decoded again, and compared
                             encoding: packed, msgpack, json; they take turns, run by run`;

const BATCH = 4096;
const ENCODINGS: readonly Encoding[] = ['packed', 'msgpack', 'json'];
const BODY_BYTES = 4 * 1024 * 1024;

interface EncodeOptions {
  /** Batches of each run. */
  batches: number;
  runs: number;
  symbols: number;
  seed: number;
}

export const encode: Scenario<EncodeOptions> = {
  name: 'encode',
  summary: 'one tick in each encoding of the wire: time and bytes',
  diagram: DIAGRAM,
  example: '--batches 500 --json',
  flags: (command) =>
    command
      .option('--batches <n>', 'batches of 4,096 ticks in each run', wholeNumber, 250)
      .option('--runs <n>', 'runs of each encoding, which take turns', wholeNumber, 5)
      .option('--symbols <n>', 'symbols of the market', wholeNumber, 500)
      .option('--seed <n>', 'seed of the market', wholeNumber, 1),
  small: { batches: 5, runs: 2, symbols: 50 },
  run: benchEncode,
};

async function benchEncode({ batches, runs, symbols, seed }: EncodeOptions): Promise<Findings> {
  const market = new Market({ ...STANDARD_MARKET, symbols, seed });
  const names = {
    digits: Uint8Array.from([0, ...market.symbols.map((s) => s.digits)]),
    symbols: [{ name: '$engine' }, ...market.symbols.map(({ name }) => ({ name }))],
  };
  const records = Records.allocate(BATCH);
  market.fill(records, 0, BATCH);
  number(records, symbols);
  const buffer = new EncodeBuffer(BODY_BYTES);
  const encoders: Record<Encoding, TickEncoder> = {
    packed: new PackedEncoder(buffer, names),
    msgpack: new MsgpackEncoder(buffer),
    json: new JsonEncoder(buffer, names),
  };
  const bench = new EncoderBench(
    records,
    names.digits,
    new Map(names.symbols.map(({ name }, id) => [name, id])),
  );
  const why: string[] = [];
  const ns: Record<Encoding, number[]> = { packed: [], msgpack: [], json: [] };
  const bytes: Record<Encoding, number> = { packed: 0, msgpack: 0, json: 0 };
  for (const encoding of ENCODINGS) {
    bench.time(encoders[encoding], batches);
    const message = bench.message(encoders[encoding]);
    bytes[encoding] = message.length / BATCH;
    if (bench.digestOf(encoding, message) !== bench.expected)
      why.push(`${encoding}: what was decoded is not what was encoded`);
  }
  for (let run = 0; run < runs; run++) {
    for (const encoding of ENCODINGS) ns[encoding].push(bench.time(encoders[encoding], batches));
  }
  const figures: Record<string, Figure> = {};
  for (const encoding of ENCODINGS) {
    figures[`${encoding}NsPerTick`] = figure('ns', 'lower', ns[encoding]);
    figures[`${encoding}BytesPerTick`] = figure('bytes', 'lower', [bytes[encoding]]);
  }
  return {
    figures,
    why,
    lines: ENCODINGS.map((encoding) => {
      const { median, min, max } = figures[`${encoding}NsPerTick`];
      return `encode: ${encoding.padEnd(7)} ${median.toFixed(0)} ns a tick (${min.toFixed(0)} to ${max.toFixed(0)}), ${bytes[encoding].toFixed(1)} bytes a tick`;
    }),
  };
}

/** Gives the records the numbers that a shard would. */
function number(records: Records, symbols: number): void {
  const counts = new Uint32Array(symbols + 1);
  for (let i = 0; i < BATCH; i++) {
    const w = i * RECORD_U32;
    records.u32[w + U32_SYMBOL_SEQ] = ++counts[records.u32[w]];
  }
}

class EncoderBench {
  readonly expected: string;
  readonly #body = new Payload();
  readonly #out = new EncodeBuffer(2 * BODY_BYTES);
  readonly #cursor = encodeCursor({ logId: '00112233445566ff', epoch: 1, seqs: [BATCH] });

  constructor(
    readonly records: Records,
    readonly digits: Uint8Array,
    /** By symbol name. */
    readonly ids: ReadonlyMap<string, number>,
  ) {
    const hash = createHash('sha256');
    for (let i = 0; i < BATCH; i++) {
      const w = i * RECORD_U32;
      const kind = records.u32[w + U32_KIND_FLAGS_SOURCE] & KIND_MASK;
      hash.update(
        line(
          i + 1,
          kind,
          records.u32[w],
          records.u32[w + U32_SYMBOL_SEQ],
          records.f64[i * RECORD_F64 + F64_BID],
        ),
      );
    }
    this.expected = hash.digest('hex');
  }

  /** Nanoseconds a tick, over so many batches. */
  time(encoder: TickEncoder, batches: number): number {
    const start = process.hrtime.bigint();
    for (let n = 0; n < batches; n++) this.#encode(encoder);
    return Number(process.hrtime.bigint() - start) / (batches * BATCH);
  }

  message(encoder: TickEncoder): Uint8Array {
    return this.#out.u8.slice(0, this.#encode(encoder));
  }

  #encode(encoder: TickEncoder): number {
    const payload = this.#body;
    payload.begin(0, 0, 1, false);
    for (let i = 0; i < BATCH; i++) encoder.put(payload, this.records, i, i + 1);
    if (encoder.framed) writeFrameHeader(this.#out, 1);
    return encoder.encodeBatch(payload, 1, this.#cursor, this.#out, encoder.framed ? FRAME_HEADER_BYTES : 0);
  }

  /** Of seq, kind, symbol, symbolSeq and first price of each tick in a message. */
  digestOf(encoding: Encoding, message: Uint8Array): string {
    const hash = createHash('sha256');
    if (encoding === 'packed') {
      const reader = new PackedReader(this.digits);
      reader.reset(message);
      while (reader.nextBatch()) {
        while (reader.nextRecord()) {
          const k = reader.tick;
          hash.update(line(k.seq, k.kind, k.symbolId, k.symbolSeq, k.kind === Kind.quote ? k.bid : k.price));
        }
      }
    } else if (encoding === 'json') {
      const { ticks } = JSON.parse(new TextDecoder().decode(message)) as { ticks: JsonTick[] };
      for (const k of ticks) {
        const id = this.ids.get(k.symbol)!;
        hash.update(line(k.seq, Kind[k.kind], id, k.symbolSeq, k.bid ?? k.price!));
      }
    } else {
      const { ticks } = unpackMessage(message) as unknown as { ticks: MsgpackTick[] };
      for (const [kind, symbolId, seq, symbolSeq, , , , price] of ticks)
        hash.update(line(seq, kind, symbolId, symbolSeq, price));
    }
    return hash.digest('hex');
  }
}

interface JsonTick {
  seq: number;
  kind: 'quote' | 'trade';
  symbol: string;
  symbolSeq: number;
  bid?: number;
  price?: number;
}

/** Kind, symbolId, seq, symbolSeq, flags, tsEvent, tsRecv, first price and more. */
type MsgpackTick = number[];

function line(seq: number, kind: number, symbolId: number, symbolSeq: number, price: number): string {
  return `${seq} ${kind} ${symbolId} ${symbolSeq} ${price}\n`;
}
