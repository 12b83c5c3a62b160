/** Ticks recorded from a live terminal go through the port with the same prices and times. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { MQL_TICK_BYTES, MqlTick, readMqlTick } from '../../../src/feeds/mql/mql-tick.js';
import { Bench } from './harness.js';

const FILE = join(process.env.TICKWIRE_DATA ?? '../shared/data', 'mt5_live/DERIVED_EURUSD_mqltick60.bin');

t.test(
  'recorded ticks',
  { skip: existsSync(FILE) ? false : `${FILE} is absent; set TICKWIRE_DATA` },
  async (t) => {
    const bench = await new Bench().start();
    const terminal = bench.terminal({ zone: 'UTC+3' });
    const symbol = terminal.define('EURUSD.i', 5, { alias: 'EURUSD' });
    await terminal.start();
    const bytes = readFileSync(FILE);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const expected: object[] = [];
    for (let at = 0; at < bytes.length; at += MQL_TICK_BYTES) {
      const tick = new MqlTick();
      readMqlTick(view, at, tick);
      terminal.sendRaw(symbol, tick);
      const tsEvent = BigInt(tick.timeMs - 3 * 3_600_000) * 1_000_000n;
      expected.push({ kind: 'quote', bid: tick.bid, ask: tick.ask, tsEvent });
    }
    await bench.reading(() => terminal.counters.acked === expected.length, 'all acknowledged');
    t.equal(expected.length, 89);
    t.strictSame(
      bench.ticks.map(({ kind, bid, ask, tsEvent }) => ({ kind, bid, ask, tsEvent })),
      expected,
    );
    t.equal(bench.missing, 0, 'sums hold');
    await terminal.close();
    await bench.server.stop();
  },
);
