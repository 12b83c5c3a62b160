/** Definitions: aliases of the port come before those of the terminal, and bad ones are answered, not fatal. */
import t from 'tap';
import { MT5_SYMBOLS_MAX } from '../../../src/core/limits.js';
import { encodeSymbol, FrameType } from '../../../src/feeds/mt5/framing.js';
import { ODD_NAMES } from '../../helpers/odd-names.js';
import { Bench, until } from './harness.js';

t.test('names', async (t) => {
  const bench = await new Bench({ aliases: { 'EURUSD.m': 'EURUSD' } }).start();
  const terminal = bench.terminal();
  terminal.define('EURUSD.m', 5, { alias: 'EURO' });
  terminal.define('XAUUSDc', 2, { alias: 'XAUUSD' });
  terminal.define('US500.cash', 1);
  await terminal.start();
  for (let i = 0; i < 3; i++) terminal.send(i, 1e12, 6, 1, 2);
  await bench.reading(() => terminal.counters.acked === 3, 'all acknowledged');
  const names = bench.ticks.map((tick) => bench.registry.symbols[tick.symbolId]?.name);
  t.strictSame(names, ['EURUSD', 'XAUUSD', 'US500.cash']);
  for (const raw of ['EURUSD.m', 'XAUUSDc', 'US500.cash']) {
    t.ok(
      bench.registry.aliases.some((a) => a.raw === raw),
      `${raw} is kept`,
    );
  }
  await terminal.close();
  await bench.server.stop();
});

t.test('any printable name is taken', async (t) => {
  const bench = await new Bench({ aliases: { ' far too odd ': 'FINE' } }).start();
  const terminal = bench.terminal();
  for (const name of ODD_NAMES) terminal.define(name, 5);
  terminal.define(' far too odd ', 2);
  await terminal.start();
  const names = [...ODD_NAMES, 'FINE'];
  for (let i = 0; i < names.length; i++) terminal.send(i, 1e12, 6, 1, 2);
  await bench.reading(() => terminal.counters.acked === names.length, 'all acknowledged');
  t.strictSame(
    bench.ticks.map((tick) => bench.registry.symbols[tick.symbolId]?.name),
    names,
  );
  await terminal.close();
  await bench.server.stop();
});

t.test('ticks of a symbol that is refused are counted, and the log says what helps', async (t) => {
  const bench = await new Bench().start();
  const terminal = bench.terminal();
  const bad = terminal.define('X'.repeat(65), 5);
  const good = terminal.define('EURUSD', 5);
  await terminal.start();
  for (let i = 0; i < 5; i++) terminal.send(bad, 1e12 + i, 6, 1, 2);
  terminal.send(good, 1e12, 6, 1, 2);
  terminal.send(99, 1e12, 6, 1, 2);
  await bench.reading(() => terminal.counters.acked === 7, 'they hold up nothing');
  t.match(bench.counters.totals().rejectedBy, { refused_symbol: 5, unknown_symbol: 1 });
  t.match(bench.warnings, [/65\. Give it another name by an alias/], 'at the definition');
  await terminal.close();
  await bench.reading(() => bench.server.status().sources === 0, 'it is gone');
  t.match(bench.warnings[1], /^5 ticks were lost: the definitions of their symbols were refused/);
  t.equal(bench.count('refused_symbol_ticks'), 5);
  t.equal(bench.missing, 0, 'sums hold');
  await bench.server.stop();
});

t.test('bad definitions', async (t) => {
  const bench = await new Bench().start();
  const peer = await bench.peer();
  await peer.hello();
  const good = { local: 0, raw: 'EURUSD', digits: 5, negative: false, alias: '' };
  const bad = [
    { ...good, digits: 99 },
    { ...good, raw: '' },
    { ...good, raw: ' A' },
    { ...good, raw: 'A\u0007' },
    { ...good, raw: 'X'.repeat(129), alias: 'X' },
    { ...good, raw: 'X'.repeat(65) },
    { ...good, local: MT5_SYMBOLS_MAX },
  ];
  for (const symbol of bad) peer.socket.write(encodeSymbol(symbol));
  await until(() => peer.errors.length === bad.length, 'each is answered');
  for (const error of peer.errors) t.match(error, { code: 'bad_symbol', severity: 0 });
  t.equal(bench.count('bad_symbol'), bad.length);
  t.notOk(peer.isClosed, 'the connection goes on');
  t.notOk(peer.types.includes(FrameType.bye));
  await bench.server.stop();
});
