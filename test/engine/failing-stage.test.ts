/** A stage that keeps dying ends the engine: not ready, with a reason, and stopped cleanly. */
import t from 'tap';
import { createEngine } from '../../src/engine/engine.js';
import { temporaryFolder } from './support.js';

t.test('an engine whose feed keeps dying gives up and says why', async (t) => {
  const folder = temporaryFolder(t);
  const engine = await createEngine({
    feeds: [{ name: 'venue', module: new URL('./feeds.js', import.meta.url), export: 'broken' }],
    dataFolder: folder,
    http: { port: 0 },
  });
  const failed = new Promise<Error>((resolve) => engine.once('failed', resolve));
  const stopped = new Promise<void>((resolve) => engine.once('stopped', resolve));
  await engine.start();
  const error = await failed;
  t.match(error, { code: 'stage_failed', message: /feed venue died \d+ times.*the venue is on fire/ });
  const readiness = engine.readiness();
  t.equal(readiness.ready, false);
  t.match(readiness.reasons.join(' '), /the venue is on fire/);
  await stopped;
  const again = await createEngine({ feeds: [], dataFolder: folder, http: false });
  t.equal(again.identity.epoch, engine.identity.epoch + 1, 'the data folder was let go and is whole');
  await again.start();
  await again.stop();
});
