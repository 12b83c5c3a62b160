/** A capture never holds up its feed: what cannot be written ends the capture, loudly, and leaves it readable. */
import { appendFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { captureFileName, captureFileNumber } from '../../../src/feeds/capture/format.js';
import { CaptureReader } from '../../../src/feeds/capture/reader.js';
import { CaptureWriter } from '../../../src/feeds/capture/writer.js';
import { temporaryFolder } from '../../engine/support.js';

function entriesOf(folder: string, feed: string, warn: (text: string) => void = (text) => t.fail(text)) {
  const reader = new CaptureReader(folder, feed, warn);
  const entries: { kind: number; channel: number; recvS: number; recvNs: number; bytes: string }[] = [];
  for (let entry = reader.next(); entry !== null; entry = reader.next()) {
    const { kind, channel, recvS, recvNs, payload } = entry;
    entries.push({ kind, channel, recvS, recvNs, bytes: payload.toString('latin1') });
  }
  return entries;
}

t.test('entries come back as they were, over many files', async (t) => {
  const folder = temporaryFolder(t);
  const failures: string[] = [];
  const writer = new CaptureWriter({ folder, fileBytes: 300_000 }, 'a/b', (text) => failures.push(text));
  const wanted = Array.from({ length: 3_000 }, (_, i) => ({
    kind: 2,
    channel: i % 5,
    recvS: 1_700_000_000 + i,
    recvNs: i,
    bytes: String.fromCharCode(i % 256).repeat((i * 7) % 2_000),
  }));
  for (const { kind, channel, recvS, recvNs, bytes } of wanted) {
    const half = bytes.length >> 1;
    const part = (text: string) => Buffer.from(text, 'latin1');
    writer.append(kind, channel, recvS, recvNs, part(bytes.slice(0, half)), part(bytes.slice(half)));
  }
  await writer.close();
  t.same(failures, []);
  t.ok(readdirSync(folder).length > 2, 'more than one file');
  t.same(entriesOf(folder, 'a/b'), wanted);
  t.same(entriesOf(folder, 'other'), [], 'another feed has none');
  t.equal(statSync(join(folder, captureFileName('a/b', 1))).mode & 0o077, 0);
  t.equal(captureFileNumber('a/b', captureFileName('a/b', 12)), 12);

  const again = new CaptureWriter({ folder, fileBytes: 300_000 }, 'a/b', (text) => failures.push(text));
  again.append(1, 9, 5, 6);
  await again.close();
  t.same(
    entriesOf(folder, 'a/b').at(-1),
    { kind: 1, channel: 9, recvS: 5, recvNs: 6, bytes: '' },
    'a thread that died goes on in another file',
  );
});

t.test('a disk that is too slow ends the capture at its bound', async (t) => {
  const folder = temporaryFolder(t);
  const failures: string[] = [];
  const writer = new CaptureWriter({ folder, fileBytes: 1e9 }, 'f', (text) => failures.push(text), 1_000_000);
  // All of it in one turn of the event loop: nothing can have been written meanwhile.
  for (let i = 0; i < 100; i++) writer.append(2, 1, 1, 1, Buffer.alloc(50_000));
  t.equal(failures.length, 1, 'told once');
  t.match(failures[0], /disk is slower/);
  t.notOk(writer.isOpen);
  await writer.close();
  t.ok(entriesOf(folder, 'f', () => {}).length < 20);
});

t.test('a disk that fails ends the capture', async (t) => {
  const failures: string[] = [];
  const target = { folder: join(temporaryFolder(t), 'missing'), fileBytes: 1_000 };
  const writer = new CaptureWriter(target, 'f', (text) => failures.push(text));
  writer.append(2, 1, 1, 1, Buffer.alloc(10));
  await writer.close();
  t.equal(failures.length, 1);
  t.match(failures[0], /ENOENT/);
});

t.test('a capture that breaks off is read up to there, and says so', async (t) => {
  const folder = temporaryFolder(t);
  const writer = new CaptureWriter({ folder, fileBytes: 1e6 }, 'f', (text) => t.fail(text));
  for (let i = 0; i < 3; i++) writer.append(2, i, 1, 1, Buffer.alloc(10));
  await writer.close();
  appendFileSync(join(folder, captureFileName('f', 1)), Buffer.from([100, 0, 0, 0, 2, 0]));
  const warnings: string[] = [];
  t.equal(entriesOf(folder, 'f', (text) => warnings.push(text)).length, 3);
  t.match(warnings, [/ends in the middle/]);
});

t.test('a file that is none is refused', async (t) => {
  const folder = temporaryFolder(t);
  appendFileSync(join(folder, captureFileName('f', 1)), 'something else');
  t.throws(() => new CaptureReader(folder, 'f', () => {}).next(), { code: 'bad_input' });
});
