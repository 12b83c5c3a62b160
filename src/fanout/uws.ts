/**
 * The only file that knows uWebSockets.js. The package is an unofficial republication of it on npm; to use
 * the official release, point the dependency `uWebSockets.js` at it: nothing else changes.
 */

import uws from 'uWebSockets.js';
import { createServer } from 'node:net';
import { codeOf, messageOf, TickwireError } from '../errors.js';

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
 * @throws TickwireError port_taken; bad_config for an address that is none of this machine
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
      void whyNot(host, port).then(reject);
    });
  });
}

/** Why an address cannot be listened on: uWebSockets does not tell, the operating system does. */
function whyNot(host: string, port: number): Promise<TickwireError> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error) => resolve(refusalOf(host, port, error)));
    probe.listen({ host, port, exclusive: true }, () =>
      // Whoever had it has left meanwhile.
      probe.close(() => resolve(refusalOf(host, port, Object.assign(new Error(), { code: 'EADDRINUSE' })))),
    );
  });
}

function refusalOf(host: string, port: number, error: Error): TickwireError {
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return new TickwireError('port_taken', `Cannot listen on ${host}:${port}: the port is taken.`);
    case 'EACCES':
      return new TickwireError(
        'bad_config',
        `http.port: this user may not listen on port ${port}; take one from 1024.`,
      );
    case 'EADDRNOTAVAIL':
      return new TickwireError('bad_config', `http.host: ${host} is no address of this machine.`);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new TickwireError('bad_config', `http.host: the name ${host} has no address.`);
    default:
      return new TickwireError('bad_config', `http.host: cannot listen on ${host}: ${messageOf(error)}.`);
  }
}

export function closeListenSocket(socket: ListenSocket): void {
  uws.us_listen_socket_close(socket);
}

export const NO_COMPRESSION = uws.DISABLED;
