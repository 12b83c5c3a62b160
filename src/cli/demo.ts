/**
 * `ticks demo`, what `npm start` runs: an engine with an MT5 port, and a simulated terminal that plays the
 * bundled captures into it over TCP, in a loop shifted to now.
 */
import { createServer } from 'node:net';
import { basename, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Command } from 'commander';
import { loadConfig } from '../engine/config.js';
import type { EngineRuntime } from '../engine/engine.js';
import { SIMULATION_DEFAULTS, type Simulation } from './simulate/command.js';
import { portNumber } from './support/exit.js';
import { createLogger, type LogLevel, logLevelOption } from './support/logger.js';
import { addressOf, runEngine } from './support/run-engine.js';
import { settingsOfFlags } from './support/setting-flags.js';

/** The captures that come with the package, three folders above the compiled file. */
const FIXTURES = fileURLToPath(new URL('../../../fixtures/ticks', import.meta.url));
const HOST = '127.0.0.1';
const LIVE_PATIENCE_MS = 5_000;
const LOOK_MS = 20;

interface DemoFlags {
  data?: string;
  port?: number;
  mt5Port?: number;
  logLevel: LogLevel;
}

export function register(program: Command): void {
  program
    .command('demo')
    .description('Run an engine together with a simulated MT5 terminal: something to look at, at once.')
    .option('-d, --data <folder>', 'data folder of the tick log (default "./data")')
    .option('-p, --port <n>', 'port to serve on; 0 takes a free one (default 8080)', portNumber)
    .option(
      '--mt5-port <n>',
      'port for MT5 terminals; 0 takes a free one (default 5555, or a free one where that is taken)',
      portNumber,
    )
    .addOption(logLevelOption().default('warn'))
    .addHelpText('after', '\nExample:\n  $ ticks demo --port 9000')
    .action((flags: DemoFlags) => demo(flags));
}

async function demo(flags: DemoFlags): Promise<void> {
  // The terminal has to know the port, so that a free one is found before the engine listens.
  const mt5Port = flags.mt5Port || (await freePort(flags.mt5Port ?? SIMULATION_DEFAULTS.port));
  const { settings, origins } = settingsOfFlags({ ...flags });
  const feeds = [{ name: 'mt5', type: 'mt5', options: { host: HOST, port: mt5Port } }];
  const options = loadConfig({
    flags: { ...settings, feeds },
    flagNames: origins,
    environment: process.env,
  });
  let terminal: Worker | undefined;
  await runEngine(options, createLogger(flags.logLevel), {
    async serving(engine) {
      await untilLive(engine);
      if (engine.state !== 'running') return;
      terminal = startTerminal(mt5Port);
      process.stdout.write(welcome(engine, mt5Port));
    },
    async stopping() {
      await terminal?.terminate();
    },
  });
}

/** Waits for the MT5 port, but not for ever: the terminal tries again by itself. */
async function untilLive(engine: EngineRuntime): Promise<void> {
  for (
    let waitedMs = 0;
    waitedMs < LIVE_PATIENCE_MS && engine.state === 'running' && !engine.readiness().ready;
    waitedMs += LOOK_MS
  ) {
    await sleep(LOOK_MS);
  }
}

/** The simulated terminal has a thread of its own, so that it neither waits for the engine nor delays it. */
function startTerminal(port: number): Worker {
  const simulation: Simulation = {
    ...SIMULATION_DEFAULTS,
    // Not the defaults of `ticks simulate mt5`: a second terminal of that name would replace this one.
    account: 9_000_001,
    server: 'Demo-Server',
    port,
    files: [FIXTURES],
    merge: true,
    loop: true,
    shiftToNow: true,
  };
  const worker = new Worker(new URL('./simulate/demo-terminal.js', import.meta.url), {
    workerData: simulation,
  });
  worker.on('error', (error) => {
    process.stderr.write(`The simulated terminal has stopped: ${error.message}\n`);
  });
  return worker;
}

/** The wanted port, or any free one where another program has it. */
async function freePort(wanted: number): Promise<number> {
  return (await tryPort(wanted)) ?? (await tryPort(0)) ?? wanted;
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(undefined));
    probe.listen(port, HOST, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
    });
  });
}

function welcome(engine: EngineRuntime, mt5Port: number): string {
  const address = addressOf(engine);
  const stream = `${address.replace('http', 'ws')}v1/stream`;
  const data = String(engine.options.dataFolder);
  return `
  Live quotes:   ${address}
  WebSocket:     ${stream}
  MT5 terminals: ${HOST}:${mt5Port} (one simulated terminal plays there now)
  Tick log:      ${data}

  Try, in another terminal:
    curl ${address}v1/quotes
    ${ticks()} tail --url ${stream} 'EUR*'
    ${ticks()} replay --data ${data} --symbols EURUSD --format csv

  Ctrl-C stops it.
`;
}

/** How this program was called, so that the commands to try can be copied. */
function ticks(): string {
  const script = process.argv[1] ?? 'ticks';
  return basename(script) === 'ticks' ? 'ticks' : `node ${relative('', script)}`;
}
