/** The frame reader finds the same frames however TCP chops them, and holds no more than one frame. */
import fc from 'fast-check';
import t from 'tap';
import { FRAME_HEADER_BYTES } from '../../../src/feeds/mt5/fields.js';
import { FrameReader } from '../../../src/feeds/mt5/reader.js';
import { Refusal } from '../../../src/feeds/mt5/refusal.js';

const BYTES_MAX = 9_000;

interface Sample {
  type: number;
  body: Uint8Array;
}

function frameOf({ type, body }: Sample): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUInt32LE(4 + body.length, 0);
  header.writeUInt8(type, 4);
  return Buffer.concat([header, body]);
}

function readAll(chunks: Uint8Array[]): Sample[] {
  const reader = new FrameReader(BYTES_MAX);
  const found: Sample[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    while (reader.next()) {
      const { view, start, end, type } = reader;
      const body = new Uint8Array(view.buffer, view.byteOffset + start, end - start).slice(
        FRAME_HEADER_BYTES,
      );
      found.push({ type, body });
    }
    if (reader.partialBytes > BYTES_MAX) throw new Error('it holds more than a frame');
  }
  return found;
}

const samples = fc.array(
  fc.record(
    { type: fc.integer({ min: 1, max: 8 }), body: fc.uint8Array({ maxLength: 6_000 }) },
    { noNullPrototype: true },
  ),
  { maxLength: 6 },
);

t.test('any chopping gives the same frames', async (t) => {
  const cuts = fc.array(fc.nat({ max: 2_000 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(samples, cuts, (frames, sizes) => {
      const whole = Buffer.concat(frames.map(frameOf));
      const chunks: Uint8Array[] = [];
      for (let at = 0, i = 0; at < whole.length; i++) {
        // A size of 0 is an empty chunk; at least every other one takes the stream further.
        const size = i % 2 === 0 ? sizes[i % sizes.length] : 1 + sizes[i % sizes.length];
        chunks.push(Uint8Array.from(whole.subarray(at, at + size)));
        at += size;
      }
      t.strictSame(readAll(chunks), frames);
    }),
    { seed: 5, numRuns: 60 },
  );
  const tiny = [
    { type: 3, body: Uint8Array.of(1, 2, 3) },
    { type: 6, body: new Uint8Array(0) },
  ];
  const bytes = Buffer.concat(tiny.map(frameOf));
  t.strictSame(readAll([...bytes].map((b) => Uint8Array.of(b))), tiny, 'byte by byte');
});

t.test('garbage gives frames or a refusal, nothing else', async (t) => {
  let refused = 0;
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 10 }), (chunks) => {
      try {
        readAll(chunks);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        refused++;
      }
    }),
    { seed: 6, numRuns: 300 },
  );
  t.ok(refused > 100, 'garbage is mostly noticed');
});
