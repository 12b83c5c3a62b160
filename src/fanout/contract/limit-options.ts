/** Settings that bound what clients may use. What happens beyond each bound is in `core/limits.ts`. */
import { z } from 'zod';
import {
  CATCHUP_JOBS,
  CATCHUP_JOBS_MAX,
  CLIENT_MESSAGE_BYTES_MAX,
  CLIENT_MESSAGES_PER_SECOND,
  CONNECTIONS_MAX,
  CONNECTIONS_PER_ADDRESS_MAX,
  FILTER_BYTES_MAX,
  PAGES_WAITING_MAX,
  PATTERNS_MAX,
  SUBSCRIBE_SYMBOLS_MAX,
  SUBSCRIPTIONS_MAX,
  UNAUTHORISED_MAX,
  UNKNOWN_NAMES_MAX,
} from '../../core/limits.js';
import { setting, type Unit } from '../../core/setting.js';

const BYTES_MIN = 1_024;

function count(standard: number, meaning: string) {
  return z.int().min(1).default(standard).meta(setting(meaning));
}

function bytes(standard: number, meaning: string) {
  const unit: Unit = 'bytes';
  return z.int().min(BYTES_MIN).default(standard).meta(setting(meaning, { unit }));
}

export const limitsSchema = z.strictObject({
  connections: count(
    CONNECTIONS_MAX,
    'WebSocket connections. Where tokens are needed, only authorised ones count.',
  ),
  connectionsPerAddress: count(
    CONNECTIONS_PER_ADDRESS_MAX,
    'WebSocket connections of one address, counted the same way.',
  ),
  unauthorised: count(
    UNAUTHORISED_MAX,
    'Connections whose token has not been checked yet; one address may have a quarter. Beyond the bound, the oldest is closed with 4004.',
  ),
  subscriptions: count(SUBSCRIPTIONS_MAX, 'Subscriptions of one connection.'),
  subscribeSymbols: count(SUBSCRIBE_SYMBOLS_MAX, 'Names and patterns in one subscription.'),
  unknownNames: count(
    UNKNOWN_NAMES_MAX,
    'Names in all subscriptions that no source has defined yet. One address may have a quarter, one connection a sixteenth.',
  ),
  patterns: count(
    PATTERNS_MAX,
    'Patterns in all subscriptions. One address may have a quarter, one connection a sixteenth.',
  ),
  filterBytes: bytes(
    FILTER_BYTES_MAX,
    'Memory for the symbol lists of all subscriptions. Equal lists count once. One address may have a quarter.',
  ),
  messageBytes: bytes(CLIENT_MESSAGE_BYTES_MAX, 'Size of one message from a client.'),
  messagesPerSecond: z
    .number()
    .min(1)
    .default(CLIENT_MESSAGES_PER_SECOND)
    .meta(setting('Messages of one client in a second.')),
  catchUpJobs: z
    .int()
    .min(1)
    .max(CATCHUP_JOBS_MAX)
    .default(CATCHUP_JOBS)
    .meta(setting('Jobs that read the log at once, for subscribers that catch up.')),
  catchUpPages: count(
    PAGES_WAITING_MAX,
    'Pages of the log that may wait to be read. Beyond the bound, new requests for the past get `busy`.',
  ),
});
