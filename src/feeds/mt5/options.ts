/** Options of the MT5 port, and their check. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { MT5_STRING_BYTES_MAX } from '../../core/limits.js';

/** Whether only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

export const mt5Options = z
  .strictObject({
    host: z
      .string()
      .min(1, 'host must be an address such as "127.0.0.1"')
      .default('127.0.0.1')
      .describe(
        'Address to listen on; other machines reach it only off loopback, and then a secret is needed.',
      ),
    port: z
      .int('port must be a whole number')
      .min(0, 'port must be 0 to 65535')
      .max(65_535, 'port must be 0 to 65535')
      .default(5555)
      .describe('TCP port; 0 takes a free one.'),
    secret: z
      .string()
      .min(8, 'secret must have at least 8 characters')
      .refine((s) => Buffer.byteLength(s) <= MT5_STRING_BYTES_MAX, {
        error: `secret must have at most ${MT5_STRING_BYTES_MAX} bytes`,
      })
      .optional()
      .describe('What every terminal has to send; needed off loopback, checked wherever it is set.'),
    idleTimeoutMs: z
      .int('idleTimeoutMs must be a whole number of milliseconds')
      .min(100, 'idleTimeoutMs must be at least 100')
      .max(3_600_000, 'idleTimeoutMs must be at most an hour')
      .default(15_000)
      .describe('Milliseconds without a word from a terminal after which it counts as gone.'),
    ackIntervalMs: z
      .int('ackIntervalMs must be a whole number of milliseconds')
      .min(1, 'ackIntervalMs must be at least 1')
      .max(1_000, 'ackIntervalMs must be at most 1000')
      .default(5)
      .describe('Milliseconds between two looks at what has become durable.'),
  })
  .refine((o) => o.secret !== undefined || isLoopback(o.host), {
    path: ['secret'],
    error: (issue) =>
      `the MT5 port on ${String((issue.input as { host?: unknown }).host)} can be reached from other machines: set a secret that the terminals send, or listen on 127.0.0.1`,
  });

/** As the configuration gives them. */
export type Mt5Options = z.input<typeof mt5Options>;
/** With all defaults. */
export type Mt5Settings = z.output<typeof mt5Options>;
