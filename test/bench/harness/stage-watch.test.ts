/** The time of a tick is shared out among the stages that it passed, to the last microsecond. */
import t from 'tap';
import { type StageNotes, stageTimes } from '../../../src/bench/harness/stage-watch.js';
import {
  mergedStages,
  STAGES,
  TRACED_WORDS,
  Traced,
  TracedTicks,
  tracedWords,
  traceEvery,
} from '../../../src/bench/harness/traced.js';
import { StageJournal } from '../../../src/pipeline/memory/stage-journal.js';

const ANCHOR_NS = 5e12;
const RECV_NS = 3_000_000_123;
const SEQ = 500;

/** Moments in µs since the anchor. */
interface Way {
  offered: number;
  taken: number;
  published: number;
  takenIn: number;
  sent: number;
}

function notes({ offered, taken, published, takenIn, sent }: Way): StageNotes {
  const at = (us: number) => ANCHOR_NS + us * 1e3;
  const copyOf = (...all: [number, number, number][]) => {
    const journal = new StageJournal(StageJournal.allocate(4));
    for (const note of all) journal.note(...note);
    return journal.copy();
  };
  return {
    feed: copyOf([RECV_NS, at(offered - 1), at(offered)]),
    shard: copyOf([SEQ - 1, 0, 0], [SEQ + 3, at(taken), at(published)]),
    fanout: copyOf([SEQ - 1, 0, 0], [SEQ + 9, at(takenIn), at(takenIn)]),
    sent: { of: (client, frame) => (client === 3 && frame === 7 ? at(sent) : undefined) },
  };
}

/** A tick that was due at 1,000 µs and read at 2,000 µs. */
function tick(change: Partial<Record<keyof typeof Traced, number>> = {}): Float64Array {
  const words = new Float64Array(TRACED_WORDS);
  const values = { client: 3, frame: 7, seq: SEQ, dueUs: 1000, recvNs: RECV_NS, gotUs: 2000, ...change };
  for (const [name, at] of Object.entries(Traced)) words[at] = values[name as keyof typeof Traced];
  return words;
}

const WAY: Way = { offered: 1100, taken: 1300, published: 1310, takenIn: 1350, sent: 1750 };

t.test('each stage has the time between two notes', async (t) => {
  const { times, found } = stageTimes(tick(), ANCHOR_NS, notes(WAY));
  t.equal(found, 1);
  const us = mergedStages([times])!;
  t.same(
    STAGES.map((stage) => us[stage].max),
    [100, 200, 10, 40, 400, 250],
  );
});

t.test('where stages overlap the time is the earlier one’s, and the sum stays', async (t) => {
  const { times } = stageTimes(tick(), ANCHOR_NS, notes({ ...WAY, taken: 1090, takenIn: 1305 }));
  const us = mergedStages([times])!;
  t.same(
    STAGES.map((stage) => us[stage].max),
    [100, 0, 210, 0, 440, 250],
  );
  t.equal(
    STAGES.reduce((sum, stage) => sum + us[stage].max, 0),
    1000,
  );
});

t.test('a tick that some stage has no note of is left out', async (t) => {
  for (const change of [{ recvNs: RECV_NS - 1 }, { seq: SEQ + 4 }, { frame: 8 }, { client: 4 }])
    t.equal(stageTimes(tick(change), ANCHOR_NS, notes(WAY)).found, 0, JSON.stringify(change));
});

t.test('several measured times are one histogram', async (t) => {
  t.equal(mergedStages([null, null]), null);
  const one = stageTimes(tick(), ANCHOR_NS, notes(WAY)).times;
  const other = stageTimes(tick({ dueUs: 900 }), ANCHOR_NS, notes(WAY)).times;
  t.match(mergedStages([one, null, other]), { feed: { samples: 2, max: 200 }, client: { samples: 2 } });
});

t.test('some clients are traced, and of their ticks a bounded, even choice', async (t) => {
  t.equal(traceEvery(4), 1);
  t.equal(traceEvery(1000), 16);
  const ticks = new TracedTicks(16);
  ticks.frame = 7;
  ticks.batchSeq = 1e12;
  ticks.batchRecvNs = 2e9;
  for (let i = 0; i < 100_000; i++) ticks.take(i % 32, i % 1000, -5, i, i + 1);
  const words = tracedWords(ticks.taken());
  const count = words.length / TRACED_WORDS;
  // Of 32 clients two are traced: 6,250 of 100,000 ticks; all of them fit.
  t.equal(count, 6250);
  t.same([...words.slice(0, TRACED_WORDS)], [0, 7, 1e12, 0, 2e9 - 5, 1]);
  for (let i = 0; i < 1_000_000; i++) ticks.take(0, 0, 0, i, i);
  const many = tracedWords(ticks.taken());
  const kept = many.length / TRACED_WORDS;
  t.ok(kept > 8000 && kept <= 16_384, `${kept} are kept`);
  const last = many[(kept - 1) * TRACED_WORDS + Traced.dueUs];
  t.ok(last > 990_000, `the newest among them is tick ${last}`);
  ticks.reset();
  t.equal(ticks.taken(), '');
});
