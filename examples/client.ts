/**
 * A consumer on Node: every tick in order, exact resume after a lost connection, and the ticks behind a conflated update.
 * Run the example beside `npm start` with `node dist/examples/client.js`. Your own program imports `tickwire/client`.
 */
import { type PlainTick, TickClient } from '../src/client/index.js';

const TICKS = 20;
const url = process.argv[2] ?? 'ws://127.0.0.1:8080/v1/stream';
const token = process.env.TICKS_TOKEN;

const client = new TickClient(url, { latency: true, ...(token !== undefined && { token }) });
client.on('close', ({ reason, code, retryMs }) =>
  console.log(`lost: ${reason || code}; again in ${retryMs} ms`),
);
await client.connect();

let looking: Promise<void> | undefined;
const quotes = client.subscribe({ symbols: ['*'], kinds: ['quote'], intervalMs: 500 }, (tick) => {
  // The client reuses the view for the next tick. Copy what you keep.
  if (tick.conflated > 0) looking ??= look(tick.toObject());
});

async function look(tick: PlainTick): Promise<void> {
  const held = await client.conflatedTicks(tick);
  console.log(
    `${tick.symbol} #${tick.symbolSeq} conflates ${tick.conflated} ticks; the server has ${held.length} of them`,
  );
}

let left = TICKS;
for await (const tick of client.subscribe({ symbols: ['*'], mode: 'every' })) {
  if (tick.kind === 'quote') console.log(tick.symbol, tick.symbolSeq, tick.bid, tick.ask);
  if (--left === 0) break;
}
await looking;
console.log(`received ${quotes.received}, conflated ${quotes.conflated}; delays in µs:`, client.latency());
client.close();
