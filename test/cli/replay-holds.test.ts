/** Every form of `ticks replay` keeps retention from removing what it has not read yet. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { heldSegments } from '../../src/log/storage/reader-lease.js';
import { drain, FakeShard, Market, makeFolder, openRig, removeFolder } from '../log/support.js';
import { freePort } from './support.js';

const BIN = fileURLToPath(new URL('../../bin/ticks.js', import.meta.url));
/** What is written of them is more than pipes take. */
const TICKS = 20_000;

async function fill(t: Test): Promise<string> {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const setup = await openRig(folder, 20);
  const shard = new FakeShard(setup.memory, 0, new Market(20, 5), TICKS);
  const stage = setup.stage();
  await shard.publishAll(TICKS);
  await drain(setup, stage);
  await setup.opened.close();
  return folder;
}

/** A replay whose output nobody takes. */
function replay(folder: string, ...flags: string[]): ChildProcess {
  const command = [BIN, 'replay', '--data', folder, ...flags];
  return spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

t.test('a replay holds what it has begun to read', async (t) => {
  const folder = await fill(t);
  for (const flags of [[], ['--virtual']]) {
    const child = replay(folder, ...flags);
    // Nothing is taken from the pipe by this event, beyond what the stream keeps for itself.
    await once(child.stdout!, 'readable');
    t.not(heldSegments(folder).size, 0, `replay ${flags.join()}`);
    t.equal(child.exitCode, null, 'the replay still goes on');
    await kill(child);
    t.equal(heldSegments(folder).size, 0, 'a killed replay holds nothing');
  }
});

t.test('a replay to an engine that does not answer', async (t) => {
  const folder = await fill(t);
  const engine = createServer();
  const port = await freePort();
  engine.listen(port, '127.0.0.1');
  const child = replay(folder, '--to-engine', `mt5://127.0.0.1:${port}`);
  const [socket] = await once(engine, 'connection');
  t.not(heldSegments(folder).size, 0);
  await kill(child);
  socket.destroy();
  engine.close();
});
