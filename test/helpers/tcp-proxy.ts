/** A TCP proxy on loopback that can cut every connection at once, and refuse new ones. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Connections that may wait to be accepted: all clients may come at once. */
const BACKLOG = 4_096;

export class TcpProxy {
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  /**
   * @param port that clients connect to
   * @param target port of the server; it may change, for connections opened from then on
   */
  constructor(
    readonly port: number,
    public target: number,
  ) {}

  /** Connections of clients at present. */
  get connections(): number {
    return this.#sockets.size / 2;
  }

  async listen(): Promise<void> {
    this.#server = createServer((front) => this.#join(front, connect(this.target, '127.0.0.1')));
    this.#server.listen(this.port, '127.0.0.1', BACKLOG);
    await once(this.#server, 'listening');
  }

  /** Resets every connection and refuses new ones until `listen`. Returns how many it cut. */
  cut(): number {
    const { connections } = this;
    this.#server?.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    return connections;
  }

  #join(front: Socket, back: Socket): void {
    for (const [from, to] of [
      [front, back],
      [back, front],
    ]) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.pipe(to);
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
