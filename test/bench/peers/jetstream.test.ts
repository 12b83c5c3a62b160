/** What a JetStream server says is read however it is cut: each message counts as stored once it is acknowledged. */
import t from 'tap';
import { JetStream } from '../../../src/bench/peers/jetstream.js';
import type { Outflow } from '../../../src/bench/peers/outflow.js';

const ACK = '{"stream":"TICKS","seq":1}';
const CREATED = '{"type":"io.nats.jetstream.api.v1.stream_create_response"}';

function message(subject: string, sid: number, body: string): string {
  return `MSG ${subject} ${sid} ${body.length}\r\n${body}\r\n`;
}

function stream() {
  const written: string[] = [];
  const out = { write: (bytes: Buffer) => written.push(String(bytes)) } as unknown as Outflow;
  return { jet: new JetStream(out), written };
}

t.test('the stream is created with the subjects that it must take', async (t) => {
  const { jet, written } = stream();
  const generated = jet.create(['book', 't.*']);
  t.match(written[0], /^SUB _A 1\r\nSUB _C 2\r\nPUB \$JS\.API\.STREAM\.CREATE\.TICKS _C \d+\r\n/);
  const [, , , config] = written[0].split('\r\n');
  t.match(JSON.parse(config), { name: 'TICKS', subjects: ['book', 't.*'], storage: 'file' });
  t.match(written[0], `_C ${config.length}\r\n`);
  jet.take(Buffer.from(`INFO {}\r\n${message('_C', 2, CREATED)}`));
  await generated;
});

t.test('a server that does not make it is an error', async (t) => {
  const { jet } = stream();
  const generated = jet.create(['book']);
  jet.take(Buffer.from(message('_C', 2, '{"error":{"code":503}}')));
  await t.rejects(generated, { message: /refused.*503/ });
});

t.test('acknowledgements count, cut anywhere', async (t) => {
  const { jet, written } = stream();
  const COUNT = 4096;
  for (let i = 0; i < COUNT; i++) {
    jet.sent();
  }
  t.ok(jet.isFull && jet.isBehind);
  const bytes = Buffer.from(`${message('_A', 1, ACK).repeat(COUNT - 1)}PING\r\n${message('_A', 1, ACK)}`);
  for (let at = 0; at < bytes.length - 1; at += 37)
    jet.take(bytes.subarray(at, Math.min(at + 37, bytes.length - 1)));
  t.ok(!jet.isFull && jet.isBehind, 'all but the last');
  t.same(written, ['PONG\r\n']);
  jet.take(bytes.subarray(bytes.length - 1));
  t.notOk(jet.isBehind);
});

t.test('a message that is not stored is an error', async (t) => {
  const { jet } = stream();
  jet.sent();
  t.throws(() => jet.take(Buffer.from(message('_A', 1, '{"error":{"code":500}}'))), /did not store/);
  t.throws(() => jet.take(Buffer.from("-ERR 'Unknown Protocol Operation'\r\n")), /Unknown Protocol/);
});
