/**
 * The only file that knows uWebSockets.js. The package is an unofficial republication of it on npm; to use
 * the official release, point the dependency `uWebSockets.js` at it: nothing else changes.
 */
import uws from 'uWebSockets.js';
import { TickwireError } from '../errors.js';

export type { HttpRequest, HttpResponse, TemplatedApp, WebSocket } from 'uWebSockets.js';
export type SocketContext = uws.us_socket_context_t;
export type ListenSocket = uws.us_listen_socket;

export function createApp(): uws.TemplatedApp {
  return uws.App();
}

/** LIBUS_LISTEN_EXCLUSIVE_PORT. */
const EXCLUSIVE_PORT = 1;

/** The typings leave out the form with host and options that the native side has. */
type ListenWithOptions = (
  host: string,
  port: number,
  options: uws.ListenOptions,
  done: (socket: uws.us_listen_socket | false) => void,
) => uws.TemplatedApp;

/**
 * Listens, on a port of its own: by default the operating system would let two servers share it.
 * @throws TickwireError port_taken
 */
export function listen(
  app: uws.TemplatedApp,
  host: string,
  port: number,
): Promise<{ socket: ListenSocket; port: number }> {
  return new Promise((resolve, reject) => {
    (app.listen as unknown as ListenWithOptions).call(app, host, port, EXCLUSIVE_PORT, (socket) => {
      if (socket !== false) {
        resolve({ socket, port: uws.us_socket_local_port(socket) });
        return;
      }
      reject(
        new TickwireError(
          'port_taken',
          `Cannot listen on ${host}:${port}: the port is taken, or the address is not one of this machine.`,
        ),
      );
    });
  });
}

export function closeListenSocket(socket: ListenSocket): void {
  uws.us_listen_socket_close(socket);
}

export const NO_COMPRESSION = uws.DISABLED;
