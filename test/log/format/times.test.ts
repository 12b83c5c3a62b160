/** Both times of every tick come back, in whatever units they are, however they hang together, and wherever they jump. */
import t from 'tap';
import {
  Kind,
  NO_TIME_S,
  RECORD_U32,
  Records,
  U32_TS_EVENT_S,
  U32_TS_RECV_S,
  writeHeader,
  writeQuote,
  writeTimes,
} from '../../../src/core/tick.js';
import { blockBytesMax, checkBlock, readTimes, writeBlock } from '../../../src/log/format/block.js';
import { BlockCodec } from '../../../src/log/format/block-codec.js';
import { readTicks } from '../../../src/log/format/block-ticks.js';
import { bytesOf, seeded } from '../support.js';

const TICKS = 1_500;
const SECOND_NS = 1_000_000_000;
const UNITS_NS = [1, 1_000, 1_000_000, SECOND_NS];
/** Nanoseconds by which the receipt is later, about. */
const LAGS_NS = [0, 400_000, -5_000_000, 3 * SECOND_NS, 40 * 86_400 * SECOND_NS];
/** One tick of so many jumps, or has no tsEvent, or nanoseconds beyond a second; 0 = none. */
const RARE = [0, 97];
const FIRST_S = 1_700_000_000;
const codec = new BlockCodec();
const digits = Uint8Array.of(0, 5);

/** Writes ticks whose times walk on; whole units of each. */
function walk(records: Records, eventNs: number, recvNs: number, lagNs: number, rare: number): void {
  const next = seeded(eventNs + 3 * recvNs + lagNs + rare);
  let ns = 0;
  for (let i = 0; i < TICKS; i++) {
    ns += next() % (3 * eventNs);
    if (rare !== 0 && i % rare === 5) ns += (next() % 2_000_000_000) * (i % 2 === 0 ? 900 : -400);
    const event = Math.floor(ns / eventNs) * eventNs;
    const recv = Math.floor((ns + lagNs + (next() % 300_000)) / recvNs) * recvNs;
    const isAbsent = rare !== 0 && i % rare === 11;
    writeHeader(records, i, 1, Kind.quote, 1, i + 1, i + 1);
    const [eventS, eventPart] = isAbsent ? [NO_TIME_S, 0] : timeOf(event);
    writeTimes(records, i, eventS, eventPart, ...timeOf(recv));
    if (rare !== 0 && i % rare === 17) writeTimes(records, i, FIRST_S, SECOND_NS + 5, ...timeOf(recv));
    writeQuote(records, i, 1.1, 1.2, 1, 2);
  }
}

function timeOf(ns: number): [number, number] {
  const s = Math.floor(ns / SECOND_NS);
  return [FIRST_S + s, ns - s * SECOND_NS];
}

t.test('units, lags and jumps', async (t) => {
  const records = Records.allocate(TICKS);
  const back = Records.allocate(TICKS);
  const out = new Uint8Array(blockBytesMax(codec, TICKS));
  let blocks = 0;
  for (const eventNs of UNITS_NS) {
    for (const recvNs of UNITS_NS) {
      for (const lagNs of LAGS_NS) {
        for (const rare of RARE) {
          walk(records, eventNs, recvNs, lagNs, rare);
          const block = writeBlock(codec, 1, 0, 1, records, TICKS, digits, [], out, 0);
          back.u8.fill(0xa5);
          readTicks(codec, block, checkBlock(block)!, back);
          const what = `units of ${eventNs} and ${recvNs} ns, ${lagNs} ns apart, odd ones ${rare}`;
          if (!bytesOf(records, 0, TICKS).equals(bytesOf(back, 0, TICKS))) t.fail(`${what}: different`);
          if (rare === 0) t.same(extremesOf(block), extremesIn(records), what);
          blocks++;
        }
      }
    }
  }
  t.equal(blocks, UNITS_NS.length ** 2 * LAGS_NS.length * RARE.length);
});

function extremesOf(block: Uint8Array): number[] {
  const words = new Uint32Array(8);
  readTimes(block, words);
  return [...words];
}

/** Lowest and highest tsRecv, then tsEvent, where each tick has both. */
function extremesIn({ u32 }: Records): number[] {
  return [U32_TS_RECV_S, U32_TS_EVENT_S].flatMap((at) => {
    const times = Array.from({ length: TICKS }, (_, i) => [
      u32[i * RECORD_U32 + at],
      u32[i * RECORD_U32 + at + 1],
    ]);
    times.sort(([s, ns], [otherS, otherNs]) => s - otherS || ns - otherNs);
    return [...times[0], ...times[TICKS - 1]];
  });
}
