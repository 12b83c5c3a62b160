/** A WebSocket client by hand: it sends any bytes, answers pings only on request, and may stop reading. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface FrameOptions {
  final?: boolean;
  masked?: boolean;
  /** Reserved bits. */
  reserved?: number;
  /** What the header says, whatever the payload has. */
  length?: number;
}

/** One frame as a client sends it; the mask is zero, so that the payload stays readable. */
export function frame(opcode: number, payload: Uint8Array | string, options: FrameOptions = {}): Buffer {
  const { final = true, masked = true, reserved = 0 } = options;
  const body = Buffer.from(payload as Uint8Array);
  const length = options.length ?? body.length;
  const head = Buffer.alloc(14);
  head[0] = (final ? 0x80 : 0) | (reserved << 4) | opcode;
  const mask = masked ? 0x80 : 0;
  let at = 2;
  if (length < 126) head[1] = mask | length;
  else if (length < 0x10000) {
    head[1] = mask | 126;
    head.writeUInt16BE(length, 2);
    at = 4;
  } else {
    head[1] = mask | 127;
    head.writeUInt32BE(Math.floor(length / 2 ** 32), 2);
    head.writeUInt32BE(length % 2 ** 32, 6);
    at = 10;
  }
  return Buffer.concat([head.subarray(0, at + (masked ? 4 : 0)), body]);
}

export class RawSocket {
  /** Opcodes of the frames that came, in order. */
  readonly opcodes: number[] = [];
  closeCode: number | undefined;
  closeReason = '';
  /** Gets every text and binary message. */
  onMessage: (payload: Buffer, isText: boolean) => void = () => {};
  /** The server has ended the connection, with or without a closing handshake. */
  ended = false;
  #rest = Buffer.alloc(0);

  private constructor(
    readonly socket: Socket,
    readonly answersPings: boolean,
  ) {
    socket.on('data', (data: Buffer) => this.#take(data));
    socket.on('end', () => this.#end());
    socket.on('close', () => this.#end());
    socket.on('error', () => this.#end());
  }

  /** Connects and upgrades. */
  static async open(
    port: number,
    protocol: string,
    answersPings: boolean,
    onMessage: RawSocket['onMessage'] = () => {},
  ): Promise<RawSocket> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    await once(socket, 'connect');
    const lines = [
      'GET /v1/stream HTTP/1.1',
      'Host: 127.0.0.1',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Protocol: ${protocol}`,
    ];
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    const end = answer.indexOf('\r\n\r\n') + 4;
    const raw = new RawSocket(socket, answersPings);
    raw.onMessage = onMessage;
    if (answer.length > end) raw.#take(answer.subarray(end));
    return raw;
  }

  send(...frames: Uint8Array[]): void {
    if (!this.ended) this.socket.write(Buffer.concat(frames));
  }

  #end(): void {
    this.ended = true;
    this.socket.destroy();
  }

  #take(data: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, data]);
    for (;;) {
      const rest = this.#rest;
      if (rest.length < 2) return;
      const short = rest[1] & 0x7f;
      const at = short === 127 ? 10 : short === 126 ? 4 : 2;
      if (rest.length < at) return;
      const length = short === 127 ? rest.readUInt32BE(6) : short === 126 ? rest.readUInt16BE(2) : short;
      if (rest.length < at + length) return;
      this.#rest = rest.subarray(at + length);
      this.#frame(rest[0] & 0x0f, rest.subarray(at, at + length));
    }
  }

  #frame(opcode: number, payload: Buffer): void {
    this.opcodes.push(opcode);
    if (opcode === Opcode.ping && this.answersPings) this.send(frame(Opcode.pong, payload));
    if (opcode === Opcode.text || opcode === Opcode.binary) this.onMessage(payload, opcode === Opcode.text);
    if (opcode === Opcode.close && payload.length >= 2) {
      this.closeCode = payload.readUInt16BE(0);
      this.closeReason = payload.subarray(2).toString('utf8');
    }
  }
}
