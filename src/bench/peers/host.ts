/** A peer with its publisher, on the core that our engine has when it is measured. Started as a child; see `bench/harness/child.ts`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monotonicNs } from '../../core/clock.js';
import { serveParent } from '../harness/child.js';
import type { FinalState } from '../harness/final-state.js';
import { until } from '../harness/measure.js';
import type { Anchor } from '../harness/open-loop-feed.js';
import { type PeerName, peerOf } from './index.js';
import { BATCH_MS, type PeerProcess, type RunningPeer } from './peer.js';
import { Publisher } from './publisher.js';

export interface HostStart {
  peer: PeerName;
  batched: boolean;
  symbols: number;
  seed: number;
  skew: number;
  connections: number;
  /** Where the peer keeps its files, in a folder of its own. */
  folder: string | undefined;
}

export interface HostStarted {
  port: number;
  anchor: Anchor;
  version: string;
  settings: RunningPeer['settings'];
  processes: Omit<PeerProcess, 'gc'>[];
}

let running: RunningPeer;
let publisher: Publisher;
let folder: string;

async function start(options: HostStart): Promise<HostStarted> {
  const { peer, batched, symbols, seed, skew, connections } = options;
  folder = mkdtempSync(join(options.folder ?? tmpdir(), 'tickwire-peer-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const anchor = { wallS: Math.floor(Date.now() / 1000), monotonicNs: monotonicNs() };
  const system = peerOf(peer);
  running = await system.start({ symbols, connections, folder, batched });
  const { batchMs = BATCH_MS } = system;
  publisher = new Publisher({ symbols, seed, skew, batched, batchMs, anchor }, running);
  publisher.start();
  const { port, version, settings } = running;
  const processes = running.processes.map(({ name, pid }) => ({ name, pid }));
  return { port, anchor, version, settings, processes };
}

function mark(_: object) {
  return {
    monotonicNs: monotonicNs(),
    symbolSeqs: [...publisher.writer.symbolSeqs],
    scheduleStartNs: publisher.startNs,
    madeBefore: publisher.madeBefore,
  };
}

/** Stops the publisher; its last state is what every client has to come to. */
async function settle({ timeoutMs }: { timeoutMs: number }): Promise<FinalState> {
  publisher.rate = 0;
  if (!(await until(() => publisher.isStill && running.isBehind?.() !== true, timeoutMs)))
    throw new Error('ticks are still under way');
  const { symbolSeqs, checks } = publisher.writer;
  const symbolSeq = [...symbolSeqs];
  return { symbolSeq, quoteSeq: symbolSeq, check: [...checks], otherSeq: symbolSeq.map(() => 0) };
}

const api = {
  start,
  rate: ({ perSecond }: { perSecond: number }) => {
    publisher.rate = perSecond;
  },
  mark,
  settle,
  /** Garbage collections of the peer's processes since the last call, as far as they are programs of Node. */
  peerGc: (_: object) => Promise.all(running.processes.map(async ({ gc }) => (await gc?.()) ?? null)),
  stop: async (_: object) => {
    await publisher?.stop();
    await running?.stop();
  },
};
export type HostApi = typeof api;

// Ctrl-C reaches all processes of a terminal: the folder and the servers go with this one.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
serveParent(api);
