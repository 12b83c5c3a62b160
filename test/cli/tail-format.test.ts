/** What one symbol did says nothing of another, however their names look. */
import t from 'tap';
import { TickLines } from '../../src/cli/tail-format.js';
import type { PlainTick } from '../../src/client/index.js';

t.test('a symbol that is named as the trades of another', async (t) => {
  const lines = new TickLines(true);
  const tick = { symbolSeq: 1, seq: 1, tsRecv: 0n, flags: [], inSnapshot: false };
  const trade = { ...tick, kind: 'trade', symbol: 'EURUSD', price: 2, size: null } as unknown as PlainTick;
  const quote = { ...tick, kind: 'quote', symbol: 'EURUSD trade', bid: 1, ask: 1 } as unknown as PlainTick;
  const red = '\u001b[31m';
  lines.line(trade);
  t.notOk(lines.line(quote).includes(red), 'its first price did not fall');
  t.ok(lines.line({ ...trade, price: 1 } as PlainTick).includes(red), 'that of the other did');
});
