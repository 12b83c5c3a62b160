/** Last values are the same whether blocks are folded one by one or together. */
import t from 'tap';
import { BLOCK_TICKS } from '../../../src/core/limits.js';
import {
  Flag,
  Kind,
  Records,
  writeHeader,
  writeQuote,
  writeTimes,
  writeTrade,
} from '../../../src/core/tick.js';
import { BlockCodec } from '../../../src/log/format/block-codec.js';
import { Lasts } from '../../../src/log/format/last-values.js';
import { LastValuesProjection } from '../../../src/log/write/last-values-projection.js';
import {
  EntryF64,
  EntryU32,
  LastValueTable,
  TableEntry,
} from '../../../src/pipeline/memory/last-value-table.js';
import { seeded } from '../support.js';

const BLOCKS = 20;
const SYMBOLS = 40;
const TICKS = 60;

/** What a block of quotes and trades of some symbols leaves behind; some of them are late or crossed. */
function block(codec: BlockCodec, below: (n: number) => number, number: number): Lasts {
  const records = Records.allocate(TICKS);
  for (let i = 0; i < TICKS; i++) {
    const flags = [0, 0, 0, Flag.late, Flag.crossed][below(5)];
    const isTrade = below(3) === 0;
    const kind = isTrade ? Kind.trade : Kind.quote;
    writeHeader(records, i, 1 + below(SYMBOLS), kind | flags, 1, i, number * TICKS + i);
    const s = 1_700_000_000 + number;
    writeTimes(records, i, s + (below(20) === 0 ? 1e6 : 0), i, s, i);
    if (isTrade) writeTrade(records, i, below(1_000), 1, below(9));
    else writeQuote(records, i, below(1_000), below(1_000), 1, below(9));
  }
  const lasts = new Lasts();
  codec.encode(records, TICKS, new Uint8Array(0), new Uint8Array(codec.maxBytes(BLOCK_TICKS)), 0);
  codec.lasts(records, TICKS, lasts);
  return lasts;
}

t.test('folded together, as one by one', async (t) => {
  const random = seeded(7);
  const codec = new BlockCodec();
  const blocks = Array.from({ length: BLOCKS }, (_, n) => block(codec, (k) => random() % k, n));
  const together = new LastValuesProjection();
  together.fold(blocks.slice(0, 11));
  together.fold(blocks.slice(11));
  const single = new LastValuesProjection();
  for (const lasts of blocks) single.fold([lasts]);
  const ids = single.takeDirty().sort((a, b) => a - b);
  t.equal(ids.length, SYMBOLS, 'every symbol ticked');
  t.same(
    together.takeDirty().sort((a, b) => a - b),
    ids,
  );
  for (const id of ids)
    t.same(Buffer.from(together.entry(id)), Buffer.from(single.entry(id)), `symbol ${id}`);
});

t.test('newest times of an earlier epoch judge no tick of the next', async (t) => {
  const before = new TableEntry();
  before.clear();
  before.u32[EntryU32.seen] = 1;
  for (let word = EntryU32.quoteS; word <= EntryU32.tradeNs; word++) before.u32[word] = 1_800_000_000;
  before.f64[EntryF64.bid] = 1.5;
  const projection = new LastValuesProjection();
  projection.load(7, new Uint8Array(before.u32.buffer));
  const table = new LastValueTable(LastValueTable.allocate(64), 64);
  t.equal(projection.copyInto(table), 1);
  const entry = new TableEntry();
  table.read(7, entry);
  t.equal(entry.f64[EntryF64.bid], 1.5);
  t.same([...entry.u32.slice(EntryU32.quoteS, EntryU32.tradeNs + 1)], [0, 0, 0, 0], 'of a checkpoint');

  projection.fold([block(new BlockCodec(), (k) => seeded(3)() % k, 1)]);
  projection.copyInto(table);
  for (let id = 1; id < 64; id++) {
    table.read(id, entry);
    t.same(
      [...entry.u32.slice(EntryU32.quoteS, EntryU32.tradeNs + 1)],
      [0, 0, 0, 0],
      `of a block, symbol ${id}`,
    );
  }
});
