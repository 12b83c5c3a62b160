import t from 'tap';
import { marketSymbols } from '../../../src/feeds/synthetic/universe.js';

t.test('symbols have names of their own, whatever their number', async (t) => {
  const symbols = marketSymbols(16_000);
  t.equal(new Set(symbols.map((s) => s.name)).size, 16_000);
  t.ok(symbols.every((s) => /^[A-Z0-9.]{4,8}$/.test(s.name) && s.startPoints > 100 && s.digits <= 5));
  t.same(
    marketSymbols(4).map((s) => s.name),
    ['EURUSD', 'XAUUSD', 'GBPUSD', 'XAGUSD'],
  );
});
