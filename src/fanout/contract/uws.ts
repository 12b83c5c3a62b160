/**
 * The only file that knows uWebSockets.js. The package is an unofficial republication of it on npm; to use
 * the official release, point the dependency `uWebSockets.js` at it: nothing else changes.
 */

import type uws from 'uWebSockets.js';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { codeOf, messageOf, TickwireError } from '../../core/errors.js';

export type { HttpRequest, HttpResponse, TemplatedApp, WebSocket } from 'uWebSockets.js';
export type SocketContext = uws.us_socket_context_t;
export type ListenSocket = uws.us_listen_socket;

let loaded: typeof uws | undefined;

/**
 * Loads the server at its first use: it is a binary for some versions of Node and of glibc, and all but serving
 * works without it.
 * @throws TickwireError unsupported where it does not load
 */
export function loadServer(): typeof uws {
  try {
    loaded ??= createRequire(import.meta.url)('uWebSockets.js') as typeof uws;
    return loaded;
  } catch (error) {
    throw new TickwireError(
      'unsupported',
      `The server, uWebSockets.js, does not load with Node ${process.versions.node} and ${libc()}: ` +
        'use Node 20, or Node 22 or 24 with glibc 2.38 or newer (Debian 13, Ubuntu 24.04).',
      { cause: error },
    );
  }
}

function libc(): string {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  const { glibcVersionRuntime: version } = header;
  return version === undefined ? `no glibc (${process.platform})` : `glibc ${version}`;
}

export function createApp(): uws.TemplatedApp {
  return loadServer().App();
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
        resolve({ socket, port: loadServer().us_socket_local_port(socket) });
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
  loadServer().us_listen_socket_close(socket);
}

/** Its `DISABLED`, written out as it is needed before anything is loaded. */
export const NO_COMPRESSION = 0;
