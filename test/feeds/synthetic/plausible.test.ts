import { execFileSync, spawnSync } from 'node:child_process';
import t from 'tap';
import { RECORD_BYTES, Records } from '../../../src/core/tick.js';
import { toTick } from '../../../src/core/tick-record.js';
import { Market } from '../../../src/feeds/synthetic/market.js';

const TICKS = 30_000;
const BYTES_A_TICK_MIN = 6;

t.test('the standard market looks like one', async (t) => {
  const market = new Market();
  const records = Records.allocate(TICKS);
  market.fill(records, 0, TICKS);
  let trades = 0;
  let faults = 0;
  let last = 0n;
  const perSymbol = new Map<number, number>();
  const tradeIds = new Map<number, number>();
  for (let i = 0; i < TICKS; i++) {
    const tick = toTick(records, i);
    const { digits } = market.symbols[tick.symbolId - 1];
    perSymbol.set(tick.symbolId, (perSymbol.get(tick.symbolId) ?? 0) + 1);
    if (tick.tsEvent! <= last) faults++;
    last = tick.tsEvent!;
    const prices = tick.kind === 'trade' ? [tick.price!] : [tick.bid!, tick.ask!];
    if (prices.some((price) => price <= 0 || price !== Number(price.toFixed(digits)))) faults++;
    if (tick.kind !== 'trade') {
      if (tick.ask! < tick.bid! || tick.bidSize! <= 0 || tick.askSize! <= 0) faults++;
      continue;
    }
    trades++;
    if (tick.size! <= 0 || tick.tradeId! <= (tradeIds.get(tick.symbolId) ?? 0)) faults++;
    tradeIds.set(tick.symbolId, tick.tradeId!);
  }
  t.equal(faults, 0, 'times and trade ids grow, prices are decimals of the symbol, nothing is crossed');
  t.ok(Math.abs(trades / TICKS - 0.05) < 0.005, `${trades} trades`);
  const counts = [...perSymbol.values()].sort((a, b) => b - a);
  t.ok(counts.length > 450, `${counts.length} symbols`);
  t.ok(counts[0] > 50 * counts[400], 'a few symbols are busy, most are not');
});

const skip = spawnSync('xz', ['--version']).status === 0 ? false : 'xz is not installed';
t.test('it has the entropy of one', { skip }, async (t) => {
  const records = Records.allocate(TICKS);
  new Market().fill(records, 0, TICKS);
  const packed = execFileSync('xz', ['-6', '-c'], { input: records.u8, maxBuffer: TICKS * RECORD_BYTES });
  const bytesATick = packed.length / TICKS;
  t.ok(bytesATick >= BYTES_A_TICK_MIN, `${bytesATick.toFixed(2)} bytes a tick after xz -6`);
});
