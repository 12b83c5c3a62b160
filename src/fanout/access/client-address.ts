/** Which address a client of the fan-out counts for. */
import { isIP } from 'node:net';
import { addressKey } from '../../core/address.js';
import type { HttpRequest, HttpResponse } from '../contract/uws.js';

/**
 * Who is really at the other end: the peer, or, where it is a proxy that we trust, the nearest address in
 * `X-Forwarded-For` that is none. What lies beyond that one was written by the client itself.
 */
export function clientAddress(peer: string, forwardedFor: string, proxies: ReadonlySet<string>): string {
  let address = addressKey(peer);
  for (const hop of forwardedFor.split(',').reverse()) {
    if (!proxies.has(address) || isIP(hop.trim()) === 0) break;
    address = addressKey(hop.trim());
  }
  return address;
}

/** The same of a request that has just come. */
export function addressOf(
  context: { readonly proxies: ReadonlySet<string> },
  res: HttpResponse,
  req: HttpRequest,
): string {
  const peer = Buffer.from(res.getRemoteAddressAsText()).toString();
  return clientAddress(peer, req.getHeader('x-forwarded-for'), context.proxies);
}
