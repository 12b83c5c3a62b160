/**
 * One terminal's connection: it reads frames, puts their ticks into the sink and answers. When the rings are
 * full it stops where it is, in the middle of a batch if need be, and pauses the socket; the server calls
 * `work` again when there is room. So it holds at most one chunk and one frame.
 */
import type { Socket } from 'node:net';
import { addressKey } from '../../core/address.js';
import { messageOf, TickwireError } from '../../core/errors.js';
import {
  MT5_FRAME_BYTES_MAX,
  MT5_HELLO_BYTES_MAX,
  MT5_HELLO_MS,
  MT5_SYMBOLS_MAX,
  MT5_UNREAD_BYTES_MAX,
} from '../../core/limits.js';
import { BatchReader } from './batch.js';
import type { Farewells } from './farewells.js';
import { FieldReader, FRAME_HEADER_BYTES } from './fields.js';
import {
  decodeBye,
  decodeHello,
  decodeSymbol,
  encodeAck,
  encodeBye,
  encodeError,
  encodeWelcome,
  FrameType,
  HEARTBEAT,
  type Hello,
  type SymbolFrame,
} from './framing.js';
import type { Mt5Intake } from './intake.js';
import { FrameReader } from './reader.js';
import { REFUSALS, Refusal, Severity } from './refusal.js';
import type { TerminalSource } from './sources.js';

/** What a connection needs of its server, besides the intake. */
export interface ConnectionHost {
  readonly idleTimeoutMs: number;
  readonly farewells: Farewells;
  /** Checks a hello and opens its source. @throws Refusal */
  admit(connection: Connection, hello: Hello): TerminalSource;
  /** The connection found the rings full. */
  blocked(connection: Connection): void;
  /** The connection is over. */
  left(connection: Connection): void;
  count(what: string): void;
  warn(details: object, message: string): void;
}

export class Connection {
  /** Set once the hello was accepted. */
  source: TerminalSource | undefined;
  isClosed = false;
  heardMs = performance.now();
  /** What its bounds go by. */
  readonly address: string;
  readonly #reader = new FrameReader(MT5_HELLO_BYTES_MAX);
  readonly #batches: BatchReader;
  /** A frame was begun and not finished. */
  #isInFrame = false;
  #acked = 0;
  #hasToldBadTime = false;
  #isBlocked = false;

