/** Settings of the fan-out. */
import { z } from 'zod';
import {
  AUTH_DEADLINE_MS,
  CATCHUP_JOBS,
  CATCHUP_JOBS_MAX,
  CLIENT_MESSAGE_BYTES_MAX,
  CLIENT_MESSAGES_PER_SECOND,
  CONNECTIONS_MAX,
  CONNECTIONS_PER_ADDRESS_MAX,
  FLUSH_INTERVAL_MS_MAX,
  HEARTBEAT_MS,
  IDLE_MS,
  PAGES_WAITING_MAX,
  PATTERNS_MAX,
  SUBSCRIBE_SYMBOLS_MAX,
  SUBSCRIPTIONS_MAX,
  UNAUTHORISED_MAX,
  UNKNOWN_NAMES_MAX,
  WATCH_BYTES_MAX,
} from '../../core/limits.js';

const TOKEN_LENGTH_MIN = 16;
/** The page loads from this server, talks to it, and nothing else; it stands in no frame. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const NAME_LENGTH_MAX = 64;

// Faults are in our own words throughout: the usual ones would show the token.
const authKey = z
  .strictObject(
    {
      name: z.string().min(1).max(NAME_LENGTH_MAX).describe('Whose key it is; connections count under it.'),
      token: z
        .string('must be text')
        .min(TOKEN_LENGTH_MIN, `must have at least ${TOKEN_LENGTH_MIN} characters`)
        .regex(/^[\w.~+/=-]*$/, 'must consist of letters, digits and . _ ~ + / = - (what a header carries)')
        .optional(),
      tokenSha256: z
        .string('must be text')
        .regex(/^[0-9a-f]{64}$/i, 'must be the SHA-256 of the token in 64 hex digits')
        .optional(),
      connections: z.int().min(1).optional().describe('Connections at once; absent: no bound of its own.'),
    },
    { error: ({ code }) => (code === 'invalid_type' ? 'must be an object {name, token}' : undefined) },
  )
  .refine(
    (key) => (key.token === undefined) !== (key.tokenSha256 === undefined),
    'must have either token or tokenSha256',
  );
const authSchema = z.strictObject({
  keys: z
    .array(authKey, 'must be a list of {name, token}')
    .min(1, 'must have a key; without auth altogether the server is open')
    .refine((keys) => new Set(keys.map((key) => key.name)).size === keys.length, 'has a name twice'),
});

export const fanoutOptionsSchema = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
  port: z.int().min(0).max(65_535).default(8080).describe('Port to listen on; 0 picks a free one.'),
  allowedOrigins: z
    .array(z.string())
    .default([])
    .describe('Origins of browser pages that may connect, besides pages of this server; "*" allows all.'),
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
    .describe('Names under which browsers may ask this server; on loopback besides those of loopback.'),
  contentSecurityPolicy: z
    .string()
    .regex(/^[\x20-\x7e]*$/, 'must be one line of ASCII')
    .default(PAGE_POLICY)
    .describe('Content-Security-Policy of the static page; empty: none.'),
  flushIntervalMsMax: z
    .number()
    .min(0)
    .max(1000)
    .default(FLUSH_INTERVAL_MS_MAX)
    .describe('Milliseconds that a flush may wait for more ticks when flushing costs much time.'),
  heartbeatMs: z.int().min(10).max(60_000).default(HEARTBEAT_MS),
  idleMs: z
    .int()
    .min(100)
    .max(900_000)
    .default(IDLE_MS)
    .describe('Milliseconds without a sign of life after which a connection is closed.'),
  auth: authSchema.optional().describe('Who may connect; absent: anyone.'),
  authMs: z
    .int()
    .min(10)
    .max(600_000)
    .default(AUTH_DEADLINE_MS)
    .describe('Milliseconds within which a connection has to present its token.'),
  trustedProxies: z
    .array(z.string())
    .default([])
    .describe('Addresses of proxies whose X-Forwarded-For tells who the client is.'),
  webRoot: z.string().optional().describe('Folder of the static page; absent: none is served.'),
  limits: z
    .strictObject({
      connections: z.int().min(1).default(CONNECTIONS_MAX),
      connectionsPerAddress: z.int().min(1).default(CONNECTIONS_PER_ADDRESS_MAX),
      unauthorised: z
        .int()
        .min(1)
        .default(UNAUTHORISED_MAX)
        .describe('Connections that have not shown their token yet; of one address a quarter.'),
      subscriptions: z.int().min(1).default(SUBSCRIPTIONS_MAX),
      subscribeSymbols: z.int().min(1).default(SUBSCRIBE_SYMBOLS_MAX),
      unknownNames: z
        .int()
        .min(1)
        .default(UNKNOWN_NAMES_MAX)
        .describe('Names that subscriptions may wait for in all; of one address a quarter.'),
      patterns: z
        .int()
        .min(1)
        .default(PATTERNS_MAX)
        .describe('Patterns of subscriptions in all; of one address a quarter.'),
      filterBytes: z
        .int()
        .min(1024)
        .default(WATCH_BYTES_MAX)
        .describe('Bytes of the tables of subscriptions in all; of one address a quarter.'),
      messageBytes: z.int().min(1024).default(CLIENT_MESSAGE_BYTES_MAX),
      messagesPerSecond: z.number().min(1).default(CLIENT_MESSAGES_PER_SECOND),
      catchUpJobs: z.int().min(1).max(CATCHUP_JOBS_MAX).default(CATCHUP_JOBS),
      catchUpPages: z
        .int()
        .min(1)
        .default(PAGES_WAITING_MAX)
        .describe('Pages of the log that may wait to be read before newcomers are told busy.'),
    })
    .prefault({}),
});

/** Settings as a host writes them; everything has a default. */
export type FanoutOptions = z.input<typeof fanoutOptionsSchema>;
export type FanoutSettings = z.output<typeof fanoutOptionsSchema>;
