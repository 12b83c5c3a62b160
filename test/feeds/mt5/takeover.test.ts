/** Two connections of one stream, or of one name: the newest wins, and the older gets an error that says so. */
import t from 'tap';
import { StatusCode } from '../../../src/core/tick.js';
import { Bench } from './harness.js';

t.test('the newest connection wins', async (t) => {
  const bench = await new Bench().start();
  const older = await bench.peer();
  await older.hello({ name: 'term' });
  const newer = await bench.peer();
  await newer.hello({ name: 'term' });
  t.equal(await older.refusal(), 'taken_over');
  t.equal(bench.server.status().sources, 1);

  const renamed = await bench.peer();
  await renamed.hello({ name: 'other', streamId: 'ab'.repeat(16) });
  const sameStream = await bench.peer();
  await sameStream.hello({ name: 'another', streamId: 'ab'.repeat(16) });
  t.equal(await renamed.refusal(), 'taken_over');
  t.notOk(newer.isClosed, 'others are left alone');
  t.equal(bench.count('taken_over'), 2);

  sameStream.socket.end();
  const codes = (): (number | undefined)[] => bench.shards[0].ticks.map((tick) => tick.code);
  await bench.reading(() => codes().length === 7, 'every coming and going is told');
  const { sourceUp, sourceDown } = StatusCode;
  t.strictSame(codes(), [sourceUp, sourceDown, sourceUp, sourceUp, sourceDown, sourceUp, sourceDown]);
  t.equal(bench.missing, 0, 'sums hold');
  await bench.server.stop();
});
