/**
 * Runs the Python client with Debian's Python and its `websockets` and `msgpack`. With `TICKWIRE_PYTHONPATH` naming a
 * folder of other versions, those are tested.
 */
import { spawn, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { Running } from '../cli/support.js';

const PYTHON = '/usr/bin/python3';
// Compiled, this file lies one folder deeper than the sources.
const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../..');
export const CLIENTS = join(ROOT, 'clients/python');
export const FIXTURES = join(ROOT, 'fixtures/wire');
export const NAMES = join(ROOT, 'test/clients/names.py');
export const STEER = join(ROOT, 'test/clients/steer.py');
export const TICKWIRE = join(CLIENTS, 'tickwire.py');

const MODULES = process.env.TICKWIRE_PYTHONPATH;
const env = {
  PATH: process.env.PATH,
  PYTHONPATH: MODULES === undefined ? CLIENTS : `${CLIENTS}:${MODULES}`,
  PYTHONDONTWRITEBYTECODE: '1',
};
const CHECK = 'import sys, websockets, msgpack; assert sys.version_info >= (3, 11)';
const found = spawnSync(PYTHON, ['-c', CHECK], { env });
/** Why the tests of the Python client cannot run here; false where they can. */
export const noPython: string | false =
  found.status === 0
    ? false
    : `needs ${PYTHON} 3.11 with the modules websockets and msgpack: apt-get install python3 python3-websockets python3-msgpack`;

/** Starts a Python program; it is killed with the test if it is still there. */
export function python(t: Pick<Test, 'teardown'>, args: readonly string[]): Running {
  const child = spawn(PYTHON, [...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const running = new Running(child);
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await running.ended;
  });
  return running;
}

/** The JSON objects of a program's lines; a last line that is cut off is left out. */
export function objects<T>(ndjson: string): T[] {
  const lines = ndjson.slice(0, ndjson.lastIndexOf('\n') + 1).split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as T);
}

/** Resolves once the program has printed so many lines. */
export async function untilLines(client: Running, count: number): Promise<void> {
  while (client.stdout.split('\n').length < count) {
    if (client.child.exitCode !== null) throw new Error(`the client ended: ${client.stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
