/** Who leads: the figures of the first table, in which of them another system is ahead of tickwire, and what tickwire must reach. */

import type { Spread } from '../harness/measure.js';
import type { Goal, SystemSummary } from './types.js';

/** The system that others are compared with; those that store every tick, with the second. */
export const OWN = 'tickwire';
const OWN_STORING = 'tickwire-log';

export interface SystemFigure {
  title: string;
  /** For a narrow table. */
  brief: string;
  better: 'higher' | 'lower';
  unit: string;
  /** What a figure is divided by to be in that unit. */
  per: number;
  of(summary: SystemSummary): Spread | null | undefined;
}

const US_PER_MS = 1000;

function milliseconds(title: string, brief: string, of: SystemFigure['of']): SystemFigure {
  return { title, brief, better: 'lower', unit: 'ms', per: US_PER_MS, of };
}

const PER_CPU: SystemFigure = {
  title: 'delivered a server CPU second',
  brief: 'per CPU s',
  better: 'higher',
  unit: 'ticks',
  per: 1,
  of: (s) => s.deliveredPerCpuSecond,
};
const AT_COMMON = milliseconds('p99 at the common rate', 'p99 at common', (s) => s.p99AtCommonUs);
const STALENESS = milliseconds(
  'staleness p99 at twice its capacity',
  '2x stale',
  (s) => s.overload?.stalenessP99Us,
);

export const SYSTEM_FIGURES: readonly SystemFigure[] = [
  {
    title: 'capacity',
    brief: 'capacity',
    better: 'higher',
    unit: 'ticks/s',
    per: 1,
    of: (s) => s.capacityPerSecond,
  },
  PER_CPU,
  milliseconds('p99 at half its capacity', 'p99 at half', (s) => s.p99AtHalfUs),
  AT_COMMON,
  milliseconds('p99 beside a stopped subscriber', 'p99 beside slow', (s) => s.p99BesideSlowUs),
  STALENESS,
  {
    title: 'RssAnon at twice its capacity',
    brief: 'RssAnon',
    better: 'lower',
    unit: 'MB',
    per: 1e6,
    of: (s) => s.overload?.rssAnonBytes,
  },
];

export interface Ranking {
  peer: string;
  figure: SystemFigure;
  theirs: Spread;
  ours: Spread;
  /** The system of ours that it is compared with. */
  own: string;
}

/** Every figure in which another system's median is better than ours. */
export function rankings(systems: readonly SystemSummary[]): Ranking[] {
  return systems
    .filter(({ peer }) => peer !== null)
    .flatMap((peer) => {
      const own = systems.find(({ system }) => system === (peer.log ? OWN_STORING : OWN));
      return SYSTEM_FIGURES.flatMap((figure): Ranking[] => {
        const ours = own && figure.of(own);
        const theirs = figure.of(peer);
        if (own === undefined || ours == null || theirs == null) return [];
        if (!isAhead(figure, theirs.median, ours.median)) return [];
        return [{ peer: peer.system, figure, theirs, ours, own: own.system }];
      });
    });
}

/** The figures in which a system leads; of one that leads in none, a dash. */
export function rankingsIn(
  all: readonly Ranking[],
  { system, peer }: Pick<SystemSummary, 'system' | 'peer'>,
  name: 'title' | 'brief',
): string {
  if (peer === null) return '';
  return (
    all
      .filter((ranking) => ranking.peer === system)
      .map(({ figure }) => figure[name])
      .join(', ') || '–'
  );
}

function isAhead({ better }: SystemFigure, theirs: number, ours: number): boolean {
  return better === 'higher' ? theirs > ours : theirs < ours;
}

/** Ticks delivered per CPU second, as a multiple of the best peer's with one topic a symbol. */
const GAIN_FULL_BOOK = 8;
const GAIN_SOME = 3;
const BARE_SHARE = 0.8;
const LATENCY_SHARE = 0.5;
const STALENESS_MS_MAX = 50;

/** @param fullBook whether clients watch all symbols */
export function goals(systems: readonly SystemSummary[], fullBook: boolean): Goal[] {
  const own = systems.find(({ system }) => system === OWN);
  if (own === undefined) return [];
  const peers = systems.filter(({ peer, log }) => peer !== null && !log);
  const single = peers.filter(({ peer }) => !peer!.batched && peer!.name !== 'uws');
  const batch = peers.filter(({ peer }) => peer!.batched && peer!.name !== 'uws');
  const bare = peers.filter(({ peer }) => peer!.batched && peer!.name === 'uws');
  const gain = fullBook ? GAIN_FULL_BOOK : GAIN_SOME;
  const busiest = [...single].sort((a, b) => capacity(b) - capacity(a)).slice(0, 1);
  return [
    goal(own, single, PER_CPU, `at least ${gain} × the best with one topic a symbol`, gain),
    goal(own, batch, PER_CPU, 'not behind one that batches', 1),
    goal(own, bare, PER_CPU, `at least ${BARE_SHARE} × bare publish at our own flush interval`, BARE_SHARE),
    goal(
      own,
      busiest,
      AT_COMMON,
      `at most ${LATENCY_SHARE} × that of the peer with the highest capacity`,
      LATENCY_SHARE,
    ),
    goal(own, single, STALENESS, `under ${STALENESS_MS_MAX} ms`, null, STALENESS_MS_MAX),
  ].flatMap((found) => found ?? []);
}

function capacity(summary: SystemSummary): number {
  return summary.capacityPerSecond?.median ?? 0;
}

/**
 * @param share of the best peer's figure that ours has to reach, or to stay within; null: only `bound` counts
 * @param bound that ours has to stay within, in the figure's unit
 */
function goal(
  own: SystemSummary,
  peers: readonly SystemSummary[],
  figure: SystemFigure,
  wanted: string,
  share: number | null,
  bound?: number,
): Goal | null {
  const ours = figure.of(own);
  if (ours == null) return null;
  const known = peers.flatMap((peer) => {
    const theirs = figure.of(peer);
    return theirs == null ? [] : [{ name: peer.system, median: theirs.median }];
  });
  const [best] = known.sort((a, b) => (isAhead(figure, a.median, b.median) ? -1 : 1));
  if (best === undefined && share !== null) return null;
  const mine = ours.median / figure.per;
  const theirs = best === undefined ? null : best.median / figure.per;
  const limit = share === null ? bound! : share * theirs!;
  const isMet = figure.better === 'higher' ? mine >= limit : mine <= limit;
  const isBehind = best !== undefined && isAhead(figure, best.median, ours.median);
  return {
    what: figure.title,
    wanted,
    peer: best?.name ?? null,
    ours: mine,
    theirs,
    unit: figure.unit,
    verdict: `${isMet ? 'met' : 'missed'}${isBehind ? `; ${best.name} leads` : ''}`,
  };
}
