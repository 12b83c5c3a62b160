/** A terminal's connection to the port: it says hello, keeps the line alive, and comes back when it breaks. */

import { connect, type Socket } from 'node:net';
import { backoffBoundMs } from '../../core/backoff.js';
import { messageOf } from '../../core/errors.js';
import { MT5_FRAME_BYTES_MAX } from '../../core/limits.js';
import { FieldReader, FRAME_HEADER_BYTES } from './fields.js';
import {
  decodeAck,
  decodeBye,
  decodeError,
  decodeWelcome,
  encodeBye,
  FRAMING_VERSION,
  FrameType,
  HEARTBEAT,
} from './framing.js';
import { FrameReader } from './reader.js';
import { Refusal, Severity } from './refusal.js';

/** Milliseconds that a closing terminal waits for the other side to close too. */
const FAREWELL_MS = 500;

export interface LinkOptions {
  host: string;
  port: number;
  /** Upper bound of the first delay before a reconnect, in milliseconds; it doubles with each failure. Default 100. */
  reconnectMsMin?: number;
  /** Upper bound of any such delay, in milliseconds. Default 5000. */
  reconnectMsMax?: number;
}

/** What the link reports to its terminal. */
export interface LinkEvents {
  /** The port has taken the hello. Throws a Refusal to close the connection. */
  onWelcome(durable: number): void;
  onAck(durable: number): void;
  /** The socket takes bytes again. */
  onDrain(): void;
  /** Refused for good: the link does not come back. */
  onFailed(sentence: string): void;
  /** Anything worth a line in a log. */
  onNote(sentence: string): void;
}

export class TerminalLink {
  /** The socket, while the port has welcomed it. */
  live: Socket | undefined;
  readonly counters = { connects: 0, disconnects: 0, errors: 0 };
  #socket: Socket | undefined;
  #reader = new FrameReader(MT5_FRAME_BYTES_MAX);
  #isClosed = false;
  #attempts = 0;
  #heardMs = 0;
  #retry: NodeJS.Timeout | undefined;
  #pulse: NodeJS.Timeout | undefined;

  constructor(
    readonly options: LinkOptions,
    readonly hello: Buffer,
    readonly events: LinkEvents,
  ) {}

  connect(): void {
    const { host, port } = this.options;
    const socket = connect({ host, port, noDelay: true });
    this.#socket = socket;
    this.#reader = new FrameReader(MT5_FRAME_BYTES_MAX);
    socket.on('connect', () => socket.write(this.hello));
    socket.on('data', (chunk) => this.#onData(chunk, socket));
    socket.on('drain', () => this.events.onDrain());
    socket.on('error', (error) => this.events.onNote(`Connection to ${host}:${port}: ${error.message}`));
    socket.on('close', () => this.#onClose());
  }

  /** Says bye and closes for good. */
  async close(): Promise<void> {
    const isLive = this.live !== undefined;
    const socket = this.#socket;
    this.abandon();
    if (socket === undefined || socket.destroyed) return;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    if (isLive) socket.end(encodeBye('the terminal closes'));
    else socket.destroy();
    const grace = setTimeout(() => socket.destroy(), FAREWELL_MS);
    await closed;
    clearTimeout(grace);
  }

  /** Cuts the connection as a broken network would. */
  cut(): void {
    this.#socket?.destroy();
  }

  /** Never comes back once the present connection is over. */
  abandon(): void {
    this.#isClosed = true;
    this.live = undefined;
    clearTimeout(this.#retry);
    clearInterval(this.#pulse);
  }

  #onData(chunk: Buffer, socket: Socket): void {
    const reader = this.#reader;
    this.#heardMs = performance.now();
    reader.push(chunk);
    try {
      while (!socket.destroyed && reader.next()) {
        const body = new FieldReader(reader.view, reader.start + FRAME_HEADER_BYTES, reader.end);
        this.#frame(reader.type, body, socket);
      }
    } catch (error) {
      this.events.onNote(`The port sent what cannot be read: ${messageOf(error)}`);
      socket.destroy();
    }
  }

  #frame(type: number, body: FieldReader, socket: Socket): void {
    if (type === FrameType.ack) this.events.onAck(decodeAck(body));
    else if (type === FrameType.welcome) this.#welcome(body, socket);
    else if (type === FrameType.error) this.#onError(body);
    else if (type === FrameType.bye) this.events.onNote(`The port said bye: ${decodeBye(body)}`);
    else if (type !== FrameType.heartbeat) {
      throw new Refusal('bad_framing', `A frame of type ${type} does not come from a port.`);
    }
  }

  #welcome(body: FieldReader, socket: Socket): void {
    const { version, idleTimeoutMs, durable } = decodeWelcome(body);
    if (version !== FRAMING_VERSION) throw new Refusal('wrong_version', `It speaks version ${version}.`);
    if (this.#isClosed || this.live !== undefined) return;
    this.live = socket;
    this.#attempts = 0;
    this.counters.connects++;
    this.#pulse = setInterval(() => {
      socket.write(HEARTBEAT);
      this.#cutIfMute(socket, idleTimeoutMs);
    }, idleTimeoutMs / 3);
    this.events.onNote(`Connected to ${this.options.host}:${this.options.port}.`);
    this.events.onWelcome(durable);
  }

  /** A line that is up but mute is as good as cut. Looked at after a turn of the loop, which may itself be late. */
  #cutIfMute(socket: Socket, idleTimeoutMs: number): void {
    if (performance.now() - this.#heardMs <= idleTimeoutMs) return;
    setImmediate(() => {
      if (socket !== this.live || performance.now() - this.#heardMs <= idleTimeoutMs) return;
      this.events.onNote(`Nothing was heard from the port for ${idleTimeoutMs} ms.`);
      socket.destroy();
    });
  }

  #onError(body: FieldReader): void {
    const { severity, code, message } = decodeError(body);
    this.counters.errors++;
    const sentence = `The port says ${code}: ${message}`;
    if (severity !== Severity.final) {
      this.events.onNote(sentence);
      return;
    }
    this.abandon();
    this.#socket?.destroy();
    this.events.onFailed(sentence);
  }

  #onClose(): void {
    clearInterval(this.#pulse);
    if (this.live !== undefined) this.counters.disconnects++;
    this.live = undefined;
    if (this.#isClosed) return;
    const { reconnectMsMin = 100, reconnectMsMax = 5_000 } = this.options;
    const bound = backoffBoundMs(reconnectMsMin, reconnectMsMax, this.#attempts++);
    this.#retry = setTimeout(() => this.connect(), bound / 2 + (bound / 2) * Math.random());
  }
}
