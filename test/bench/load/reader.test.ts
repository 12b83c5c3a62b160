/** The load generator reads a stream however it is cut, and sees what is wrong with it. */
import t from 'tap';
import { LatencySamples } from '../../../src/bench/harness/latency.js';
import { quoteCheck } from '../../../src/bench/harness/packed-checker.js';
import { FanoutReader, Group } from '../../../src/bench/load/reader.js';
import {
  Kind,
  Records,
  StatusCode,
  writeHeader,
  writeQuote,
  writeStatus,
  writeTimes,
  writeTrade,
} from '../../../src/core/tick.js';
import { packControl } from '../../../src/wire/msgpack.js';
import { Random } from '../../helpers/random.js';
import { encode, NAMES } from '../../helpers/wire.js';

const SYMBOLS = 4;
const AT_S = 1_790_000_000;
/** Prices that only the wide form holds exactly. */
const WIDE_BID = 30_000.12345;

type Row = [kind: number, symbol: number, symbolSeq: number, bid?: number];

/** Rows as a batch; every third quote knows its sizes. */
function batch(rows: Row[], snapshot = false): Uint8Array {
  const r = Records.allocate(rows.length);
  rows.forEach(([kind, symbol, symbolSeq, bid = 1.5], i) => {
    writeHeader(r, i, symbol, kind, 1, 100 + i, symbolSeq);
    writeTimes(r, i, AT_S, 1000 * (i + 1), AT_S, 0);
    if (kind === Kind.trade) writeTrade(r, i, bid, 1, 1);
    else if (kind === Kind.status) writeStatus(r, i, StatusCode.halted, 0, 0, 0, 0);
    else writeQuote(r, i, bid, bid + 0.5, i % 3 === 0 ? 2 : Number.NaN, i % 3 === 0 ? 3 : Number.NaN);
  });
  const seqs = rows.map((_, i) => 100 + i);
  return encode('packed', r, seqs, { snapshot }).message;
}

/** A message as a server sends it. */
function framed(opcode: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(payload.length < 126 ? 2 : payload.length < 0x10000 ? 4 : 10);
  head[0] = 0x80 | opcode;
  head[1] = head.length === 2 ? payload.length : head.length === 4 ? 126 : 127;
  if (head.length === 4) head.writeUInt16BE(payload.length, 2);
  if (head.length === 10) head.writeUInt32BE(payload.length, 6);
  return Buffer.concat([head, payload]);
}

function reader(dense: boolean) {
  const heard: string[] = [];
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  const generated = new FanoutReader(2, SYMBOLS, dense, new LatencySamples(), {
    control: (client, bytes) => heard.push(`${client} control ${hex(bytes)}`),
    ping: (client, bytes) => heard.push(`${client} ping ${hex(bytes)}`),
    close: (client) => heard.push(`${client} close`),
  });
  generated.check.digits.set(NAMES.digits.subarray(0, SYMBOLS + 1));
  generated.check.anchorS = AT_S;
  for (const client of [0, 1]) generated.reset(client, client === 0 ? Group.readers : Group.stoppers);
  return { reader: generated, heard };
}

function give(to: FanoutReader, client: number, bytes: Uint8Array): void {
  to.target.set(bytes);
  to.take(client, 0, bytes.length);
}

const LONG: Row[] = Array.from({ length: 3000 }, (_, i) => [i % 7 === 6 ? Kind.trade : Kind.quote, 3, i + 1]);
const CONTROL = packControl({ op: 'subscribed', text: 'x'.repeat(1000) });
const STREAM = Buffer.concat([
  framed(2, CONTROL),
  framed(
    2,
    batch(
      [
        [Kind.quote, 1, 4],
        [Kind.trade, 1, 6],
        [Kind.status, 1, 2],
        [Kind.quote, 2, 3, WIDE_BID],
      ],
      true,
    ),
  ),
  framed(
    2,
    batch([
      [Kind.quote, 1, 7],
      [Kind.quote, 2, 4],
      [Kind.status, 0, 9],
      [Kind.trade, 2, 5],
      [Kind.quote, 1, 8, 1.25],
    ]),
  ),
  framed(9, Uint8Array.of(1, 2, 3, 4)),
  framed(2, batch(LONG)),
  framed(9, new Uint8Array(0)),
  framed(2, batch([[Kind.quote, 4, 1, WIDE_BID]])),
  framed(8, Uint8Array.of(3, 232)),
]);

