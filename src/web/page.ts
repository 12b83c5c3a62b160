/** The page at `/`: follows every symbol with the project's own client and shows the state of the engine. */
import {
  type ClientState,
  ConnectionClosedError,
  ENGINE_NAME,
  TickClient,
  type TickView,
} from '../client/index.js';
import { sleep } from '../core/sleep.js';
import { StatusCode } from '../core/tick.js';
import { CloseCode } from '../wire/ticks.js';
import { FeedList } from './feeds.js';
import { delay } from './format.js';
import { readPipeline } from './pipeline.js';
import { QuoteTable } from './quotes.js';
import { PipelineStrip } from './strip.js';
import { pageToken } from './token.js';

const POLL_MS = 1000;
/** Milliseconds between two updates of a symbol: more often, nobody can read it. */
const INTERVAL_MS = 50;

function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

const STATE_TEXT: Record<ClientState, string> = {
  idle: 'not connected',
  connecting: 'connecting',
  connected: 'connected',
  mute: 'connected, but nothing is heard',
  reconnecting: 'reconnecting',
  closed: 'closed by the server',
};

const quotes = new QuoteTable(element('quotes'), element('count'), element('empty'), element('filter'));
const strip = new PipelineStrip();
const feeds = new FeedList(element('feeds'));

const token = pageToken();
const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
const client = new TickClient(`${scheme}//${location.host}/v1/stream`, {
  encoding: 'packed',
  reconnect: { first: true, maxDelayMs: 5_000 },
  latency: true,
  ...(token !== undefined && { token }),
});

function showState(state: ClientState): void {
  const shown = element('connection');
  shown.dataset.state = state;
  shown.textContent = STATE_TEXT[state];
  document.body.dataset.live = state === 'connected' ? 'yes' : 'no';
}

function showTick(tick: TickView): void {
  const { kind } = tick;
  if (kind === 'gap' || tick.symbol === ENGINE_NAME) return;
  const row = quotes.row(tick.symbol, tick.digits);
  if (tick.seq !== 0) row.number(tick.epoch, tick.symbolSeq);
  if (kind === 'quote') {
    row.bid = tick.bid;
    row.ask = tick.ask;
    // Of an earlier run of the engine: nothing has come in this one.
    row.stale = tick.seq === 0;
  } else if (kind === 'trade') {
    row.last = tick.price;
  } else {
    row.stale = tick.code === StatusCode.symbolStale || tick.code === StatusCode.halted;
  }
  // In a snapshot the tick is as old as the engine says; afterwards it is new, whatever this clock says.
  const recvMs = tick.tsRecvS * 1000 + tick.tsRecvNs / 1e6;
  if (kind !== 'status') row.tickAt = tick.inSnapshot ? Math.max(recvMs, row.tickAt || 0) : Date.now();
  quotes.mark(row);
}

client.on('state', showState);
client.on('error', (error) => {
  if (!(error instanceof ConnectionClosedError)) return;
  const unauthorised = error.closeCode === CloseCode.unauthorised;
  element('connection').textContent = unauthorised
    ? token === undefined
      ? 'a token is wanted: add #token=… to the address'
      : 'the token is wrong'
    : error.message;
});
client.on('open', (hello) => {
  element('epoch').textContent = String(hello.epoch);
});
client.on('heartbeat', () => feeds.show(client.feeds));
const subscription = client.subscribe({ symbols: ['*'], intervalMs: INTERVAL_MS }, showTick);
// A refusal is shown as an error.
client.connect().catch(() => {});
// Another token is in the address: everything begins again with it.
addEventListener('hashchange', () => location.reload());

let receivedBefore = 0;
let conflatedBefore = 0;
let polledAt = performance.now();

function showDelivered(): void {
  const now = performance.now();
  const seconds = (now - polledAt) / 1000;
  polledAt = now;
  const { received, conflated } = subscription;
  strip.delivered((received - receivedBefore) / seconds, Math.max(0, conflated - conflatedBefore) / seconds);
  receivedBefore = received;
  conflatedBefore = conflated;
  const { count, p50, p99 } = client.latency({ reset: true })!;
  element('latency').textContent = count === 0 ? '–' : `${delay(p50)}, p99 ${delay(p99)}`;
}

async function poll(): Promise<void> {
  showDelivered();
  const state = await readPipeline(token);
  const ready = element('ready');
  ready.dataset.ready = state === undefined ? 'unknown' : state.ready ? 'yes' : 'no';
  ready.textContent = state === undefined ? 'no answer' : state.ready ? 'ready' : 'not ready';
  ready.title = state?.reasons.join('\n') ?? '';
  if (state === undefined) {
    strip.clear();
    return;
  }
  strip.show(state.sample);
  feeds.show(state.feeds);
}

async function keepPolling(): Promise<void> {
  // A client that was refused asks no more: wrong tokens are counted against the address.
  while (client.state !== 'closed') {
    await poll();
    await sleep(POLL_MS);
  }
}

client.once('open', () => void keepPolling());
