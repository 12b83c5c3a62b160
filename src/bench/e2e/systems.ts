/** What scenario `e2e` compares: tickwire as it can be set up, and each peer with and without batches. */
import { TickwireError } from '../../core/errors.js';
import type { Mode } from '../../wire/ticks.js';
import { PEERS, type PeerName, peerOf } from '../peers/index.js';
import { BATCH_MS } from '../peers/peer.js';

export interface System {
  name: string;
  what: string;
  mode: Mode;
  /** Whether every tick is stored: by tickwire in its log. */
  log: boolean;
  /** Undefined: tickwire. */
  peer?: { name: PeerName; batched: boolean };
  /** Delivered ticks per second that are easy for it: the search for its capacity begins there. */
  startPerSecond: number;
}

export interface Skipped {
  name: string;
  why: string;
}

const OWN: System[] = [
  {
    name: 'tickwire',
    what: 'tickwire, mode every, packed, no log: what peers do too',
    mode: 'every',
    log: false,
    startPerSecond: 6e6,
  },
  {
    name: 'tickwire-log',
    what: 'tickwire, mode every, packed, every tick logged',
    mode: 'every',
    log: true,
    startPerSecond: 6e6,
  },
  {
    name: 'tickwire-latest',
    what: 'tickwire, mode latest, packed, no log',
    mode: 'latest',
    log: false,
    startPerSecond: 6e6,
  },
];
/** What a peer with one topic a symbol delivers with ease, in ticks per second, and how much more with batches. */
const EASY: Record<PeerName, number> = {
  nats: 3e5,
  jetstream: 2e5,
  redis: 3e4,
  mosquitto: 3e4,
  ws: 3e4,
  socketio: 2e4,
  uws: 1e6,
};
const BATCH_GAIN = 8;
/** Peers that store every tick, as tickwire does with its log: compared where that is. */
const STORING: readonly PeerName[] = ['jetstream'];

function peerSystems(name: PeerName): System[] {
  const { what, batchMs = BATCH_MS } = peerOf(name);
  const log = STORING.includes(name);
  return [
    { name, what, mode: 'every', log, peer: { name, batched: false }, startPerSecond: EASY[name] },
    {
      name: `${name}-batch`,
      what: `${what.split(',')[0]}, one topic for the full book, batches of ${batchMs} ms`,
      mode: 'every',
      log,
      peer: { name, batched: true },
      startPerSecond: EASY[name] * BATCH_GAIN,
    },
  ];
}

/**
 * The systems to measure, and those that cannot be.
 * @param wanted `all`, `none`, or names of peers, with commas between; a name means the peer with and without
 *   batches, unless `-batch` or `-single` follows it
 * @throws TickwireError bad_config
 */
export function chooseSystems(
  wanted: string,
  options: { watch: number; symbols: number; own: string },
): { systems: System[]; skipped: Skipped[] } {
  const names = Object.keys(PEERS) as PeerName[];
  const own = choose(options.own, OWN, (system, word) => system.name === word);
  const peers = choose(
    wanted,
    names.flatMap(peerSystems),
    ({ name, peer }, word) =>
      name === word || peer?.name === word || (peer?.batched === false && `${name}-single` === word),
  );
  const skipped: Skipped[] = [];
  const isLogged = wanted !== 'all' || own.some(({ log }) => log);
  const systems = [...own, ...peers].filter(({ name, peer, log }) => {
    const why = peer === undefined ? null : reasonToSkip(peer, log && !isLogged, options);
    if (why !== null) skipped.push({ name, why });
    return why === null;
  });
  return { systems, skipped };
}

function choose(wanted: string, all: System[], is: (system: System, word: string) => boolean): System[] {
  if (wanted === 'none') return [];
  if (wanted === 'all') return all;
  const words = wanted.split(',').map((word) => word.trim());
  const unknown = words.find((word) => !all.some((system) => is(system, word)));
  if (unknown !== undefined) {
    const known = all.map((system) => system.name).join(', ');
    throw new TickwireError(
      'bad_config',
      `There is no system ${unknown}: choose all, none, or from ${known}.`,
    );
  }
  return all.filter((system) => words.some((word) => is(system, word)));
}

function reasonToSkip(
  { name, batched }: { name: PeerName; batched: boolean },
  storesInVain: boolean,
  { watch, symbols }: { watch: number; symbols: number },
): string | null {
  const missing = peerOf(name).missing();
  if (missing !== null) return `not installed: ${missing}`;
  if (storesInVain) return 'it stores every tick: compared beside tickwire-log';
  return batched && watch < symbols ? 'one topic for the full book serves only who watches all of it' : null;
}