  /** @param number by which a capture knows it */
  constructor(
    readonly host: ConnectionHost,
    readonly intake: Mt5Intake,
    readonly socket: Socket,
    readonly number: number,
  ) {
    this.address = addressKey(socket.remoteAddress ?? '');
    this.#batches = new BatchReader(intake.sink);
    socket.on('data', (chunk) => this.#onData(chunk));
    socket.on('error', () => host.count('socketErrors'));
    socket.on('close', () => this.#leave());
  }

  /** Milliseconds of silence after which it is closed. */
  get patienceMs(): number {
    const { idleTimeoutMs } = this.host;
    return this.source === undefined ? Math.min(MT5_HELLO_MS, idleTimeoutMs) : idleTimeoutMs;
  }

  /** Batches that did not start where the last one ended. */
  get gaps(): number {
    return this.#batches.gaps;
  }

  /** Ticks of symbols whose definition was refused. */
  get refusedTicks(): number {
    return this.#batches.refusedTicks;
  }

  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  get peer(): string {
    return `${this.socket.remoteAddress}:${this.socket.remotePort}`;
  }

  /**
   * Consumes what has come, until there is no more or the rings are full (false).
   * @param chunk what came just now
   */
  work(chunk?: Uint8Array): boolean {
    if (this.isClosed) return true;
    const isDone = this.intake.run(this.number, chunk, this.#take);
    this.#isBlocked = !isDone && !this.isClosed;
    return !this.#isBlocked;
  }

  /** Takes frames until there are no more or the rings are full (false). A faulty frame ends the connection. */
  readonly #take = (): boolean => {
    try {
      return this.#frames(this.#reader);
    } catch (error) {
      this.#refuse(error);
      return true;
    }
  };

  /** Tells the terminal what has become durable. */
  acknowledge(): void {
    if (this.isClosed || this.source === undefined) return;
    const durable = this.intake.durable(this.source);
    if (durable <= this.#acked || this.socket.writableLength > MT5_UNREAD_BYTES_MAX) return;
    this.#acked = durable;
    this.host.count('acks');
    this.socket.write(encodeAck(durable));
  }

  heartbeat(): void {
    if (this.isClosed || this.source === undefined || this.socket.writableLength > MT5_UNREAD_BYTES_MAX)
      return;
    this.socket.write(HEARTBEAT);
  }

  /** Closes for a fault of the peer, and says why. */
  refuse(refusal: Refusal): void {
    this.host.count(refusal.code);
    this.host.warn({ code: refusal.code, peer: this.peer, source: this.source?.name }, refusal.message);
    this.#end(encodeError(REFUSALS[refusal.code], refusal.code, refusal.message));
  }

  /** Closes because the port does. */
  bye(reason: string): void {
    this.#end(encodeBye(reason));
  }

  #onData(chunk: Buffer): void {
    if (this.isClosed) return;
    // Until its hello is in, a connection has one time-out in all, however slowly it talks.
    if (this.source !== undefined) this.heardMs = performance.now();
    this.#reader.push(chunk);
    if (this.work(chunk)) return;
    this.socket.pause();
    this.host.blocked(this);
  }

  #frames(reader: FrameReader): boolean {
    while (!this.isClosed) {
      if (!this.#isInFrame) {
        if (!reader.next()) return true;
        this.#isInFrame = true;
      }
      if (!this.#frame(reader)) return false;
      this.#isInFrame = false;
    }
    return true;
  }

  /** Consumes the present frame, or as much of it as there is room for (false). */
  #frame(reader: FrameReader): boolean {
    const source = this.source;
    if (source === undefined) {
      this.#hello(reader);
      return true;
    }
    if (!this.intake.announce(source)) return false;
    switch (reader.type) {
      case FrameType.batch:
        return this.#takeBatch(this.#body(reader), source);
      case FrameType.symbol:
        this.#define(source, decodeSymbol(this.#body(reader)));
        return true;
      case FrameType.heartbeat:
        this.#body(reader).done();
        return true;
      case FrameType.bye:
        this.host.count('byes');
        decodeBye(this.#body(reader));
        this.#end(encodeBye('bye'));
        return true;
      default:
        throw new Refusal('bad_framing', `A frame of type ${reader.type} does not come from a terminal.`);
    }
  }

  #takeBatch(body: FieldReader, source: TerminalSource): boolean {
    const isDone = this.#batches.take(body, source);
    const { count, sample } = this.#batches.badTimes;
    if (count > 0 && !this.#hasToldBadTime) {
      this.#hasToldBadTime = true;
      const message = `A tick of ${source.name} is refused: ${sample}. More of this connection are only counted.`;
      this.host.warn({ peer: this.peer, source: source.name }, message);
    }
    return isDone;
  }

  #body(reader: FrameReader): FieldReader {
    return new FieldReader(reader.view, reader.start + FRAME_HEADER_BYTES, reader.end);
  }

  #hello(reader: FrameReader): void {
    if (reader.type !== FrameType.hello) {
      throw new Refusal('bad_framing', `The first frame must be a hello, not one of type ${reader.type}.`);
    }
    const source = this.host.admit(this, decodeHello(this.#body(reader)));
    this.source = source;
    reader.bytesMax = MT5_FRAME_BYTES_MAX;
    this.#acked = this.intake.durable(source);
    this.socket.write(encodeWelcome(this.host.idleTimeoutMs, this.#acked));
    // Without room for it now, the next frame waits for that room.
    this.intake.announce(source);
  }

  #define(source: TerminalSource, symbol: SymbolFrame): void {
    try {
      if (symbol.local >= MT5_SYMBOLS_MAX) {
        throw new TickwireError(
          'limit_exceeded',
          `Local number ${symbol.local} of ${symbol.raw} is too high: they run to ${MT5_SYMBOLS_MAX - 1}.`,
        );
      }
      this.#batches.define(symbol.local, this.intake.define(source, symbol));
    } catch (error) {
      if (!(error instanceof TickwireError)) throw error;
      this.host.count('bad_symbol');
      this.host.warn({ peer: this.peer, source: source.name, symbol: symbol.raw }, error.message);
      // What the number meant before is not what its coming ticks mean.
      this.#batches.refuse(symbol.local);
      if (this.socket.writableLength > MT5_UNREAD_BYTES_MAX) return;
      this.socket.write(encodeError(Severity.notice, 'bad_symbol', error.message));
    }
  }

  #refuse(error: unknown): void {
    this.refuse(error instanceof Refusal ? error : new Refusal('failed', messageOf(error)));
  }

  #end(frame: Buffer): void {
    if (this.isClosed) return;
    this.host.farewells.close(this.socket, frame);
    this.#leave();
  }

  #leave(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.host.left(this);
  }
}
