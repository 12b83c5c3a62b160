/** `ticks serve --capture`, and what `ticks replay` makes of it: the ticks of the log, and the same bytes each time. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { run, serve, temporaryFolder } from './support.js';

const COUNT = 1_000;

t.test('a run is sequenced again as it was', async (t) => {
  const folder = temporaryFolder(t);
  const [data, capture] = [join(folder, 'data'), join(folder, 'capture')];
  const feed = `synthetic={"rate":20000,"symbols":6,"tradeShare":0.2,"count":${COUNT}}`;
  const { server } = await serve(t, ['--data', data, '--feed', feed, '--capture', capture]);
  const logged = async () => (await run(t, ['replay', '--data', data])).stdout;
  let wanted = await logged();
  while (wanted.split('\n').length <= COUNT) wanted = await logged();
  t.equal((await server.stop()).code, 0);
  wanted = await logged();

  // The log numbers its epochs, and a capture is of the one that it was made in.
  const again = await run(t, ['replay', '--capture', capture]);
  t.equal(again.stderr, '');
  t.equal(again.stdout, wanted, 'line for line');
  const [out, second] = [join(folder, 'frames.1'), join(folder, 'frames.2')];
  const virtual = [
    'replay',
    '--virtual',
    '--data',
    data,
    '--mode',
    'latest',
    '--encoding',
    'packed',
    '--out',
  ];
  t.equal((await run(t, [...virtual, out])).code, 0);
  t.equal((await run(t, [...virtual, second])).code, 0);
  t.ok(readFileSync(out).length > 1_000);
  t.ok(readFileSync(out).equals(readFileSync(second)), 'two replays are the same bytes');
  t.same(
    readdirSync(folder).sort(),
    ['capture', 'data', 'frames.1', 'frames.2'],
    'nothing else is left behind',
  );
});

t.test('what does not go together is wrong use', async (t) => {
  const folder = temporaryFolder(t);
  for (const flags of [
    ['--follow', '--to', '2024-06-19'],
    ['--virtual', '--speed', '2'],
    ['--capture', folder, '--from', '2024-06-19'],
    ['--to-engine', 'ws://127.0.0.1:1/v1/stream'],
  ]) {
    const { code, stderr } = await run(t, ['replay', '--data', folder, ...flags]);
    t.equal(code, 2, `${flags.join(' ')}: ${stderr}`);
  }
  const none = await run(t, ['replay', '--capture', folder, '--out', join(folder, 'out')]);
  t.equal(none.code, 1);
  t.match(none.stderr, /holds no capture/);
  t.same(readdirSync(folder), [], 'no file was begun and left');
});
