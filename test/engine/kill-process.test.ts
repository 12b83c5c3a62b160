/** The whole server is killed with SIGKILL, again and again, while a terminal sends: each tick is logged once, in order. */
import t from 'tap';
import { F64_BID, Kind, kindOf, RECORD_F64, RECORD_U32, Records, U32_SYMBOL } from '../../src/core/tick.js';
import { MqlFlag } from '../../src/feeds/mql/mql-tick.js';
import { Mt5Terminal } from '../../src/feeds/mt5/index.js';
import { LogReader } from '../../src/log/read/log-reader.js';
import { freePort, serve, temporaryFolder } from '../cli/support.js';
import { times } from '../helpers/long.js';

const SYMBOLS = 7;
const SHARDS = 2;
/** Sent between two kills. */
const TICKS_OF_LIFE = 10_000;
const KILLS = times(5, 500);
const TICKS = (KILLS + 1) * TICKS_OF_LIFE;
const READ = 8192;

t.test('a terminal loses nothing to a killed server', { timeout: 7_200_000 }, async (t) => {
  const data = temporaryFolder(t);
  const port = await freePort();
  const start = () =>
    serve(t, ['--data', data, '--shards', String(SHARDS), '--feed', `mt5=${JSON.stringify({ port })}`]);
  let { server } = await start();
  const terminal = new Mt5Terminal({
    host: '127.0.0.1',
    port,
    account: 1,
    server: 'Test',
    name: 'terminal',
    zone: 'UTC+2',
    reconnectMsMin: 10,
    reconnectMsMax: 50,
    backlogTicks: 8192,
  });
  t.teardown(() => terminal.close());
  await terminal.start();
  for (let s = 0; s < SYMBOLS; s++) terminal.define(`SYM${s}`, 5);
  const sending = (async () => {
    for (let n = 1; n <= TICKS; n++) {
      const bid = n / 1e5;
      while (!terminal.send(n % SYMBOLS, 1_700_000_000_000 + n, MqlFlag.bid | MqlFlag.ask, bid, bid + 1)) {
        await terminal.room();
      }
    }
  })();
  for (let kill = 1; kill <= KILLS; kill++) {
    const due = (TICKS * kill) / (KILLS + 1);
    while (terminal.counters.acked < due) await new Promise((resolve) => setTimeout(resolve, 1));
    await server.stop('SIGKILL');
    ({ server } = await start());
  }
  await sending;
  await terminal.drain();
  const ended = await server.stop('SIGTERM');
  t.equal(ended.code, 0, 'the last server stopped cleanly');

  const reader = LogReader.open(data);
  t.teardown(() => reader.close());
  t.equal(reader.epochs().length, KILLS + 1, 'each life has an epoch');
  const records = Records.allocate(READ);
  const seqs = new Float64Array(READ);
  const lastOfSymbol = new Map<number, number>();
  let seen = 0;
  let wrong = '';
  for (const { epoch } of reader.epochs()) {
    for (let shard = 0; shard < SHARDS; shard++) {
      for (let fromSeq = 1; ; ) {
        const { count, nextSeq } = reader.read({ epoch, shard, fromSeq, maxTicks: READ }, records, seqs);
        for (let i = 0; i < count; i++) {
          if (kindOf(records, i) !== Kind.quote) continue;
          const symbol = records.u32[i * RECORD_U32 + U32_SYMBOL];
          const n = Math.round(records.f64[i * RECORD_F64 + F64_BID] * 1e5);
          const before = lastOfSymbol.get(symbol);
          if (before !== undefined && n !== before + SYMBOLS) {
            wrong ||= `epoch ${epoch}, shard ${shard}: tick ${n} of symbol ${symbol} after ${before}`;
          }
          lastOfSymbol.set(symbol, n);
          seen++;
        }
        if (count === 0) break;
        fromSeq = nextSeq;
      }
    }
  }
  t.equal(wrong, '', 'each symbol goes on exactly where it was');
  t.equal(seen, TICKS, 'every tick is there once');
});
