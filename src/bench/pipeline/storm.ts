/** Scenario `storm`: all subscribers are cut at once, and come back at once. */

import { FanoutSetup, type Storm } from '../fanout/setup.js';
import { twoCores } from '../harness/child.js';
import { wholeNumber } from '../harness/flags.js';
import { type Findings, figure, type Scenario } from '../harness/scenario.js';
import { makeScratch, removeScratch } from '../harness/scratch.js';

const DIAGRAM = `
  core 0, one process                           core 1, one process
    open-loop feed ─▶ shard ─▶ fan-out ──┤ ├──▶ N clients, each watching W of S symbols
                       └─▶ log           cut     all sockets are destroyed, and all connect, upgrade
                                                 and subscribe at once; ticks go on meanwhile
  Taken is the time until the last one is subscribed, its snapshot on the way. Then the feed stops, and every
  symbol at every client is compared with the server's table. Waiting before one tries again is the client's
  part, and left out here: see docs/client.md.`;

interface StormOptions {
  clients: number;
  watch?: number;
  symbols: number;
  /** Ticks per second of the feed. */
  rate: number;
  runs: number;
  seed: number;
  folder?: string;
}

export const storm: Scenario<StormOptions> = {
  name: 'storm',
  summary: 'all subscribers cut at once: how soon all are back, and right',
  diagram: DIAGRAM,
  example: '--clients 2000 --watch 50 --json',
  flags: (command) =>
    command
      .option('--clients <n>', 'clients', wholeNumber, 2000)
      .option('--watch <n>', 'symbols that each of them watches, of its own random choice', wholeNumber)
      .option('--symbols <n>', 'symbols of the market', wholeNumber, 500)
      .option('--rate <n>', 'ticks per second of the feed', wholeNumber, 1000)
      .option('--runs <n>', 'storms, one after the other', wholeNumber, 5)
      .option('--seed <n>', 'seed of the market, and of what each client watches', wholeNumber, 1)
      .option('--folder <path>', 'where the log is made and removed again (default: the temporary folder)'),
  small: { clients: 50, symbols: 20, runs: 2 },
  run: benchStorm,
};

async function benchStorm(options: StormOptions, tell: (line: string) => void): Promise<Findings> {
  const { clients, symbols, rate, runs, seed } = options;
  const pinning = twoCores();
  const folder = makeScratch(options.folder);
  const storms: Storm[] = [];
  try {
    const setup = await FanoutSetup.start({
      mode: 'latest',
      clients,
      stopped: 0,
      watch: options.watch ?? symbols,
      symbols,
      seed,
      tradeShare: 0.05,
      skew: 0.9,
      intervalMs: 0,
      shards: 1,
      folder,
      cores: 'cores' in pinning ? pinning.cores : undefined,
    });
    try {
      for (let run = 0; run < runs; run++) {
        storms.push(await setup.storm(rate));
        tell(`storm ${run + 1}: all back after ${storms[run].tookMs.toFixed(0)} ms`);
      }
    } finally {
      await setup.stop();
    }
  } finally {
    removeScratch(folder);
  }
  const took = figure(
    'ms',
    'lower',
    storms.map((s) => s.tookMs),
  );
  const cpu = figure(
    'µs CPU',
    'lower',
    storms.map((s) => (s.serverCpuMs * 1000) / clients),
  );
  const last = storms[storms.length - 1];
  return {
    figures: { allBackMs: took, serverCpuUsPerClient: cpu },
    why: storms.flatMap((s, i) => faultsOf(s).map((fault) => `storm ${i + 1}: ${fault}`)),
    lines: [
      `storm: ${clients} clients are back after ${took.median.toFixed(0)} ms (${took.min.toFixed(0)} to ${took.max.toFixed(0)})`,
      `       ${cpu.median.toFixed(0)} µs CPU of the server a client; RssAnon ${(last.rssAnonBytes / 1e6).toFixed(0)} MB`,
    ],
    details: { storms, pinned: 'cores' in pinning },
  };
}

function faultsOf({ wrong, lost, reordered, fed, failures }: Storm): string[] {
  const faults = failures.slice(0, 1);
  if (wrong + lost + reordered > 0)
    faults.push(`wrong last states ${wrong}, lost ${lost}, reordered ${reordered}`);
  return fed > 0 ? faults : [...faults, 'the feed stood still meanwhile'];
}
