/** Which web pages may use this server, by the `Host` and `Origin` headers that browsers send. */
import { isIP } from 'node:net';

/** Whether a page of this `Origin` may use the server. Clients that are no browsers send no `Origin`, and may. */
export function originAllowed(origin: string, host: string, allowed: readonly string[]): boolean {
  if (origin === '' || allowed.includes('*') || allowed.includes(origin)) return true;
  const at = origin.indexOf('://');
  return at >= 0 && origin.slice(at + 3) === host;
}

/**
 * The names that a server answers to. The owner of a page can make a name resolve to this server's address (DNS
 * rebinding). The page then has the same origin as the server, and only the `Host` header of its requests shows that.
 */
export class HostNames {
  readonly #allowed: ReadonlySet<string>;
  /** Whether every name is allowed. */
  readonly #isOpen: boolean;
  readonly #isLoopback: boolean;

  /** @param address the address that the server listens on; absent: the host listens */
  constructor(address: string | undefined, allowed: readonly string[]) {
    this.#isLoopback = address !== undefined && isLoopback(nameOf(address));
    this.#allowed = new Set([...allowed, ...(address === undefined ? [] : [address])].map(nameOf));
    this.#isOpen = allowed.includes('*') || (!this.#isLoopback && allowed.length === 0);
  }

  /** @param host the `Host` header; empty: the client is no browser, and is allowed */
  allows(host: string): boolean {
    if (this.#isOpen || host === '') return true;
    const name = nameOf(host);
    // An IP address needs no name resolution, so it cannot be rebound.
    return isLoopback(name) || this.#allowed.has(name) || (!this.#isLoopback && isIP(name) !== 0);
  }
}

/** The name in a `Host` header, without port and brackets. */
function nameOf(host: string): string {
  const name = host.trim().toLowerCase();
  if (isIP(name) === 6) return name;
  const bracketed = /^\[(.*)\](?::\d*)?$/.exec(name);
  if (bracketed !== null) return bracketed[1];
  return name.replace(/:\d*$/, '').replace(/\.$/, '');
}

function isLoopback(name: string): boolean {
  if (name === 'localhost' || name.endsWith('.localhost') || name === '::1') return true;
  return isIP(name.replace(/^::ffff:/, '')) === 4 && name.replace(/^::ffff:/, '').startsWith('127.');
}
