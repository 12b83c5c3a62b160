/**
 * The types of the package as others install it: programs check against them with `skipLibCheck: false`, under each way
 * to resolve modules, with no types but those of its dependencies and of Node; the client with those of no platform.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { temporaryFolder } from '../cli/support.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const TSC = createRequire(import.meta.url).resolve('typescript/bin/tsc');
/** What resolves modules, and the kind of modules that goes with it. */
const RESOLUTIONS = { node16: 'node16', nodenext: 'nodenext', bundler: 'esnext' };

/** Calls that do not fit are errors: the types are there, and not `any`. */
const HOST = `
import { createEngine, type Engine, type EngineOptions, Kind, type LocalTick, type QuoteTick, readLog, type Seq,
  type SymbolSeq, type Tick, TickwireError } from 'tickwire';
import { type PlainTick, TickClient } from 'tickwire/client';

/** One function for ticks from everywhere. */
export function describe(tick: Tick): string {
  switch (tick.kind) {
    case 'quote':
      return (tick.bid + tick.ask).toFixed(5);
    case 'trade':
      return tick.price + (tick.side ?? '');
    case 'status':
      return tick.code + tick.args.join();
    default:
      return tick.reason + ': ' + (tick.last - tick.first);
  }
}

export function numbers(tick: Tick): Seq {
  const next: Seq = tick.seq + 1;
  const literal: Seq = 1;
  // @ts-expect-error: a number of another sequence
  const mixed: Seq = tick.symbolSeq;
  // @ts-expect-error: the side is of trades only
  tick.side;
  const symbolSeq: SymbolSeq = tick.symbolSeq;
  return next + literal + mixed + symbolSeq;
}

export async function run(options: EngineOptions, plain: PlainTick): Promise<LocalTick<QuoteTick> | undefined> {
  describe(plain);
  const engine: Engine = await createEngine({ ...options, http: { port: 0, limits: { connections: 10 } } });
  // @ts-expect-error: not for hosts
  engine.memory;
  engine.on('failed', (error: TickwireError) => process.stderr.write(error.code));
  // @ts-expect-error: no such event
  engine.on('nothing', () => {});
  const following = engine.follow({ symbols: ['EUR*'] }, (tick) => {
    describe(tick);
    if (tick.kind === 'quote') process.stdout.write(tick.symbol + tick.bid.toFixed(5) + Kind.quote);
  });
  following.close();
  for await (const tick of readLog('data', { from: { epoch: 1, seq: 10 }, onGap: ({ first }) => first.toFixed(0) })) {
    describe(tick);
    // @ts-expect-error: a text
    const logId: number = tick.logId;
    await new TickClient(logId + '').connect();
  }
  return engine.last('EURUSD')?.quote;
}
`;

const CLIENT = `
import { type PlainTick, TickClient, type TickView } from 'tickwire/client';

export async function bids(url: string, ticks: PlainTick[]): Promise<number[]> {
  const client = new TickClient(url, { token: async () => 'secret', reconnect: false });
  await client.connect();
  client.on('close', ({ code }) => code.toFixed(0));
  // @ts-expect-error: no such event
  client.on('nothing', () => {});
  const found: number[] = [];
  client.subscribe({ symbols: ['EUR*'] }, (tick: TickView) => {
    if (tick.kind === 'quote') found.push(tick.bid);
  });
  // @ts-expect-error: a number
  const first: string = ticks[0].symbolSeq;
  for await (const tick of client.subscribe({ symbols: [first], mode: 'every' })) ticks.push(tick);
  return found;
}
`;

/** A host that is a CommonJS module: \`require\` of an ES module has types from TypeScript 5.8 on, with nodenext. */
const REQUIRING = `
import tickwire = require('tickwire');
import { TickClient } from 'tickwire/client';

export async function run(): Promise<string> {
  const engine = await tickwire.createEngine({ feeds: [], dataFolder: false, http: false });
  // @ts-expect-error: a number
  new TickClient(1);
  return engine.state;
}
`;

/** The same under node16, where only \`import()\` loads an ES module. */
const IMPORTING = `
export async function run(): Promise<string> {
  const { createEngine } = await import('tickwire');
  const { TickClient } = await import('tickwire/client');
  const engine = await createEngine({ feeds: [], dataFolder: false, http: false });
  // @ts-expect-error: a number
  new TickClient(1);
  return engine.state;
}
`;

const COMMONJS: Record<string, Record<string, string>> = {
  node16: { 'importing.cts': IMPORTING },
  nodenext: { 'importing.cts': IMPORTING, 'requiring.cts': REQUIRING },
};

const PAGE = `
import type { SocketConstructor } from 'tickwire/client';

export const client = new TickClient(location.href, { WebSocket });
export const own: SocketConstructor = WebSocket;
`;

/** A folder with the package installed, and the types that its users have. */
function installed(t: Parameters<typeof temporaryFolder>[0], types: readonly string[]): string {
  const folder = temporaryFolder(t);
  const packed = spawnSync(
    'npm',
    ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder, ROOT],
    {
      cwd: folder,
      encoding: 'utf8',
    },
  );
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  const unpacked = spawnSync('tar', ['-xzf', packed.stdout.trim()], { cwd: folder, encoding: 'utf8' });
  if (unpacked.status !== 0) throw new Error(packed.stderr + unpacked.stderr);
  renameSync(join(folder, 'package'), join(modules, 'tickwire'));
  const { dependencies } = JSON.parse(readFileSync(join(modules, 'tickwire/package.json'), 'utf8'));
  for (const name of [...Object.keys(dependencies), ...types]) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  return folder;
}

/** What the compiler says of a program, given as texts by file name. */
async function complaints(
  folder: string,
  program: Record<string, string>,
  options: Record<string, unknown>,
): Promise<string> {
  writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}');
  for (const [name, text] of Object.entries(program)) writeFileSync(join(folder, name), text);
  const compilerOptions = { noEmit: true, strict: true, skipLibCheck: false, target: 'es2023', ...options };
  const config = 'program.json';
  writeFileSync(join(folder, config), JSON.stringify({ compilerOptions, files: Object.keys(program) }));
  const tsc = spawn(process.execPath, [TSC, '-p', config], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  for await (const chunk of tsc.stdout) said += chunk;
  return said;
}

const packages = installed(t, []);
const withNode = installed(t, ['@types/node']);

for (const [moduleResolution, module] of Object.entries(RESOLUTIONS)) {
  t.test(`a host with ${moduleResolution}, also as a CommonJS module`, async (t) => {
    const options = { module, moduleResolution, types: ['node'], lib: ['es2023'] };
    t.equal(await complaints(withNode, { 'host.ts': HOST, ...COMMONJS[moduleResolution] }, options), '');
  });

  t.test(`a client with ${moduleResolution}, and the types of no platform`, async (t) => {
    const options = { module, moduleResolution, types: [], lib: ['es2023'] };
    t.equal(await complaints(packages, { 'client.ts': CLIENT }, options), '');
  });

  t.test(`a page with ${moduleResolution}`, async (t) => {
    const options = { module, moduleResolution, types: [], lib: ['es2023', 'dom'] };
    t.equal(await complaints(packages, { 'page.ts': CLIENT + PAGE }, options), '');
  });
}
