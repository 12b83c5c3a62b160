import t from 'tap';
import { FlushLoop, type FlushSource, type Served } from '../../src/fanout/flush-loop.js';
import { allocateDoorbells, Doorbell, turn } from '../../src/pipeline/memory/doorbell.js';

/** A source whose ticks arrive during a round. */
class Source implements FlushSource {
  written = 0;
  head = 0;
  rounds = 0;
  readonly dueAtMs = Number.POSITIVE_INFINITY;
  readonly awaitsLog = false;

  moved(): boolean {
    return this.written !== this.head;
  }

  beginRound(): void {
    this.rounds++;
  }

  advance(): void {
    this.head = this.written;
  }
}

const CONNECTIONS = 6;
const PER_FLUSH = 2;

/** Serves connections two at a time; `served` has what each was given, in order. */
function loopOf(source: Source, afterFlush: (flush: number) => void = () => {}) {
  const served: number[][] = Array.from({ length: CONNECTIONS }, () => []);
  let next = 0;
  let flushes = 0;
  const serve = (): Served => {
    for (let n = 0; n < PER_FLUSH; n++) served[next++].push(source.head);
    const isOver = next === CONNECTIONS;
    if (isOver) next = 0;
    afterFlush(++flushes);
    return { isOver, isMore: false };
  };
  const loop = new FlushLoop(source, new Doorbell(allocateDoorbells(1), 0), 1, () => true, serve);
  return { loop, served };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn();
}

t.test('a round without new ticks serves every connection once, with one flush', async (t) => {
  const source = new Source();
  const { loop, served } = loopOf(source);
  source.written = 7;
  loop.start();
  await until(() => served[CONNECTIONS - 1].length > 0);
  await loop.stop();
  t.equal(source.rounds, 1);
  t.strictSame(served, new Array(CONNECTIONS).fill([7]));
});

t.test(
  'ticks that arrive during a round reach the rest of the round, and all others in the next round',
  async (t) => {
    const source = new Source();
    const { loop, served } = loopOf(source, (flush) => {
      if (flush === 1) source.written = 9;
    });
    source.written = 7;
    loop.start();
    await until(() => served[CONNECTIONS - 1].length > 1);
    await loop.stop();
    t.equal(source.rounds, 2);
    t.strictSame(served, [
      [7, 9],
      [7, 9],
      [9, 9],
      [9, 9],
      [9, 9],
      [9, 9],
    ]);
  },
);

t.test('the event loop runs between the flushes of a round', async (t) => {
  const source = new Source();
  const turns: number[] = [];
  let turned = 0;
  const { loop, served } = loopOf(source, () => {
    turns.push(turned);
    setImmediate(() => turned++);
  });
  source.written = 1;
  loop.start();
  await until(() => served[CONNECTIONS - 1].length > 0);
  await loop.stop();
  t.equal(turns.length, CONNECTIONS / PER_FLUSH);
  for (let i = 1; i < turns.length; i++) t.ok(turns[i] > turns[i - 1], 'others had their turn');
});

t.test('the loop announces its next flush at the doorbell', async (t) => {
  const source = new Source();
  const memory = allocateDoorbells(1);
  const bell = new Doorbell(memory, 0);
  const look = new Int32Array(memory, 8, 1);
  let hasWork = true;
  let workMs = 20;
  const serve = (): Served => {
    const untilMs = performance.now() + workMs;
    while (performance.now() < untilMs);
    return { isOver: true, isMore: false };
  };
  const loop = new FlushLoop(source, bell, 16, () => hasWork, serve);
  loop.start();
  // New ticks without end.
  const timer = setInterval(() => source.written++, 1);
  await until(() => bell.msToLook > 8);
  t.ok(bell.msToLook <= loop.intervalMs);
  workMs = 0;
  await until(() => look[0] === 0);
  t.equal(loop.intervalMs, 0, 'with little to do it looks at once');
  workMs = 20;
  await until(() => bell.msToLook > 8);
  hasWork = false;
  await until(() => look[0] === 0);
  hasWork = true;
  loop.wake();
  await until(() => bell.msToLook > 8);
  clearInterval(timer);
  await loop.stop();
  t.equal(look[0], 0);
});

t.test('in a flood of ticks the loop leaves the core to the shards, which must not sleep', async (t) => {
  const source = new Source();
  const memory = allocateDoorbells(1);
  const bell = new Doorbell(memory, 0);
  const look = new Int32Array(memory, 8, 1);
  let perRound = 1000;
  const serve = (): Served => {
    // New ticks for the next round.
    source.written += perRound;
    return { isOver: true, isMore: false };
  };
  const loop = new FlushLoop(source, bell, 16, () => true, serve);
  source.written = perRound;
  loop.start();
  await until(() => loop.intervalMs === 1 && look[0] !== 0);
  perRound = 10_000;
  await until(() => loop.intervalMs === 2 && look[0] === 0);
  perRound = 1000;
  await until(() => loop.intervalMs === 1 && look[0] !== 0);
  await loop.stop();
  t.pass('and is as before when that is over');
});
