/** Closes connections so that their peers can still read why; a bounded number of them at a time. */
import type { Socket } from 'node:net';
import { MT5_FAREWELLS_MAX } from '../../core/limits.js';

/** Milliseconds that a closed peer has to read why. */
const FAREWELL_MS = 500;

export class Farewells {
  #open = 0;

  /**
   * Sends a last frame, and closes. The socket is read on, into nothing: closed with bytes unread it would be reset, and
   * the peer might never see the frame. With too many closing already, the peer gets no reason.
   */
  close(socket: Socket, frame: Buffer): void {
    if (this.#open >= MT5_FAREWELLS_MAX) {
      socket.destroy();
      return;
    }
    this.#open++;
    socket.once('close', () => this.#open--);
    socket.end(frame);
    socket.resume();
    setTimeout(() => socket.destroy(), FAREWELL_MS).unref();
  }
}
