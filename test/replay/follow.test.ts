/** A replay that continues live at the end of the log: no gap and no repeat, also after a restart of the engine. */
import t from 'tap';
import { RECORD_U32, U32_TS_RECV_NS, U32_TS_RECV_S } from '../../src/core/tick.js';
import { LogReader } from '../../src/log/read/log-reader.js';
import { ReplayControl } from '../../src/replay/control.js';
import { ReplayPlayer, Step } from '../../src/replay/player.js';
import { LogSymbols } from '../../src/replay/symbols.js';
import { serve } from '../cli/support.js';
import { startEngine, temporaryFolder, untilEnded } from '../engine/support.js';

const COUNT = 3_000;
const SYMBOLS_AFTER = 9;

function market(seed: number, symbols: number) {
  const options = { rate: 20_000, symbols, tradeShare: 0.1, seed, count: COUNT };
  return [{ name: 'market', type: 'synthetic' as const, options }];
}

t.test('from the past into the present, over a restart that brings new symbols', async (t) => {
  const dataFolder = temporaryFolder(t);
  const before = await startEngine(t, { feeds: market(1, 4), dataFolder, http: false });
  await untilEnded(before, 20_000);
  await before.stop();

  const symbols = await LogSymbols.open(dataFolder, ['*']);
  const reader = LogReader.open(dataFolder);
  t.teardown(() => reader.close());
  const control = ReplayControl.create('max');
  const player = new ReplayPlayer(reader, symbols, control, { follow: true });
  const got: string[] = [];
  const names = new Set<string>();
  let wanted = Number.POSITIVE_INFINITY;
  const playing = (async () => {
    while (got.length < wanted) {
      const step = player.step();
      if (step === Step.wait) await player.wait();
      else {
        got.push(`${player.stream.epoch}:${player.stream.seq}`);
        names.add(player.symbols.name(player.symbolId));
      }
    }
  })();
  while (!control.isLive) await new Promise((resolve) => setImmediate(resolve));
  const seen = got.length;
  t.equal(seen, before.totals().sequenced, 'what was there came first');

  // In a process of its own, as it is in earnest: one process does not open a log twice.
  const feed = `synthetic=${JSON.stringify(market(2, SYMBOLS_AFTER)[0].options)}`;
  const { server } = await serve(t, ['--data', dataFolder, '--feed', feed]);
  const numbered = COUNT + SYMBOLS_AFTER;
  wanted = seen + numbered;
  await playing;
  t.equal((await server.stop()).code, 0);
  const expected = [1, 2].flatMap((epoch) =>
    Array.from({ length: epoch === 1 ? seen : wanted - seen }, (_, i) => `${epoch}:${i + 1}`),
  );
  t.same(got, expected, 'every tick came once, in order');
  t.equal(names.size, SYMBOLS_AFTER, 'symbols that came later are known by name');
});

t.test('a seek goes there, and back to the start of the range at most', async (t) => {
  const dataFolder = temporaryFolder(t);
  const engine = await startEngine(t, { feeds: market(3, 4), dataFolder, http: false });
  await untilEnded(engine, 20_000);
  await engine.stop();
  const symbols = await LogSymbols.open(dataFolder, ['*']);
  const reader = LogReader.open(dataFolder);
  t.teardown(() => reader.close());
  const control = ReplayControl.create('max');
  const player = new ReplayPlayer(reader, symbols, control, {
    follow: false,
    from: { kind: 'seq', epoch: 1, seqs: [100] },
  });
  const step = () => {
    t.equal(player.step(), Step.tick);
    const { records, index, seq } = player.stream;
    const w = index * RECORD_U32;
    return { seq, seconds: records.u32[w + U32_TS_RECV_S], nanos: records.u32[w + U32_TS_RECV_NS] };
  };
  t.equal(step().seq, 100);
  let there = step();
  while (there.seq < 2_000) there = step();
  step();
  control.seek(there);
  const again = step();
  t.same([again.seconds, again.nanos], [there.seconds, there.nanos]);
  t.ok(again.seq <= there.seq, 'the first tick of that time');
  t.ok(player.hasJumped);
  control.seek({ seconds: 1, nanos: 0 });
  t.equal(step().seq, 100, 'not before the range');
  t.same(player.position(), { kind: 'seq', epoch: 1, seqs: [101] });
  t.same(player.position(true), { kind: 'seq', epoch: 1, seqs: [100] });
  control.isPaused = true;
  t.equal(player.step(), Step.wait);
  control.isPaused = false;
  t.equal(step().seq, 101);
});

t.test('a cursor of another log is refused', async (t) => {
  const dataFolder = temporaryFolder(t);
  const engine = await startEngine(t, { feeds: market(4, 2), dataFolder, http: false });
  await untilEnded(engine, 20_000);
  await engine.stop();
  const symbols = await LogSymbols.open(dataFolder, ['*']);
  const reader = LogReader.open(dataFolder);
  t.teardown(() => reader.close());
  const from = { kind: 'seq' as const, epoch: 1, seqs: [5], logId: 'ffffffffffffffff' };
  const make = () => new ReplayPlayer(reader, symbols, ReplayControl.create('max'), { follow: false, from });
  t.throws(make, { code: 'bad_input' });
});
