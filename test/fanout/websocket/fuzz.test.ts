/**
 * Hostile control messages during a stream of ticks, in every encoding. Each message is answered once, or the connection
 * ends with a documented code. The server keeps nothing of it, and a healthy subscriber gets every tick.
 */
import { queryObjects } from 'node:v8';
import fc from 'fast-check';
import t from 'tap';
import { SubscriptionGroup } from '../../../src/fanout/batch/subscription-group.js';
import { StreamReader } from '../../../src/fanout/reader/stream-reader.js';
import { Subscription } from '../../../src/fanout/session/subscription.js';
import { Connection } from '../../../src/fanout/websocket/connection.js';
import { turn } from '../../../src/pipeline/memory/doorbell.js';
import { unpackMessage } from '../../../src/wire/msgpack.js';
import { PackedReader } from '../../../src/wire/packed.js';
import { CloseCode, ENCODINGS, type Encoding, subprotocolOf, WIRE_ERRORS } from '../../../src/wire/ticks.js';
import { type Served, serve } from '../../helpers/fanout.js';
import { type FuzzMessage, type FuzzStep, fuzzSteps } from '../../helpers/fuzz-messages.js';
import { frame, Opcode, RawSocket } from '../../helpers/raw-socket.js';
import type { TestShard } from '../../helpers/test-shard.js';

const SEED = 20_260_921;
const RUNS = 400;
/** Milliseconds for the runs of one encoding. */
const TIME_MS = 6_000;
const CODES: number[] = Object.values(CloseCode);
/** Messages that the server sends without a request. */
const UNASKED = ['hello', 'heartbeat', 'symbols', 'catching_up', 'caught_up', 'rewound', 'ticks'];
const ANSWERS = [
  ...['subscribed', 'unsubscribed', 'paused', 'resumed', 'sought', 'history', 'authorised', 'pong', 'error'],
];
const ID_LENGTH_MAX = 128;
const WAIT_MS = 10_000;

// biome-ignore lint/suspicious/noExplicitAny: messages of any shape are what the test looks at
type Message = any;

class FuzzClient {
  readonly answers: Message[] = [];
  readonly strange: string[] = [];
  readonly messages: FuzzMessage[] = [];
  raw!: RawSocket;

  constructor(readonly encoding: Encoding) {}

  async open(port: number): Promise<void> {
    const take = (payload: Buffer, isText: boolean) => this.#take(payload, isText);
    this.raw = await RawSocket.open(port, subprotocolOf(this.encoding), true, take);
  }

