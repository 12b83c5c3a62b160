/** A connection from the publisher to a server: many small parts go out in few writes. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { PUBLISHER_BYTES_MAX } from './peer.js';

const CHUNK_BYTES = 256 * 1024;

export class Outflow {
  #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  /** Where in the chunk begins what is not yet sent, and where it ends. */
  #from = 0;
  #end = 0;

  private constructor(readonly socket: Socket) {
    socket.on('error', () => {});
  }

  static async connect(port: number): Promise<Outflow> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    return new Outflow(socket);
  }

  onData(take: (data: Buffer) => void): void {
    this.socket.on('data', take);
  }

  /** Sends now. */
  write(bytes: Buffer): void {
    this.add(bytes);
    this.flush();
  }

  /** Copies bytes to those that are sent with the next flush. */
  add(bytes: Buffer): void {
    if (this.#end + bytes.length > CHUNK_BYTES) {
      this.flush();
      this.#renew();
    }
    if (bytes.length > CHUNK_BYTES) {
      this.socket.write(bytes);
      return;
    }
    bytes.copy(this.#chunk, this.#end);
    this.#end += bytes.length;
  }

  flush(): void {
    if (this.#end === this.#from) return;
    this.socket.write(this.#chunk.subarray(this.#from, this.#end));
    this.#from = this.#end;
  }

  /** What was written stays the socket's until it is out. */
  #renew(): void {
    this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    this.#from = 0;
    this.#end = 0;
  }

  isFull(): boolean {
    return this.socket.writableLength > PUBLISHER_BYTES_MAX;
  }

  end(): void {
    this.socket.destroy();
  }
}
