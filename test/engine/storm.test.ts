/**
 * A reconnect storm: 2,000 clients are cut at once, then the server is killed under them. All come back by
 * themselves, each when its backoff says so, and get every tick of their symbols once and in order.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { type SocketConstructor, type Subscription, TickClient } from '../../src/client/index.js';
import { cursorFromText } from '../../src/wire/cursor.js';
import { ENCODINGS } from '../../src/wire/ticks.js';
import { lastingPort, type Running, serve, temporaryFolder } from '../cli/support.js';
import { asker } from '../helpers/http.js';
import { Ledger, WholeLog } from '../helpers/log/ledger.js';
import { assertSums } from '../helpers/sums.js';
import { TcpProxy } from '../helpers/tcp-proxy.js';

const CLIENTS = 2_000;
const SYMBOLS = 400;
/** Clients of a group follow the same symbols. */
const GROUPS = 100;
const RATE = 500;
/** How long nobody can connect after the cut. */
const REFUSED_MS = 1_000;
/** The documented backoff of a client that sets none. */
const INITIAL_DELAY_MS = 250;
const MAX_DELAY_MS = 15_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** Attempts that a client may need for one cut: by then it has waited for minutes, unless it drew next to nothing. */
const ATTEMPTS_MAX = 12;
/** What an attempt may be late by, or take longer, beyond what this loop stood still: many are due at once. */
const SLACK_MS = 5_000;
const SERVER_GROWTH_BYTES_MAX = 256 * 1024 * 1024;
/** A socket for each client, and two for each in the proxy. */
const FILES = 3 * CLIENTS + 500;

const openFiles = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
const skip = openFiles < FILES && `needs ${FILES} open files, has ${openFiles}: raise ulimit -n`;

/** One client, and how it came back. */
class Member {
  readonly client: TickClient;
  readonly subscription: Subscription;
  readonly ledger = new Ledger();
  subscribed = 0;
  /** Attempts since the last cut. */
  attempts = 0;
  attemptsMax = 0;
  /** Times that the server was too busy to take the subscription up at once. */
  busy = 0;
  /** How far attempts came after and before their time, and the longest one, in milliseconds. */
  lateMsMax = 0;
  earlyMsMax = 0;
  attemptMsMax = 0;
  /** What is wrong first. */
  wrong = '';
  /** Losses since something was last heard. */
  #losses = 0;
  #dueAtMs = 0;
  #attemptAtMs = 0;

