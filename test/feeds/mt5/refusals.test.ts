/** A peer that breaks the framing or the rules gets an error, is counted and closed; everybody else continues. */
import t from 'tap';
import { encodeAck, encodeBatchHeader, HEARTBEAT } from '../../../src/feeds/mt5/framing.js';
import { Bench, helloFrame, seeded, until } from './harness.js';

t.test('refusals', async (t) => {
  const bench = await new Bench({ secret: 'open sesame' }).start();
  const terminal = bench.terminal({ name: 'good', secret: 'open sesame' });
  const symbol = terminal.define('EURUSD', 5);
  await terminal.start();
  const hello = (details = {}): Buffer => helloFrame({ secret: 'open sesame', ...details });

  const cases: [string, Buffer[], string][] = [
    ['no frame at all', [Buffer.from('hello, is it me you are looking for?')], 'bad_framing'],
    ['another first frame', [HEARTBEAT], 'bad_framing'],
    ['a first frame that is too long', [Buffer.from('0009000001000000', 'hex')], 'bad_framing'],
    ['wrong version', [helloFrame({ secret: 'open sesame' }, 2)], 'wrong_version'],
    ['wrong secret', [hello({ secret: 'open sesamo' })], 'unauthorised'],
    ['no secret', [hello({ secret: '' })], 'unauthorised'],
    ['no zone', [hello({ zone: 'Mars/Base' })], 'bad_hello'],
    ['no name', [hello({ name: '', streamId: '00'.repeat(16) })], 'bad_hello'],
    ['a second hello', [hello(), hello()], 'bad_framing'],
    ['a frame of the port', [hello(), encodeAck(1)], 'bad_framing'],
    [
      'a batch shorter than it says',
      [
        hello(),
        Buffer.from('14000000040000000100000000000000', 'hex'),
        Buffer.from('0200000000000000', 'hex'),
      ],
      'bad_framing',
    ],
    ['a frame longer than allowed', [hello(), Buffer.from('ffffff7f04000000', 'hex')], 'bad_framing'],
    ['a reserved byte', [hello(), Buffer.from('0400000006010000', 'hex')], 'bad_framing'],
  ];
  for (const [name, bytes, code] of cases) {
    const peer = await bench.peer();
    for (const part of bytes) peer.socket.write(part);
    t.equal(await peer.refusal(), code, name);
    t.match(peer.errors[0].message, /^[A-Z].*\.$/, 'with a sentence');
  }
  const random = seeded(21);
  for (let i = 0; i < 10; i++) {
    const peer = await bench.peer();
    if (i % 2 === 0) peer.socket.write(hello());
    peer.socket.write(Buffer.from(Array.from({ length: 4000 }, () => Math.floor(random() * 256))));
    t.equal(await peer.refusal(), 'bad_framing', 'garbage');
  }
  t.equal(bench.count('wrong_version'), 1);
  t.equal(bench.count('unauthorised'), 2);
  t.equal(bench.count('bad_hello'), 2);
  t.equal(bench.count('bad_framing'), cases.length - 5 + 10);
  t.equal(bench.warnings.length, cases.length + 10, 'the operator is told');

  terminal.send(symbol, 1e12, 6, 1, 2);
  await bench.reading(() => terminal.counters.acked === 1, 'the good terminal goes on');
  t.equal(terminal.counters.disconnects, 0);
  await terminal.close();
  await bench.server.stop();
});

t.test('a frame cut off by the end of the connection does nothing', async (t) => {
  const bench = await new Bench().start();
  const peer = await bench.peer();
  await peer.hello();
  const batch = Buffer.concat([encodeBatchHeader(1, 2), Buffer.alloc(128)]);
  peer.socket.end(batch.subarray(0, batch.length - 1));
  await until(() => bench.server.status().sources === 0, 'it is gone');
  t.match(bench.counters.totals(), { received: 0 });
  await bench.server.stop();
});

t.test('a refused terminal does not come back', async (t) => {
  const bench = await new Bench({ secret: 'open sesame' }).start();
  const terminal = bench.terminal({ secret: 'wrong one' });
  await t.rejects(terminal.start(), { code: 'connection_refused', message: /unauthorised/ });
  await t.rejects(
    terminal.room().then(() => terminal.start()),
    { code: 'connection_refused' },
  );
  await terminal.close();
  await bench.server.stop();
});
