/** Settings of the fan-out: the section `http`. */
import { z } from 'zod';
import { AUTH_DEADLINE_MS, FLUSH_INTERVAL_MS_MAX, HEARTBEAT_MS, IDLE_MS } from '../../core/limits.js';
import { setting } from '../../core/setting.js';
import { authSchema } from './auth-options.js';
import { limitsSchema } from './limit-options.js';

/** The page may load from this server and connect to it, and to nothing else. No page may show it in a frame. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export const fanoutOptionsSchema = z.strictObject({
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .meta(
      setting('Address to serve on. Other machines reach the server only where this is not loopback.', {
        values: 'an address',
        flag: '--host <address>',
      }),
    ),
  port: z
    .int()
    .min(0)
    .max(65_535)
    .default(8080)
    .meta(setting('Port to serve on; 0 takes a free one.', { flag: '-p, --port <n>', variable: 'PORT' })),
  allowedOrigins: z
    .array(z.string())
    .default([])
    .meta(
      setting('Origins of web pages that may connect, besides the pages of this server. `"*"` allows all.', {
        values: 'a list of origins',
      }),
    ),
  allowedHosts: z
    .array(
      z
        .string()
        .regex(
          /^(\*|\[[0-9a-f:.]+\]|[^\s/:[\]]+)$/i,
          'must be a name or address, without scheme and port; "*" allows all',
        ),
    )
    .default([])
    .meta(
      setting(
        'Names, without port, by which web browsers may address this server. `"*"` allows all. The section on names says more.',
        { values: 'a list of names' },
      ),
    ),
  contentSecurityPolicy: z
    .string()
    .regex(/^[\x20-\x7e]*$/, 'must be one line of ASCII')
    .default(PAGE_POLICY)
    .meta(
      setting(
        'The header Content-Security-Policy of the static page. Empty in the config file: the page has no such header.',
        { standard: 'this server only' },
      ),
    ),
  flushIntervalMsMax: z
    .number()
    .min(0)
    .max(1000)
    .default(FLUSH_INTERVAL_MS_MAX)
    .meta(
      setting('How long a flush may wait for more ticks when flushes take much time.', {
        unit: 'milliseconds',
      }),
    ),
  heartbeatMs: z
    .int()
    .min(10)
    .max(60_000)
    .default(HEARTBEAT_MS)
    .meta(
      setting('How long the server may have nothing to send to a client before it sends a heartbeat.', {
        unit: 'milliseconds',
      }),
    ),
  idleMs: z
    .int()
    .min(100)
    .max(900_000)
    .default(IDLE_MS)
    .meta(
      setting('How long a client may be silent before the server closes its connection with 4003.', {
        unit: 'milliseconds',
      }),
    ),
  auth: authSchema.optional(),
  authMs: z
    .int()
    .min(10)
    .max(600_000)
    .default(AUTH_DEADLINE_MS)
    .meta(setting('How long a connection may take to present its token.', { unit: 'milliseconds' })),
  trustedProxies: z
    .array(z.string())
    .default([])
    .meta(
      setting(
        'Addresses of proxies whose `X-Forwarded-For` names the client. Otherwise all clients behind a proxy count as one address.',
        { values: 'a list of addresses' },
      ),
    ),
  webRoot: z
    .string()
    .optional()
    .meta(
      setting('Folder of the static page. A library host that leaves it out serves no page.', {
        values: 'a folder',
        standard: 'the built page',
      }),
    ),
  limits: limitsSchema.prefault({}),
});

/** Settings as a host writes them. Every setting has a default. */
export type FanoutOptions = z.input<typeof fanoutOptionsSchema>;
export type FanoutSettings = z.output<typeof fanoutOptionsSchema>;
