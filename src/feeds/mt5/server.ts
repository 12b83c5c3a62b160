/**
 * The MT5 port: a TCP server that terminals stream their ticks to. It can make them wait, so its policy is
 * `block`: a full ring pauses the sockets, TCP makes the terminals stop, and they keep their ticks until
 * those are acknowledged, which happens only once the log has them.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { badConfig, check } from '../../core/check-settings.js';
import { codeOf, messageOf, TickwireError } from '../../core/errors.js';
import {
  MT5_CONNECTIONS_MAX,
  MT5_GREETING_MAX,
  MT5_GREETING_PER_ADDRESS_MAX,
  MT5_NAME_BYTES_MAX,
  MT5_SERVER_BYTES_MAX,
} from '../../core/limits.js';
import { Lobby } from '../../core/lobby.js';
import type { Feed, FeedContext, FeedStatus } from '../connector/feed.js';
import { ServerClock } from '../mql/server-clock.js';
import { Connection, type ConnectionHost } from './connection.js';
import { Farewells } from './farewells.js';
import type { Hello } from './framing.js';
import { Mt5Intake } from './intake.js';
import { type Mt5Options, type Mt5Settings, mt5Options } from './options.js';
import { Refusal } from './refusal.js';
import type { TerminalSource } from './sources.js';

export class Mt5Server implements Feed, ConnectionHost {
  readonly #settings: Mt5Settings;
  readonly #connections = new Set<Connection>();
  /** Connections that wait for room, in the order in which they get it. */
  readonly #blocked = new Set<Connection>();
  #intake!: Mt5Intake;
  readonly #counters: Record<string, number> = {};
  #context!: FeedContext;
  #server: Server | undefined;
  #timers: NodeJS.Timeout[] = [];
  #accepted = 0;
  readonly #lobby = new Lobby<Connection>({
    inAll: MT5_GREETING_MAX,
    perAddress: MT5_GREETING_PER_ADDRESS_MAX,
  });
  readonly farewells = new Farewells();
  #state: FeedStatus['state'] = 'starting';
  #failure = '';
  #pumping: Promise<void> | undefined;

  /** @throws TickwireError bad_config */
  constructor(options: Mt5Options = {}) {
    const { value, faults } = check(mt5Options, options);
    if (value === undefined) throw badConfig(faults);
    this.#settings = value;
  }

  get idleTimeoutMs(): number {
    return this.#settings.idleTimeoutMs;
  }

  /** The port that it listens on. */
  get port(): number {
    const address = this.#server?.address();
    return typeof address === 'object' && address !== null ? address.port : this.#settings.port;
  }

  async start(context: FeedContext): Promise<void> {
    this.attach(context);
    this.#state = 'starting';
    const server = createServer({ noDelay: true }, (socket) => this.accept(socket));
    this.#server = server;
    await this.#listen(server);
    server.on('error', (error) => this.#fail(error));
    const { idleTimeoutMs, ackIntervalMs } = this.#settings;
    this.#timers = [
      setInterval(() => this.#acknowledge(), ackIntervalMs),
      setInterval(() => this.#dropSilent(), Math.min(1000, idleTimeoutMs / 4)),
      setInterval(() => this.#heartbeat(), idleTimeoutMs / 3),
    ];
    this.#state = 'live';
    context.log.info({ host: this.#settings.host, port: this.port }, 'MT5 port is open');
  }

  /** Begins without a port: connections come by `accept`, and nobody is taken for gone. */
  attach(context: FeedContext): void {
    this.#context = context;
    this.#intake = new Mt5Intake(context, () => this.#state === 'paused');
    this.#state = 'live';
  }

  async stop(): Promise<void> {
    this.#state = 'ended';
    if (this.#server === undefined) return;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#pumping;
    const server = this.#server;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const connection of [...this.#connections]) connection.bye('the port closes');
    this.#intake.sources.announceAll();
    this.#intake.sink.commit();
    await closed;
  }

  pause(): void {
    if (this.#state === 'live') this.#state = 'paused';
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'live';
    this.#pump();
  }

  status(): FeedStatus {
    const sources = this.#intake?.sources.connected ?? 0;
    const { host } = this.#settings;
    const detail =
      this.#failure ||
      `${sources} terminal(s) on ${host}:${this.port}, ${this.#blocked.size} of them waiting for room`;
    return { state: this.#state, detail, sources, counters: { ...this.#counters } };
  }

  admit(connection: Connection, hello: Hello): TerminalSource {
    const { secret } = this.#settings;
    const { sources } = this.#intake;
    if (secret !== undefined && !isSame(secret, hello.secret)) {
      throw new Refusal('unauthorised', "The secret in the hello is not this port's.");
    }
    checkText('source name', hello.name, 1, MT5_NAME_BYTES_MAX);
    checkText('name of the trade server', hello.server, 0, MT5_SERVER_BYTES_MAX);
    let clock: ServerClock;
    try {
      clock = new ServerClock(hello.zone);
    } catch (error) {
      throw new Refusal('bad_hello', messageOf(error));
    }
    // A terminal may come back while its old connection still seems alive: the newest wins.
    for (const rival of sources.rivals(hello)) {
      rival.refuse(
        new Refusal('taken_over', `Another connection took over as ${JSON.stringify(hello.name)}.`),
      );
    }
    if (sources.connected >= MT5_CONNECTIONS_MAX) {
      throw new Refusal(
        'limit_exceeded',
        `${MT5_CONNECTIONS_MAX} terminals are connected; no more are taken.`,
      );
    }
    const terminal = sources.open(hello, clock, connection);
    this.#lobby.leave(connection);
    this.count('hellos');
    this.#context.log.info(
      { source: hello.name, server: hello.server, peer: connection.peer },
      'terminal is up',
    );
    return terminal;
  }

  blocked(connection: Connection): void {
    this.count('waits');
    this.#blocked.add(connection);
    this.#pump();
  }

  left(connection: Connection): void {
    this.#intake.closed(connection.number);
    this.#connections.delete(connection);
    this.#blocked.delete(connection);
    this.#lobby.leave(connection);
    if (connection.gaps > 0) this.#counters.gaps = (this.#counters.gaps ?? 0) + connection.gaps;
    this.#tellRefused(connection);
    const terminal = connection.source;
    if (terminal === undefined || terminal.connection !== connection) return;
    terminal.connection = undefined;
    this.#context.log.info({ source: terminal.name }, 'terminal is down');
    if (this.#intake.announce(terminal)) this.#intake.sink.commit();
    else this.#pump();
  }

  /** The terminal gets an error for each definition that was refused; the operator's log says what that cost. */
  #tellRefused({ refusedTicks, source }: Connection): void {
    if (refusedTicks === 0) return;
    this.#counters.refused_symbol_ticks = (this.#counters.refused_symbol_ticks ?? 0) + refusedTicks;
    this.warn(
      { source: source?.name, ticks: refusedTicks },
      `${refusedTicks} ticks were lost: the definitions of their symbols were refused. Give such symbols other names by "aliases" of this feed.`,
    );
  }

  count(what: string): void {
    this.#counters[what] = (this.#counters[what] ?? 0) + 1;
  }

  warn(details: object, message: string): void {
    this.#context.log.warn(details, message);
  }

  /** Takes a terminal's connection. */
  accept(socket: Socket): Connection {
    const connection = new Connection(this, this.#intake, socket, ++this.#accepted);
    this.#intake.opened(connection.number, connection.peer);
    this.count('connections');
    this.#connections.add(connection);
    this.#lobby
      .enter(connection)
      ?.refuse(
        new Refusal('limit_exceeded', 'Too many connections have not said hello, this one for longest.'),
      );
    return connection;
  }

  /** Gives room to those that wait for it, until none does. */
  #pump(): void {
    this.#pumping ??= this.#serveBlocked().finally(() => {
      this.#pumping = undefined;
      // Somebody may have come to wait between the last look and here.
      if (this.#state === 'live' && this.#blocked.size > 0) this.#pump();
    });
  }

  async #serveBlocked(): Promise<void> {
    const { sink, sources } = this.#intake;
    while (this.#state === 'live' && (this.#blocked.size > 0 || sources.owesStatus)) {
      await sink.room();
      sink.stamp();
      sources.announceAll();
      for (const connection of [...this.#blocked]) {
        this.#blocked.delete(connection);
        // A connection that is still blocked goes to the end, so that all get their turn.
        if (connection.work()) connection.socket.resume();
        else this.#blocked.add(connection);
      }
    }
  }

  #acknowledge(): void {
    for (const connection of this.#connections) connection.acknowledge();
  }

  #heartbeat(): void {
    for (const connection of this.#connections) connection.heartbeat();
  }

  /** Closes who is silent; asked again after a turn of the loop, lest its own delay be taken for their silence. */
  #dropSilent(): void {
    const suspects = [...this.#connections].filter((connection) => this.#isSilent(connection));
    if (suspects.length === 0) return;
    setImmediate(() => {
      for (const suspect of suspects) {
        if (suspect.isClosed || !this.#isSilent(suspect)) continue;
        const what = suspect.source === undefined ? 'No hello came' : 'Nothing was heard';
        suspect.refuse(new Refusal('idle', `${what} for ${suspect.patienceMs} ms.`));
      }
    });
  }

  #isSilent(connection: Connection): boolean {
    // One that is made to wait is not read, so nothing can be heard of it.
    if (connection.isBlocked) connection.heardMs = performance.now();
    return performance.now() - connection.heardMs > connection.patienceMs;
  }

  async #listen(server: Server): Promise<void> {
    const { host, port } = this.#settings;
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, () => {
          server.off('error', reject);
          resolve();
        });
      });
    } catch (error) {
      if (codeOf(error) === 'EADDRINUSE') {
        throw new TickwireError('port_taken', `MT5 port ${host}:${port} is taken by another program.`);
      }
      throw new TickwireError(
        'bad_config',
        `MT5 port ${host}:${port} cannot be opened: ${messageOf(error)}.`,
      );
    }
  }

  #fail(error: Error): void {
    this.#state = 'failed';
    this.#failure = `The MT5 port failed: ${error.message}`;
    this.#context.log.error({ error: error.message }, 'the MT5 port failed');
  }
}

/** @throws Refusal bad_hello */
function checkText(what: string, text: string, bytesMin: number, bytesMax: number): void {
  const bytes = Buffer.byteLength(text);
  if (bytes >= bytesMin && bytes <= bytesMax && !/\p{Cc}/u.test(text)) return;
  throw new Refusal('bad_hello', `A ${what} has ${bytesMin} to ${bytesMax} bytes and no control characters.`);
}

/** Compares in a time that does not depend on where two secrets differ. */
function isSame(a: string, b: string): boolean {
  const digest = (s: string): Buffer => createHash('sha256').update(s).digest();
  return timingSafeEqual(digest(a), digest(b));
}
