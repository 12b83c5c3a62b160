/** Servers that peers run as programs: found, started on free ports of the loopback, and ended with the process that started them. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { connect, createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_MS = 15_000;
const STOP_MS = 5000;
const LOOK_MS = 20;
/** Where Debian puts servers, and the path of an ordinary user does not look. */
const SERVER_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/sbin'];
const ERROR_LINES = 5;

/** The path of a program; null if there is none of that name. */
export function findProgram(name: string): string | null {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...SERVER_FOLDERS]) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {}
  }
  return null;
}

/** What a program says of its version. */
export function versionOf(program: string, args: string[]): string {
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return /\d+\.\d+\.\d+\S*/.exec(`${stdout}${stderr}`)?.[0] ?? 'unknown';
}

/** A port of the loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

export class Server {
  #said = '';

  constructor(readonly process: ChildProcess) {
    for (const stream of [process.stdout, process.stderr]) {
      stream?.on('data', (data: Buffer) => {
        this.#said = (this.#said + data.toString('utf8')).slice(-4096);
      });
    }
  }

  get pid(): number | undefined {
    return this.process.pid;
  }

  get hasEnded(): boolean {
    return (
      this.process.pid === undefined || this.process.exitCode !== null || this.process.signalCode !== null
    );
  }

  /** What it said last. */
  get said(): string {
    return this.#said.trim().split('\n').slice(-ERROR_LINES).join(' │ ');
  }

  /** Ends it: asked first, then forced. */
  async stop(): Promise<void> {
    if (this.hasEnded) return;
    const gone = once(this.process, 'exit');
    this.process.kill('SIGTERM');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), STOP_MS);
    await gone;
    clearTimeout(timer);
  }
}

/** Starts a program that ends with this process, however this one ends. */
export function startServer(program: string, args: string[]): Server {
  const setpriv = findProgram('setpriv');
  const command = [program, ...args];
  if (setpriv !== null) command.unshift(setpriv, '--pdeathsig', 'KILL');
  const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  child.on('error', () => {});
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  return new Server(child);
}

/** Waits until a server takes connections. */
export async function listening(server: Server, port: number): Promise<void> {
  const end = performance.now() + START_MS;
  while (!(await accepts(port))) {
    if (server.hasEnded || performance.now() > end)
      throw new Error(`the server did not come up: ${server.said}`);
    await sleep(LOOK_MS);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
