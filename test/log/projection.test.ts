/** Last values are the same whether blocks are folded one by one or together. */
import t from 'tap';
import { BLOCK_TICKS } from '../../src/limits.js';
import { BlockCodec } from '../../src/log/codec.js';
import { Lasts } from '../../src/log/lasts.js';
import { Projection } from '../../src/log/projection.js';
import { Flag, Kind, Records, writeHeader, writeQuote, writeTimes, writeTrade } from '../../src/tick.js';
import { seeded } from './support.js';

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
  const together = new Projection();
  together.fold(blocks.slice(0, 11));
  together.fold(blocks.slice(11));
  const single = new Projection();
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