  constructor(
    url: string,
    readonly symbols: string[],
    index: number,
  ) {
    const attempted = () => this.#attempted();
    class Noted extends WebSocket {
      constructor(address: string, protocols: string[]) {
        super(address, protocols, { perMessageDeflate: false });
        attempted();
      }
    }
    this.client = new TickClient(url, {
      // Mostly packed, as clients are.
      encoding: index % 10 === 0 ? ENCODINGS[(index / 10) % ENCODINGS.length] : 'packed',
      WebSocket: Noted as unknown as SocketConstructor,
    });
    this.subscription = this.client.subscribe({ symbols, mode: 'every', snapshot: false }, (tick) => {
      this.#losses = 0;
      this.ledger.add(tick);
    });
    this.ledger.follow(this.subscription);
    this.subscription.on('subscribed', () => this.subscribed++);
    this.subscription.on('error', () => this.busy++);
    this.subscription.ready.catch((error: Error) => this.#blame(`it ended: ${error.message}`));
    this.client.on('heartbeat', () => {
      this.#losses = 0;
    });
    this.client.on('open', () => this.#concluded());
    this.client.on('close', (event) => this.#lost(event));
  }

  #attempted(): void {
    const now = performance.now();
    this.#attemptAtMs = now;
    if (this.#dueAtMs === 0) return;
    const lateMs = now - this.#dueAtMs;
    this.#dueAtMs = 0;
    this.attempts++;
    this.attemptsMax = Math.max(this.attemptsMax, this.attempts);
    this.lateMsMax = Math.max(this.lateMsMax, lateMs);
    this.earlyMsMax = Math.max(this.earlyMsMax, -lateMs);
  }

  #concluded(): void {
    if (this.#attemptAtMs !== 0) {
      this.attemptMsMax = Math.max(this.attemptMsMax, performance.now() - this.#attemptAtMs);
    }
    this.#attemptAtMs = 0;
  }

  #lost({ code, reason, retryMs }: { code: number; reason: string; retryMs: number | undefined }): void {
    this.#concluded();
    if (retryMs === undefined) {
      this.#blame(`it gave up: ${code} ${reason}`);
      return;
    }
    this.#dueAtMs = performance.now() + retryMs;
    const hintMs = Number(/retry in (\d+) ms$/.exec(reason)?.[1] ?? 0);
    const bound = Math.min(MAX_DELAY_MS, INITIAL_DELAY_MS * 2 ** this.#losses++);
    if (retryMs < hintMs || retryMs > hintMs + Math.max(bound, hintMs)) {
      this.#blame(`loss ${this.#losses} (${code} ${reason}): a delay of ${retryMs} ms`);
    }
  }

  #blame(what: string): void {
    this.wrong ||= what;
  }
}

const sum = (counts: number[]) => counts.reduce((a, b) => a + b, 0);
const most = (counts: number[]) => counts.reduce((a, b) => Math.max(a, b), 0);
const soon = (ms = 20) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(holds: () => boolean | Promise<boolean>, ms = 20): Promise<void> {
  while (!(await holds())) await soon(ms);
}

/** Memory of its own that a process had at most since the last `reset`, in bytes. */
function watchMemory(t: Test, pid: () => number) {
  const look = () => {
    const status = readFileSync(`/proc/${pid()}/status`, 'utf8');
    // A process that was just killed has none.
    watch.most = Math.max(watch.most, Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024);
  };
  const watch = {
    most: 0,
    reset: () => {
      watch.most = 0;
      look();
      return watch.most;
    },
  };
  const timer = setInterval(() => {
    try {
      look();
    } catch {
      // Between two lives there is no process.
    }
  }, 100);
  t.teardown(() => clearInterval(timer));
  return watch;
}

/** The longest that this loop stood still, in milliseconds. */
function watchLoop(t: Test) {
  const loop = { stillMsMax: 0 };
  let lookedAtMs = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    loop.stillMsMax = Math.max(loop.stillMsMax, now - lookedAtMs);
    lookedAtMs = now;
  }, 10);
  t.teardown(() => clearInterval(timer));
  return loop;
}

