/** The packed path with a callback: nothing is allocated per tick, from the socket's event to the callback. */
import { PerformanceObserver } from 'node:perf_hooks';
import t from 'tap';
import { type OnTick, type SocketConstructor, TickClient } from '../../src/client/index.js';
import { Kind, NO_SIZE, Records, writeHeader, writeQuote, writeTimes } from '../../src/core/tick.js';
import { encodeCursor } from '../../src/wire/cursor.js';
import { packControl } from '../../src/wire/msgpack.js';
import { FRAME_HEADER_BYTES } from '../../src/wire/packed.js';
import { PackedEncoder, writeFrameHeader } from '../../src/wire/packed-encoder.js';
import { EncodeBuffer, Payload } from '../../src/wire/payload.js';

const SYMBOLS = 50;
const TICKS = 8_192;
const FRAMES = 610;

/** A socket that the test speaks through, with nothing between it and the client. */
class Wire {
  static last: Wire;
  binaryType = '';
  protocol = '';
  onopen = null;
  onclose = null;
  onerror = null;
  onmessage: ((event: { data: ArrayBuffer }) => void) | null = null;

  constructor() {
    Wire.last = this;
  }
  send(): void {}
  close(): void {}
  say(message: object): void {
    this.onmessage?.({ data: new Uint8Array(packControl(message)).buffer });
  }
}

/** One frame of quotes; they repeat with each time it is heard, which the client counts and does not mind. */
function frame(): ArrayBuffer {
  const buffer = new EncodeBuffer(1 << 20);
  const out = new EncodeBuffer(1 << 20);
  const names = { digits: new Uint8Array(SYMBOLS + 1).fill(5), symbols: [] };
  const encoder = new PackedEncoder(buffer, names);
  const records = Records.allocate(1);
  const payload = new Payload();
  payload.begin(0, 0, 1, false);
  const s = Math.floor(Date.now() / 1000);
  for (let i = 0; i < TICKS; i++) {
    writeHeader(records, 0, 1 + (i % SYMBOLS), Kind.quote, 1, i + 1, 1 + Math.floor(i / SYMBOLS));
    writeTimes(records, 0, s, i * 1000, s, i * 1000 + 17);
    const sized = i % 3 === 0;
    const bid = (100_000 + (i % 777)) / 100_000;
    writeQuote(records, 0, bid, bid + 0.0001, sized ? 1.5 : NO_SIZE, sized ? 2 : NO_SIZE);
    encoder.put(payload, records, 0, i + 1);
  }
  writeFrameHeader(out, 1);
  const cursor = encodeCursor({ logId: '00112233445566ff', epoch: 1, seqs: [TICKS] });
  const end = encoder.encodeBatch(payload, 1, cursor, out, FRAME_HEADER_BYTES);
  return out.u8.slice(0, end).buffer;
}

async function follow(onTick: OnTick): Promise<{ client: TickClient; hear: (frames: number) => void }> {
  const client = new TickClient('ws://nowhere', {
    WebSocket: Wire as unknown as SocketConstructor,
    latency: true,
  });
  const connected = client.connect();
  const wire = Wire.last;
  wire.say({ op: 'hello', protocol: 1, logId: 'x', epoch: 1, shards: 1, heartbeatMs: 1e6, auth: false });
  await connected;
  const subscription = client.subscribe({ symbols: ['*'], mode: 'every', snapshot: false }, onTick);
  const symbols = Array.from({ length: SYMBOLS }, (_, i) => ({
    symbol: `SYM${i}`,
    symbolId: i + 1,
    digits: 5,
    version: 1,
  }));
  wire.say({ op: 'subscribed', id: 1, sub: 1, epoch: 1, cursor: '', speed: 'max', symbols, unknown: [] });
  await subscription.ready;
  const data = frame();
  const hear = (frames: number) => {
    for (let i = 0; i < frames; i++) wire.onmessage!({ data });
  };
  return { client, hear };
}

/** Garbage collections while `work` runs. */
async function collections(work: () => void): Promise<number> {
  let count = 0;
  const observer = new PerformanceObserver((list) => {
    count += list.getEntries().length;
  });
  observer.observe({ entryTypes: ['gc'] });
  work();
  // They are reported a turn of the event loop later.
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
  observer.disconnect();
  return count;
}

t.test(`${FRAMES * TICKS} ticks through a reused view`, async (t) => {
  // A double that a closure keeps in a variable would be allocated again with every change.
  const sum = new Float64Array(1);
  let named = 0;
  const { client, hear } = await follow((tick) => {
    sum[0] += tick.bid + tick.ask + tick.tsRecvNs + tick.symbolSeq + tick.conflated;
    if (tick.kind === 'quote' && tick.symbol === 'SYM7' && tick.bidSize > 1) named++;
  });
  // Code that is not optimised yet keeps its numbers on the heap.
  hear(200);
  client.latency({ reset: true });
  const found = await collections(() => hear(FRAMES));
  t.equal(client.latency()!.count, FRAMES * TICKS);
  t.ok(sum[0] > 0 && named > 0);
  // One number a tick would be 80 MB, which is five collections of the young generation and more.
  t.ok(found <= 2, `${found} collections`);
  client.close();
});

t.test('the measure works: a copy of each tick is seen', async (t) => {
  let last: unknown;
  const { client, hear } = await follow((tick) => {
    last = tick.toObject();
  });
  const found = await collections(() => hear(FRAMES / 10));
  t.ok(found > 5, `${found} collections for a tenth of the ticks`);
  t.match(last, { kind: 'quote' });
  client.close();
});
