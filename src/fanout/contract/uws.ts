/**
 * The only file that imports uWebSockets.js. The npm package is an unofficial republication. To use the official release,
 * point the dependency `uWebSockets.js` at it; nothing else changes.
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
 * Loads uWebSockets.js at its first use. It is a binary for some versions of Node and glibc, and everything but the
 * fan-out works without it.
 * @throws TickwireError unsupported if it does not load
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

/** `LIBUS_LISTEN_EXCLUSIVE_PORT` of uSockets. */
const EXCLUSIVE_PORT = 1;

/** An overload of `listen` with host and options, which the typings lack. */
type ListenWithOptions = (
  host: string,
  port: number,
  options: uws.ListenOptions,
  done: (socket: uws.us_listen_socket | false) => void,
) => uws.TemplatedApp;

/**
 * Listens on an exclusive port: by default the operating system would let two servers share the port.
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

/** Why listening failed. uWebSockets gives no reason, so a plain TCP server tries the same address. */
function whyNot(host: string, port: number): Promise<TickwireError> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error) => resolve(refusalOf(host, port, error)));
    probe.listen({ host, port, exclusive: true }, () =>
      // Another server had the port and has freed it meanwhile.
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

/** `DISABLED` of uWebSockets.js, copied because it is needed before the package is loaded. */
export const NO_COMPRESSION = 0;
