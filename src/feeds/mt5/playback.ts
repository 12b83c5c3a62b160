/** Plays captured connections of the MT5 port through its own code, with sockets that lead nowhere. */
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { CaptureKind } from '../capture/format.js';
import type { CaptureEntry, CapturePlayback, FeedContext } from '../connector/feed.js';
import type { Connection } from './connection.js';
import type { Mt5Options } from './options.js';
import { Mt5Server } from './server.js';

/** What a connection asks of its socket; answers go nowhere. */
class DeadSocket extends EventEmitter {
  readonly writableLength = 0;
  readonly remotePort = 0;

  constructor(readonly remoteAddress: string) {
    super();
  }

  write(): boolean {
    return true;
  }
  end(): void {}
  pause(): void {}
  resume(): void {}
  destroy(): void {}
}

export class Mt5Playback implements CapturePlayback {
  readonly #server: Mt5Server;
  readonly #connections = new Map<number, { connection: Connection; socket: DeadSocket }>();
  #last: Connection | undefined;

  constructor(options: Mt5Options, context: FeedContext) {
    this.#server = new Mt5Server(options);
    this.#server.attach(context);
  }

  take({ kind, channel, payload }: CaptureEntry): boolean {
    if (kind === CaptureKind.opened) {
      const socket = new DeadSocket(payload.toString('utf8'));
      const connection = this.#server.accept(socket as unknown as Socket);
      this.#connections.set(channel, { connection, socket });
      return true;
    }
    const known = this.#connections.get(channel);
    if (known === undefined) return true;
    if (kind === CaptureKind.closed) {
      this.#connections.delete(channel);
      known.socket.emit('close');
      return true;
    }
    this.#last = known.connection;
    // The reader keeps what it is given, and the entry does not last.
    known.socket.emit('data', Buffer.from(payload));
    return !known.connection.isBlocked;
  }

  goOn(): boolean {
    return this.#last?.work() ?? true;
  }
}
