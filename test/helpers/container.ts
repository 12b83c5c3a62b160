/** Processes as in a container: with process numbers of their own, or with the same folder under another path. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** Why a test cannot have containers; false where it can. Only root may have them on most machines. */
export function whyNoContainers(): string | false {
  const tried = spawnSync('unshare', ['--pid', '--mount', '--fork', '--mount-proc', 'true'], {
    encoding: 'utf8',
  });
  if (tried.status === 0) return false;
  const why = `NOT TESTED: there are no namespaces here: ${tried.stderr ?? tried.error?.message}`;
  process.stderr.write(`${why}\n`);
  return why;
}

const NUMBERS = ['--pid', '--fork', '--kill-child', '--mount-proc'];
const BIND = 'mount --bind "$1" "$2" || exit 1; shift 2; exec "$@"';

/** Command and arguments that run a command with process numbers of its own, the first of which it gets. */
export function inOwnPidNamespace(command: readonly string[]): [string, string[]] {
  return ['unshare', [...NUMBERS, ...command]];
}

/** The same, with a folder to be found under another path too. */
export function mountedToo(from: string, at: string, command: readonly string[]): [string, string[]] {
  return ['unshare', [...NUMBERS, '--mount', 'sh', '-c', BIND, 'sh', from, at, ...command]];
}

/** A process that was started and has said its first line, or has ended. */
export class Started {
  stdout = '';
  stderr = '';

  private constructor(readonly child: ChildProcess) {
    child.stdout!.on('data', (chunk) => {
      this.stdout += String(chunk);
    });
    child.stderr!.on('data', (chunk) => {
      this.stderr += String(chunk);
    });
  }

  static async start([command, args]: [string, string[]]): Promise<Started> {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH },
    });
    const started = new Started(child);
    await Promise.race([once(child.stdout!, 'data'), once(child, 'close')]);
    return started;
  }

  /** Sends a signal to the innermost process, and waits until all have ended. */
  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const closed = once(this.child, 'close');
    process.kill(innermost(this.child.pid!), signal);
    await closed;
  }
}

function innermost(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children === '' ? pid : innermost(Number(children.split(' ')[0]));
}
