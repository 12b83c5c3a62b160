/** The address that a client of the fan-out is counted under. */
import { isIP } from 'node:net';
import { addressKey } from '../../core/address.js';
import type { HttpRequest, HttpResponse } from '../contract/uws.js';

/**
 * The address of the client: the peer, or, behind trusted proxies, the last address in `X-Forwarded-For` that is not a
 * trusted proxy. Earlier addresses in that header may be forged by the client.
 */
export function clientAddress(peer: string, forwardedFor: string, proxies: ReadonlySet<string>): string {
  let address = addressKey(peer);
  for (const hop of forwardedFor.split(',').reverse()) {
    if (!proxies.has(address) || isIP(hop.trim()) === 0) break;
    address = addressKey(hop.trim());
  }
  return address;
}

/** The address of the client of a request. Must be called in the request's handler. */
export function addressOf(
  context: { readonly proxies: ReadonlySet<string> },
  res: HttpResponse,
  req: HttpRequest,
): string {
  const peer = Buffer.from(res.getRemoteAddressAsText()).toString();
  return clientAddress(peer, req.getHeader('x-forwarded-for'), context.proxies);
}