t.test('2,000 clients are cut at once, twice, and resume', { timeout: 230_000, skip }, async (t) => {
  const data = temporaryFolder(t);
  const config = join(temporaryFolder(t), 'tickwire.json');
  const settings = {
    http: { limits: { connections: 2 * CLIENTS, connectionsPerAddress: 2 * CLIENTS } },
    feeds: [{ name: 'market', type: 'synthetic', options: { rate: RATE, symbols: SYMBOLS } }],
  };
  writeFileSync(config, JSON.stringify(settings));
  const start = (): Promise<{ server: Running; port: number }> =>
    serve(t, ['--data', data, '--config', config]);
  let { server, port } = await start();
  let ask = asker(port);
  const get = async (path: string) => JSON.parse((await ask(path)).body);
  let names: string[] = [];
  await until(async () => {
    const { symbols } = (await get('/v1/symbols')) as { symbols: { symbol: string }[] };
    names = symbols.map(({ symbol }) => symbol);
    return names.length === SYMBOLS;
  });

  const proxy = new TcpProxy(await lastingPort(), port);
  t.teardown(() => proxy.cut());
  await proxy.listen();
  const url = `ws://127.0.0.1:${proxy.port}/v1/stream`;
  const loop = watchLoop(t);
  const members = Array.from({ length: CLIENTS }, (_, i) => {
    const symbols = names.filter((_, s) => s % GROUPS === i % GROUPS);
    return new Member(url, symbols, i);
  });
  t.teardown(() => {
    for (const { client } of members) client.close();
  });
  for (let at = 0; at < CLIENTS; at += 100) {
    await Promise.all(members.slice(at, at + 100).map(({ client }) => client.connect()));
  }
  await Promise.all(members.map(({ subscription }) => subscription.ready));
  const allReceive = () => {
    const before = members.map(({ ledger }) => ledger.ticks.count);
    return until(() => members.every(({ ledger }, i) => ledger.ticks.count > before[i]));
  };
  await allReceive();

  const memory = watchMemory(t, () => server.child.pid!);
  const calmBytes = memory.reset();
  const storm = async (name: string, strike: () => Promise<void>) => {
    const [subscribed, busy] = [members.map((m) => m.subscribed), sum(members.map((m) => m.busy))];
    for (const member of members) member.attempts = member.attemptsMax = 0;
    memory.reset();
    await strike();
    const startedAt = performance.now();
    const backMs = new Array<number>(CLIENTS).fill(0);
    await until(() => {
      members.forEach((member, i) => {
        if (member.subscribed > subscribed[i]) backMs[i] ||= performance.now() - startedAt;
      });
      return members.every((member, i) => backMs[i] > 0 || member.wrong !== '');
    });
    const attempts = members.map(({ attemptsMax }) => attemptsMax);
    backMs.sort((a, b) => a - b);
    const mega = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
    t.comment(
      `${name}: half were back after ${backMs[CLIENTS / 2].toFixed(0)} ms, all after ${backMs.at(-1)!.toFixed(0)} ms; ${sum(attempts)} attempts, at most ${most(attempts)} of one client; ${sum(members.map((m) => m.busy)) - busy} told busy; server ${mega(calmBytes)}, at most ${mega(memory.most)}`,
    );
    t.ok(most(attempts) <= ATTEMPTS_MAX, `${name}: no client tried more often than ${ATTEMPTS_MAX} times`);
    t.ok(Math.min(...attempts) > 0, `${name}: every client was cut`);
    t.ok(memory.most - calmBytes < SERVER_GROWTH_BYTES_MAX, `${name}: the server did not grow much`);
    await allReceive();
  };

  await storm('a cut', async () => {
    t.equal(proxy.cut(), CLIENTS, 'all connections were cut at once');
    await soon(REFUSED_MS);
    await proxy.listen();
  });
  await storm('a killed server', async () => {
    await server.stop('SIGKILL');
    ({ server, port } = await start());
    ask = asker(port);
    proxy.target = port;
  });

  const { shards } = (await get('/v1/pipeline')) as { shards: { head: number }[] };
  const heads = shards.map(({ head }) => head);
  await until(() =>
    members.every(({ subscription: { cursor }, wrong }) => {
      const { epoch, seqs } = cursorFromText(cursor!)!;
      return wrong !== '' || (epoch === 2 && seqs[0] >= heads[0]);
    }),
  );
  // What follows takes this loop's time, and no attempt is made any more.
  const { stillMsMax } = loop;
  for (const { client } of members) client.close();
  const stopped = await server.stop('SIGTERM');
  t.equal(stopped.code, 0, 'the server stopped cleanly');
  const totals = JSON.parse(stopped.stdout.trim().split('\n').at(-1)!);
  assertSums(t, totals, { logged: true });
  t.match(totals, { dropped: 0, conflated: 0, shed: 0 }, 'the feed lost nothing');
  const log = await WholeLog.read(data);
  const verdicts = members.map(({ ledger, symbols }) => log.differs(ledger, { symbols, heads }));

  const received = sum(members.map(({ ledger }) => ledger.ticks.count));
  const withdrawn = sum(members.map(({ ledger }) => ledger.withdrawn));
  const lateMs = most(members.map(({ lateMsMax }) => lateMsMax));
  const earlyMs = most(members.map(({ earlyMsMax }) => earlyMsMax));
  const attemptMs = most(members.map(({ attemptMsMax }) => attemptMsMax));
  t.comment(
    `${received} ticks received of ${log.length} in the log, ${withdrawn} withdrawn; the latest attempt came ${lateMs.toFixed(0)} ms after its time, the longest took ${attemptMs.toFixed(0)} ms; this loop stood still for ${stillMsMax.toFixed(0)} ms at most`,
  );
  t.same(
    members.map(({ wrong }) => wrong).filter((wrong) => wrong !== ''),
    [],
    'every delay was within the documented bounds, and nobody gave up',
  );
  t.same(
    verdicts.filter((verdict) => verdict !== ''),
    [],
    'every client has each tick of its symbols exactly once, in order',
  );
  t.ok(lateMs <= stillMsMax + SLACK_MS, 'every attempt was made when its delay was over');
  // A timer counts in whole milliseconds, from when its loop last looked at the clock.
  t.ok(earlyMs <= stillMsMax + 2, 'and none before');
  t.ok(attemptMs <= CONNECT_TIMEOUT_MS + stillMsMax + SLACK_MS, 'no attempt hung');
  t.equal(sum(members.map(({ subscription }) => subscription.repeats)), 0, 'nothing came twice');
});
