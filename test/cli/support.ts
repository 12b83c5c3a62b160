/** Runs the compiled `ticks` as users do: a process of its own, in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';

const TICKS = fileURLToPath(new URL('../../bin/ticks.js', import.meta.url));

const FOREIGN = /^(TICKWIRE_|_?TAP|NODE_OPTIONS$|PORT$)/;

/** A folder that goes with the test. */
export function temporaryFolder(t: Pick<Test, 'teardown'>): string {
  const folder = mkdtempSync(join(tmpdir(), 'tickwire-cli-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * A free port that stays free while nobody listens on it: none of those that the system gives to outgoing
 * connections, since a client that keeps trying would sooner or later connect to itself there.
 */
export async function lastingPort(): Promise<number> {
  const range = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8');
  const [lowest] = range.trim().split(/\s+/).map(Number);
  for (;;) {
    const port = lowest - 1 - Math.floor(Math.random() * Math.min(10_000, lowest - 1025));
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A command under way. */
export class Running {
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;
  readonly #lines: string[] = [];
  #wake: () => void = () => {};

  constructor(readonly child: ChildProcess) {
    createInterface({ input: child.stdout! }).on('line', (line) => {
      this.#lines.push(line);
      this.#wake();
    });
    child.stdout!.on('data', (chunk) => {
      this.stdout += String(chunk);
    });
    child.stderr!.on('data', (chunk) => {
      this.stderr += String(chunk);
    });
    this.ended = new Promise((resolve) => {
      child.on('close', (code) => {
        resolve({ code, stdout: this.stdout, stderr: this.stderr });
        this.#wake();
      });
    });
  }

  /** The first line of stdout that fits. */
  async line(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = this.#lines.find((line) => pattern.test(line));
      if (found !== undefined) return found;
      if (this.child.exitCode !== null) throw new Error(`ended without ${pattern}: ${this.stderr}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Sends a signal; resolves to how it ended and after how many milliseconds. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<Ended & { tookMs: number }> {
    const startedAt = performance.now();
    this.child.kill(signal);
    const ended = await this.ended;
    return { ...ended, tookMs: performance.now() - startedAt };
  }
}

/** Starts `ticks` in a folder; it is killed with the test if it is still there. */
export function start(
  t: Pick<Test, 'teardown'>,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Running {
  // Without the settings of the user who runs the tests, and without tap's hooks, which slow every start down.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !FOREIGN.test(name)));
  const child = spawn(process.execPath, [TICKS, ...args], {
    cwd: options.cwd ?? tmpdir(),
    env: { ...env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const running = new Running(child);
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await running.ended;
  });
  return running;
}

/** Runs `ticks` to its end. */
export function run(
  t: Pick<Test, 'teardown'>,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Ended> {
  return start(t, args, options).ended;
}

/** Starts `ticks serve --json` and waits until it serves. */
export async function serve(
  t: Pick<Test, 'teardown'>,
  args: readonly string[],
): Promise<{ server: Running; port: number; url: string }> {
  const server = start(t, ['serve', '--json', '--port', '0', '--log-level', 'warn', ...args]);
  const { port } = JSON.parse(await server.line(/"event":"serving"/)) as { port: number };
  return { server, port, url: `ws://127.0.0.1:${port}/v1/stream` };
}
