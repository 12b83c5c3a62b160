/** `bench log --codec`: blocks alone, under every compressor: their size, and what writing and reading one costs. */
import path from 'node:path';
import { BLOCK_TICKS } from '../../core/limits.js';
import { RECORD_BYTES, Records } from '../../core/tick.js';
import { blockBytesMax, checkBlock, writeBlock } from '../../log/format/block.js';
import { BlockCodec } from '../../log/format/block-codec.js';
import { readTicks } from '../../log/format/block-ticks.js';
import { compressBlock, recompressBlock } from '../../log/format/compress.js';
import { median } from '../harness/measure.js';
import { type Figure, type Findings, figure } from '../harness/scenario.js';
import { binanceFiles } from './binance.js';
import type { LogData } from './source.js';

/** What is done with a block: as the log stage writes it, or as one of a closed segment is written again. */
const WAYS: Record<string, (block: Uint8Array) => Uint8Array> = {
  none: (block) => block,
  deflate: (block) => compressBlock(block, 'deflate'),
  brotli: (block) => compressBlock(block, 'brotli'),
  closedDeflate: (block) => recompressBlock(block, 'deflate'),
  closedBrotli: (block) => recompressBlock(block, 'brotli'),
};

interface Row {
  data: string;
  way: string;
  bytesPerTick: number[];
  encodeNsPerTick: number[];
  decodeNsPerTick: number[];
}

/**
 * Runs take turns over data sets and ways, after one that does not count.
 * @param sets data in memory; recorded sessions of Binance join them
 */
export function benchCodec(
  sets: readonly LogData[],
  runs: number,
  notes: readonly string[],
  tell: (line: string) => void,
): Findings {
  const root = process.env.TICKWIRE_DATA;
  const all = [...sets, ...(root === undefined ? [] : binanceFiles(path.join(root, 'binance_raw')))];
  const rows = all.flatMap(({ name }) =>
    Object.keys(WAYS).map(
      (way): Row => ({
        data: name,
        way,
        bytesPerTick: [],
        encodeNsPerTick: [],
        decodeNsPerTick: [],
      }),
    ),
  );
  const why: string[] = [];
  const bench = new BlockBench();
  for (let run = -1; run < runs; run++) {
    for (const row of rows) {
      const data = all.find(({ name }) => name === row.data)!;
      const encoded = bench.encode(data, WAYS[row.way]);
      const decodeNs = bench.decode(data, encoded.blocks, run < 0);
      if (decodeNs < 0) why.push(`${row.data}, ${row.way}: blocks came back different`);
      if (run < 0) continue;
      row.bytesPerTick.push(encoded.bytes / data.ticks);
      row.encodeNsPerTick.push(encoded.ns / data.ticks);
      row.decodeNsPerTick.push(decodeNs / data.ticks);
      tell(line(row));
    }
  }
  const figures: Record<string, Figure> = {};
  for (const row of rows) {
    const key = `${row.data}.${row.way}`;
    figures[`${key}.bytesPerTick`] = figure('bytes', 'lower', row.bytesPerTick);
    figures[`${key}.encodeNsPerTick`] = figure('ns', 'lower', row.encodeNsPerTick);
    figures[`${key}.decodeNsPerTick`] = figure('ns', 'lower', row.decodeNsPerTick);
  }
  return { figures, why, lines: [...rows.map(line), ...notes] };
}

function line(row: Row): string {
  return (
    `${row.data.padEnd(16)}${row.way.padEnd(15)}${median(row.bytesPerTick).toFixed(2)} bytes a tick, ` +
    `encoded in ${median(row.encodeNsPerTick).toFixed(0)} ns, decoded in ${median(row.decodeNsPerTick).toFixed(0)} ns`
  );
}

class BlockBench {
  readonly #codec = new BlockCodec();
  readonly #records = Records.allocate(BLOCK_TICKS);
  readonly #out = new Uint8Array(blockBytesMax(this.#codec, BLOCK_TICKS));

  encode(
    data: LogData,
    way: (block: Uint8Array) => Uint8Array,
  ): { blocks: Buffer[]; bytes: number; ns: number } {
    // It learns from the blocks that it has made: those of other data must not be among them.
    const codec = new BlockCodec();
    const digits = Uint8Array.from([0, ...data.symbols.map((symbol) => symbol.digits)]);
    const blocks: Buffer[] = [];
    let bytes = 0;
    let ms = 0;
    for (let from = 0; from < data.ticks; from += BLOCK_TICKS) {
      const count = Math.min(BLOCK_TICKS, data.ticks - from);
      this.#records.u8.set(bytesOf(data.records, from, count));
      const started = performance.now();
      const plain = writeBlock(codec, 1, 0, from + 1, this.#records, count, digits, [], this.#out, 0);
      const block = way(plain);
      ms += performance.now() - started;
      bytes += block.length;
      blocks.push(Buffer.from(block));
    }
    return { blocks, bytes, ns: ms * 1e6 };
  }

  /** Nanoseconds; −1 when any bit is another one than before, if `isChecked`. */
  decode(data: LogData, blocks: readonly Buffer[], isChecked: boolean): number {
    let ms = 0;
    for (const block of blocks) {
      const started = performance.now();
      const header = checkBlock(block);
      const count = header === undefined ? -1 : readTicks(this.#codec, block, header, this.#records);
      ms += performance.now() - started;
      if (header === undefined || count < 0) return -1;
      if (!isChecked) continue;
      const wanted = bytesOf(data.records, header.firstSeq - 1, count);
      if (Buffer.compare(wanted, bytesOf(this.#records, 0, count)) !== 0) return -1;
    }
    return ms * 1e6;
  }
}

function bytesOf(records: Records, from: number, count: number): Uint8Array {
  return records.u8.subarray(from * RECORD_BYTES, (from + count) * RECORD_BYTES);
}
