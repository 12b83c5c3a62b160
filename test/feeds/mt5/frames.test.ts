/** Frames: golden bytes of those that other programs write, and every frame decoded as it was encoded. */
import t from 'tap';
import { MT5_STRING_BYTES_MAX } from '../../../src/core/limits.js';
import { FieldReader, FRAME_HEADER_BYTES } from '../../../src/feeds/mt5/fields.js';
import * as framing from '../../../src/feeds/mt5/framing.js';
import { Refusal, Severity } from '../../../src/feeds/mt5/refusal.js';

function body(frame: Buffer): FieldReader {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  return new FieldReader(view, FRAME_HEADER_BYTES, frame.length);
}

const hello = {
  account: 51_234_567,
  streamId: '000102030405060708090a0b0c0d0e0f',
  name: 'a',
  server: 'Bröker',
  zone: 'UTC+3',
  secret: '',
};

t.test('golden bytes', async (t) => {
  t.equal(
    framing.encodeHello(hello).toString('hex'),
    `3900000001000000544b4d350100000007c70d0300000000${hello.streamId}01006107004272c3b66b657205005554432b330000`,
  );
  t.equal(
    framing.encodeBatchHeader(2 ** 32 + 5, 2).toString('hex'),
    '94000000040000000500000001000000' + '0200000000000000',
  );
  t.equal(framing.HEARTBEAT.toString('hex'), '0400000006000000');
  t.equal(framing.encodeAck(3).toString('hex'), '0c000000050000000300000000000000');
});

t.test('decoded as encoded', async (t) => {
  t.strictSame(framing.decodeHello(body(framing.encodeHello(hello))), hello);
  const symbol = { local: 70_000, raw: 'WIN$', digits: 0, negative: true, alias: 'WIN' };
  t.strictSame(framing.decodeSymbol(body(framing.encodeSymbol(symbol))), symbol);
  t.strictSame(framing.decodeWelcome(body(framing.encodeWelcome(15_000, 2 ** 40))), {
    version: 1,
    idleTimeoutMs: 15_000,
    durable: 2 ** 40,
  });
  t.equal(framing.decodeAck(body(framing.encodeAck(2 ** 52))), 2 ** 52);
  const error = { severity: Severity.final, code: 'bad_hello', message: 'No.' };
  t.strictSame(framing.decodeError(body(framing.encodeError(Severity.final, 'bad_hello', 'No.'))), error);
  t.equal(framing.decodeBye(body(framing.encodeBye('so long'))), 'so long');
});

t.test('a long string is cut between characters', async (t) => {
  const cut = framing.decodeBye(body(framing.encodeBye('é'.repeat(MT5_STRING_BYTES_MAX))));
  t.equal(cut, 'é'.repeat(MT5_STRING_BYTES_MAX / 2));
});

t.test('what is wrong is refused', async (t) => {
  const short = framing.encodeAck(3).subarray(0, 12);
  t.throws(() => framing.decodeAck(body(short)), { code: 'bad_framing' });
  const long = Buffer.concat([framing.encodeAck(3), Buffer.alloc(1)]);
  t.throws(() => framing.decodeAck(body(long)), { code: 'bad_framing' });
  const huge = Buffer.from(framing.encodeAck(3));
  huge.fill(0xff, 8);
  t.throws(() => framing.decodeAck(body(huge)), new Refusal('bad_framing', 'A count is beyond 2^53.'));
  const badText = Buffer.from(framing.encodeBye('abc'));
  badText[10] = 0xff;
  t.throws(() => framing.decodeBye(body(badText)), { message: /UTF-8/ });
  t.throws(() => framing.decodeHello(body(framing.encodeHello(hello, 2))), { code: 'wrong_version' });
  t.throws(() => framing.decodeBatchHeader(body(framing.encodeBatchHeader(1, 1))), { code: 'bad_framing' });
  t.throws(() => framing.decodeBatchHeader(body(framing.encodeBatchHeader(0, 0))), { message: /from 1/ });
});
