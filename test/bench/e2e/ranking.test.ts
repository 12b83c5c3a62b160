/** Where a peer leads is found, and what tickwire must reach is compared with the right peers. */
import t from 'tap';
import { goals, rankings, rankingsIn } from '../../../src/bench/e2e/ranking.js';
import type { SystemSummary } from '../../../src/bench/e2e/types.js';
import { spread } from '../../../src/bench/harness/measure.js';
import type { PeerName } from '../../../src/bench/peers/index.js';

interface Figures {
  capacity: number;
  perCpu: number;
  commonMs: number;
  staleMs: number;
}

function summary(system: string, { capacity, perCpu, commonMs, staleMs }: Figures): SystemSummary {
  const [name, batch] = system.split('-');
  const isOwn = name === 'tickwire';
  return {
    ...{ system, what: '', version: '', settings: {}, capacityRate: 1, capacityIsLowerBound: false },
    peer: isOwn ? null : { name: name as PeerName, batched: batch === 'batch' },
    log: system === 'tickwire-log' || name === 'jetstream',
    capacityPerSecond: spread([capacity]),
    deliveredPerCpuSecond: spread([perCpu]),
    p99AtHalfUs: null,
    p99AtCommonUs: spread([commonMs * 1000]),
    p99BesideSlowUs: null,
    overload: {
      stalenessP99Us: spread([staleMs * 1000]),
      ...{ lost: 0, disconnected: 0, rssAnonBytes: spread([1e6]) },
    },
    valid: true,
  };
}

const OWN = summary('tickwire', { capacity: 40, perCpu: 40, commonMs: 4, staleMs: 20 });
const LOGGED = summary('tickwire-log', { capacity: 30, perCpu: 30, commonMs: 5, staleMs: 20 });
const NATS = summary('nats', { capacity: 2, perCpu: 4, commonMs: 10, staleMs: 900 });
const WS = summary('ws', { capacity: 1, perCpu: 5, commonMs: 3, staleMs: 90 });
const NATS_BATCH = summary('nats-batch', { capacity: 50, perCpu: 50, commonMs: 9, staleMs: 90 });
const JETSTREAM = summary('jetstream', { capacity: 1, perCpu: 35, commonMs: 9, staleMs: 90 });
const UWS = summary('uws', { capacity: 60, perCpu: 90, commonMs: 1, staleMs: 1 });
const UWS_BATCH = summary('uws-batch', { capacity: 90, perCpu: 45, commonMs: 9, staleMs: 90 });
const ALL = [OWN, LOGGED, NATS, WS, NATS_BATCH, JETSTREAM, UWS, UWS_BATCH];

t.test('a ranking has both figures; what stores is compared with what stores', async (t) => {
  const found = rankings(ALL);
  const of = (peer: SystemSummary) => rankingsIn(found, peer, 'brief');
  t.equal(of(NATS), '–');
  t.equal(of(WS), 'p99 at common');
  t.equal(of(NATS_BATCH), 'capacity, per CPU s');
  t.equal(of(JETSTREAM), 'per CPU s', 'tickwire-log has 30, tickwire 40');
  t.equal(of(UWS), 'capacity, per CPU s, p99 at common, 2x stale');
  t.equal(of(OWN), '');
  t.match(
    found.find(({ peer }) => peer === 'jetstream'),
    {
      own: 'tickwire-log',
      theirs: { median: 35 },
      ours: { median: 30 },
    },
  );
});

t.test('goals are compared with the best peer of their kind', async (t) => {
  const told = goals(ALL, true).map(({ peer, ours, theirs, verdict }) => [peer, ours, theirs, verdict]);
  t.same(told, [
    ['ws', 40, 5, 'met'],
    ['nats-batch', 40, 50, 'missed; nats-batch leads'],
    ['uws-batch', 40, 45, 'met; uws-batch leads'],
    ['nats', 4, 10, 'met'],
    ['ws', 20, 90, 'met'],
  ]);
});

t.test('of some symbols less is wanted, and more than there is is missed', async (t) => {
  const some = goals([summary('tickwire', { ...figuresOf(39), perCpu: 14 }), NATS, WS], false);
  t.same(
    some.map(({ wanted, verdict }) => [wanted.slice(0, 12), verdict]),
    [
      ['at least 3 ×', 'missed'],
      ['at most 0.5 ', 'missed'],
      ['under 50 ms', 'missed'],
    ],
  );
});

function figuresOf(n: number): Figures {
  return { capacity: n, perCpu: n, commonMs: 6, staleMs: 60 };
}

t.test('without the system that goals are for there are none', async (t) => {
  t.same(goals([NATS, WS], true), []);
  t.same(rankings([NATS, WS]), []);
  t.equal(rankingsIn([], NATS, 'title'), '–');
  t.same(
    goals([OWN], true).map(({ peer, verdict }) => [peer, verdict]),
    [[null, 'met']],
    'staleness has a bound of its own',
  );
});
