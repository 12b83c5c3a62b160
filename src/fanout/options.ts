/** Settings of the fan-out. */
import { z } from 'zod';
import {
  CATCHUP_JOBS,
  CLIENT_MESSAGE_BYTES_MAX,
  CLIENT_MESSAGES_PER_SECOND,
  CONNECTIONS_MAX,
  HEARTBEAT_MS,
  SUBSCRIBE_SYMBOLS_MAX,
  SUBSCRIPTIONS_MAX,
} from '../limits.js';

export const fanoutOptionsSchema = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
  port: z.int().min(0).max(65_535).default(8080).describe('Port to listen on; 0 picks a free one.'),
  allowedOrigins: z
    .array(z.string())
    .default([])
    .describe('Origins of browser pages that may connect, besides pages of this server; "*" allows all.'),
  flushIntervalMsMax: z
    .number()
    .min(0)
    .max(1000)
    .default(20)
    .describe('Milliseconds that a flush may wait for more ticks when flushing costs much time.'),
  heartbeatMs: z.int().min(10).max(60_000).default(HEARTBEAT_MS),
  webRoot: z.string().optional().describe('Folder of the static page; absent: none is served.'),
  limits: z
    .strictObject({
      connections: z.int().min(1).default(CONNECTIONS_MAX),
      subscriptions: z.int().min(1).default(SUBSCRIPTIONS_MAX),
      subscribeSymbols: z.int().min(1).default(SUBSCRIBE_SYMBOLS_MAX),
      messageBytes: z.int().min(1024).default(CLIENT_MESSAGE_BYTES_MAX),
      messagesPerSecond: z.number().min(1).default(CLIENT_MESSAGES_PER_SECOND),
      catchUpJobs: z.int().min(1).default(CATCHUP_JOBS),
    })
    .prefault({}),
});

/** Settings as a host writes them; everything has a default. */
export type FanoutOptions = z.input<typeof fanoutOptionsSchema>;
export type FanoutSettings = z.output<typeof fanoutOptionsSchema>;
