/** Which pages may talk to this server: browsers send the `Host` that they think they talk to, and their `Origin`. */
import { isIP } from 'node:net';

/** Whether the page of an `Origin` may: other clients send none. */
export function originAllowed(origin: string, host: string, allowed: readonly string[]): boolean {
  if (origin === '' || allowed.includes('*') || allowed.includes(origin)) return true;
  const at = origin.indexOf('://');
  return at >= 0 && origin.slice(at + 3) === host;
}

/**
 * The names under which a server may be asked. A page can have any name of its own resolve to any address, and is then
 * of the same origin as what answers there: only the `Host` of its requests tells.
 */
export class HostNames {
  readonly #allowed: ReadonlySet<string>;
  /** Whether any name will do. */
  readonly #isOpen: boolean;
  readonly #isLoopback: boolean;

  /** @param address what the server listens on; absent: a host listens itself */
  constructor(address: string | undefined, allowed: readonly string[]) {
    this.#isLoopback = address !== undefined && isLoopback(nameOf(address));
    this.#allowed = new Set([...allowed, ...(address === undefined ? [] : [address])].map(nameOf));
    this.#isOpen = allowed.includes('*') || (!this.#isLoopback && allowed.length === 0);
  }

  /** @param host the header; clients that send none are no browsers */
  allows(host: string): boolean {
    if (this.#isOpen || host === '') return true;
    const name = nameOf(host);
    // An address needs no resolver, which could be made to lie.
    return isLoopback(name) || this.#allowed.has(name) || (!this.#isLoopback && isIP(name) !== 0);
  }
}

/** The name of a `Host`: without the port, without brackets. */
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