  #take(payload: Buffer, isText: boolean): void {
    if (this.encoding === 'packed' && PackedReader.isFrame(payload)) return;
    if (isText !== (this.encoding === 'json')) this.strange.push('the wrong type of message');
    const message = isText ? JSON.parse(payload.toString('utf8')) : unpackMessage(payload);
    const { op, id, code, temporary, retryMs } = message;
    if (UNASKED.includes(op)) return;
    if (!ANSWERS.includes(op)) this.strange.push(`op ${op}`);
    if (op === 'error' && !WIRE_ERRORS.includes(code)) this.strange.push(`code ${code}`);
    if (op === 'error' && temporary !== (retryMs !== undefined))
      this.strange.push(`${code}: hint ${retryMs}`);
    if (op !== 'error' && id === null) this.strange.push(`${op} without an id`);
    this.answers.push(message);
  }

  send(step: FuzzStep): void {
    this.messages.push(...step.messages);
    this.raw.send(...step.frames);
  }

  /** Compares the ids of the answers with the ids of the requests: which are too many, and which are missing. */
  mismatches(): string[] {
    const left = new Map<string, number>();
    const add = (id: unknown, n: number) => left.set(key(id), (left.get(key(id)) ?? 0) + n);
    for (const { payload, isRequest } of this.messages) if (isRequest) add(this.#idOf(payload), 1);
    const optional = new Map<string, number>();
    for (const { payload, isRequest } of this.messages) {
      if (isRequest) continue;
      for (const id of [key(this.#idOf(payload)), key(null)]) optional.set(id, (optional.get(id) ?? 0) + 1);
    }
    for (const { id } of this.answers) {
      const known = key(id);
      if ((left.get(known) ?? 0) > 0) add(id, -1);
      else if ((optional.get(known) ?? 0) > 0) optional.set(known, optional.get(known)! - 1);
      else add(id, -1);
    }
    return [...left].filter(([, n]) => n !== 0).map(([id, n]) => `${id}: ${n > 0 ? 'missing' : 'too many'}`);
  }

  /** The id that an answer can echo; null where there is none. */
  #idOf(payload: Buffer): unknown {
    let value: Message;
    try {
      value =
        this.encoding === 'json' ? JSON.parse(new TextDecoder().decode(payload)) : unpackMessage(payload);
    } catch {
      return null;
    }
    const id = value?.id;
    const isId = (typeof id === 'string' && id.length <= ID_LENGTH_MAX) || Number.isFinite(id);
    return isId ? id : null;
  }
}

/** -0 and 0 are the same number in JSON. */
function key(id: unknown): string {
  return `${typeof id} ${String(id)}`;
}

async function until(condition: () => boolean, what: () => string): Promise<void> {
  const endMs = performance.now() + WAIT_MS;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(what());
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function flow(shard: TestShard, ids: number[], count: number): void {
  for (let i = 0; i < count; i++) {
    const id = ids[shard.head % ids.length];
    if (shard.head % 7 === 0) shard.trade(id, 1.5);
    else if (shard.head % 31 === 0) shard.status(id, 1);
    else shard.quote(id, 1.5, 1.6, 1 / 3);
  }
  if (count > 0) shard.commit();
}

/** Runs the steps on one connection. @throws Error that says what went wrong */
async function live(served: Served, ids: number[], encoding: Encoding, steps: FuzzStep[]): Promise<void> {
  const client = new FuzzClient(encoding);
  await client.open(served.port);
  for (const step of steps) {
    client.send(step);
    flow(served.shard, ids, step.ticks);
    await turn();
  }
  const { raw, answers, messages, strange } = client;
  const isViolated = steps.at(-1)!.isViolation;
  const isSettled = () => raw.ended || (!isViolated && answers.length >= messages.length);
  await until(isSettled, () => `${answers.length} answers to ${messages.length} messages`);
  if (strange.length > 0) throw new Error(strange.join());
  if (raw.ended && !isViolated && !CODES.includes(raw.closeCode ?? 0))
    throw new Error(`closed with ${raw.closeCode} ${raw.closeReason}`);
  if (!raw.ended) {
    const wrong = client.mismatches();
    if (wrong.length > 0) throw new Error(wrong.join());
  }
  // Half of the clients close the connection, the others disappear.
  if (steps.length % 2 === 0) raw.send(frame(Opcode.close, Buffer.from([0x03, 0xe8])));
  raw.socket.destroy();
  const { fanout } = served;
  const isAlone = () => {
    const { connections, subscriptions, groups, symbolFilters } = fanout.stats();
    return connections === 1 && subscriptions === 1 && groups === 1 && symbolFilters === 1;
  };
  await until(isAlone, () => `left behind: ${JSON.stringify(fanout.stats())}`);
}

for (const encoding of ENCODINGS) {
  t.test(`hostile messages in ${encoding}`, { timeout: 60_000 }, async (t) => {
    const served = await serve({
      log: true,
      plan: { ringSlots: 1024, criticalSlots: 256 },
      limits: { messagesPerSecond: 1e6 },
    });
    t.teardown(() => served.close());
    const { shard, fanout } = served;
    const ids = Array.from({ length: 4 }, (_, i) => shard.define(`S${i}`));
    flow(shard, ids, 3000);
    const healthy = await served.connect('packed');
    await healthy.subscribe(['S*'], { mode: 'every', snapshot: false });
    const first = shard.head;
    const endMs = performance.now() + TIME_MS;
    let runs = 0;
    // After the time, further runs are empty; a run that has begun is finished.
    const property = fc.asyncProperty(fuzzSteps(encoding), async (steps) => {
      if (performance.now() > endMs) return;
      await live(served, ids, encoding, steps);
      runs++;
    });
    await fc.assert(property, { seed: SEED, numRuns: RUNS });
    t.comment(`${runs} connections, ${shard.head - first} ticks`);
    flow(shard, ids, 1);
    await healthy.until(() => healthy.ticks.length >= shard.head - first);
    const seqs = healthy.ticks.map((tick) => tick.seq);
    t.ok(
      seqs.every((seq, i) => seq === first + 1 + i),
      'the healthy subscriber has every tick once',
    );
    t.ok(runs > 10);
    t.same(served.errors, []);
    await until(
      () => fanout.stats().catchingUp === 0,
      () => 'the healthy one still catches up',
    );
    t.match(fanout.stats().closed, { [CloseCode.shutdown]: 0, [CloseCode.rate]: 0, [CloseCode.slow]: 0 });
  });
}

t.test('nothing of all these connections is reachable any more', async (t) => {
  const kept = () =>
    [Connection, Subscription, StreamReader, SubscriptionGroup].map((type) => queryObjects(type)).join();
  // Promises that are about to settle may still refer to the last connections.
  for (let look = 0; look < 10 && kept() !== '0,0,0,0'; look++) await turn();
  t.equal(kept(), '0,0,0,0');
});
