/** The 60 bytes of MqlTick: every field at its offset, and what is written is what is read. */
import fc from 'fast-check';
import t from 'tap';
import { MQL_TICK_BYTES, MqlTick, readMqlTick, writeMqlTick } from '../../../src/feeds/mql/mql-tick.js';

t.test('fields are where the terminal puts them', async (t) => {
  const bytes = Buffer.alloc(MQL_TICK_BYTES + 3);
  bytes.writeBigInt64LE(1_784_036_805n, 3);
  bytes.writeDoubleLE(1.13955, 11);
  bytes.writeDoubleLE(1.13956, 19);
  bytes.writeDoubleLE(1.1395, 27);
  bytes.writeBigUInt64LE(2n ** 40n + 3n, 35);
  bytes.writeBigInt64LE(1_784_036_805_933n, 43);
  bytes.writeUInt32LE(0xfffffffe, 51);
  bytes.writeDoubleLE(0.25, 55);
  const tick = new MqlTick();
  readMqlTick(new DataView(bytes.buffer, bytes.byteOffset), 3, tick);
  t.match(tick, {
    time: 1_784_036_805,
    bid: 1.13955,
    ask: 1.13956,
    last: 1.1395,
    volume: 2 ** 40 + 3,
    timeMs: 1_784_036_805_933,
    flags: 0xfffffffe,
    volumeReal: 0.25,
  });
});

t.test('written and read again, any tick is the same', async () => {
  const int = fc.maxSafeInteger();
  const count = fc.maxSafeNat();
  const real = fc.double();
  const fields = fc.record({
    time: int,
    bid: real,
    ask: real,
    last: real,
    volume: count,
    timeMs: int,
    flags: fc.nat({ max: 0xffffffff }),
    volumeReal: real,
  });
  const view = new DataView(new ArrayBuffer(MQL_TICK_BYTES + 5));
  const back = new MqlTick();
  fc.assert(
    fc.property(fields, (tick) => {
      writeMqlTick(view, 5, tick);
      readMqlTick(view, 5, back);
      for (const key of Object.keys(tick) as (keyof MqlTick)[]) {
        // Integers have no negative zero on the wire.
        if (!Object.is(back[key], tick[key]) && !(back[key] === 0 && tick[key] === 0)) return false;
      }
      return true;
    }),
    { seed: 3, numRuns: 500 },
  );
});