for (const mode of ['every', 'latest']) {
  t.test(`mode ${mode}: cut anywhere, it is read the same`, async (t) => {
    const random = new Random(5);
    // Byte by byte, in one piece, and in pieces of random length of two clients by turns.
    const sizes = [() => 1, () => STREAM.length, () => 1 + random.below(40), () => 1 + random.below(5000)];
    for (const [n, size] of sizes.entries()) {
      const { reader: r, heard } = reader(mode === 'every');
      const at = [0, 0];
      while (at[0] < STREAM.length || at[1] < STREAM.length) {
        for (const client of [0, 1]) {
          const end = Math.min(STREAM.length, at[client] + size());
          give(r, client, STREAM.subarray(at[client], end));
          at[client] = end;
        }
      }
      const { check } = r;
      t.same([...check.delivered], [4 + LONG.length + 1, 4 + LONG.length + 1], `${n}: ticks`);
      t.same([...r.bytes], [STREAM.length, STREAM.length], `${n}: bytes`);
      t.match(check, { lost: 0, reordered: 0 });
      for (const client of [0, 1]) {
        t.same(
          [1, 2, 3, 4].map((id) => check.symbolSeq(client, id)),
          [8, 5, 3000, 1],
        );
        if (mode === 'latest') {
          t.same(
            [1, 2, 3, 4].map((id) => check.quoteSeq(client, id)),
            [8, 4, 3000, 1],
          );
          t.same(
            [1, 2, 3, 4].map((id) => check.otherSeq(client, id)),
            [6, 5, 2996, 0],
          );
        }
        t.equal(check.check(client, 1), quoteCheck(125_000, 50_000));
        t.equal(
          check.check(client, 4),
          quoteCheck(3_000_012, 50),
          'a wide quote, at the digits of its symbol',
        );
        t.same(
          heard.filter((line) => line.startsWith(`${client}`)),
          [
            `${client} control ${Buffer.from(CONTROL).toString('hex')}`,
            `${client} ping 01020304`,
            `${client} ping `,
            `${client} close`,
          ],
        );
      }
      t.ok(check.latency.summary().samples > 10, 'of the first client’s ticks some were timed');
    }
  });
}

t.test('mode every: what is missing, and what comes again or too late', async (t) => {
  const { reader: r } = reader(true);
  give(
    r,
    0,
    framed(
      2,
      batch([
        [Kind.quote, 1, 1],
        [Kind.quote, 1, 4],
        [Kind.trade, 1, 6],
      ]),
    ),
  );
  t.match(r.check, { lost: 3, reordered: 0 });
  give(
    r,
    0,
    framed(
      2,
      batch([
        [Kind.quote, 1, 6],
        [Kind.quote, 1, 5],
        [Kind.trade, 1, 3],
      ]),
    ),
  );
  t.match(r.check, { lost: 3, reordered: 3 });
  t.equal(r.check.delivered[0], 3);
});

t.test('mode latest: quotes may skip, trades may lag, both stay in order', async (t) => {
  const { reader: r } = reader(false);
  give(
    r,
    0,
    framed(
      2,
      batch([
        [Kind.quote, 1, 5],
        [Kind.trade, 1, 2],
        [Kind.trade, 1, 4],
        [Kind.trade, 1, 9],
      ]),
    ),
  );
  t.match(r.check, { lost: 0, reordered: 0 });
  t.equal(r.check.delivered[0], 2, 'ticks that advanced the symbol');
  give(r, 0, framed(2, batch([[Kind.quote, 1, 8]])));
  t.equal(r.check.delivered[0], 2, 'a quote behind a trade advances nothing');
  t.equal(r.check.quoteSeq(0, 1), 8);
  t.equal(r.check.reordered, 0);
  give(
    r,
    0,
    framed(
      2,
      batch([
        [Kind.quote, 1, 7],
        [Kind.trade, 1, 9],
      ]),
    ),
  );
  t.equal(r.check.reordered, 2);
});

t.test('what no server sends is refused', async (t) => {
  const refused = (bytes: Uint8Array, why: RegExp) => {
    const { reader: r } = reader(true);
    t.throws(() => give(r, 0, bytes), { message: why });
  };
  refused(framed(2, batch([[Kind.quote, SYMBOLS + 1, 1]])), /never announced/);
  refused(framed(1, Uint8Array.of(65)), /opcode 1/);
  refused(Uint8Array.of(2, 1, 0), /in parts/);
  const cut = batch([
    [Kind.quote, 1, 1],
    [Kind.quote, 1, 2],
  ]);
  cut[8 + 8] -= 8;
  refused(framed(2, cut), /not as long as/);
});
