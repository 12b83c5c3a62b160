/** What a user can set of a file feed. */
import { z } from 'zod';
import { DIGITS_MAX } from '../../core/limits.js';

export const fileOptions = z.strictObject({
  path: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .describe('A file, a folder, or a pattern with * or ? in its last part.'),
  speed: z
    .union([z.number().positive(), z.literal('max')])
    .default(1)
    .describe('Recorded seconds per second; "max": as fast as the engine takes them.'),
  order: z
    .enum(['sequence', 'merge'])
    .default('sequence')
    .describe('"sequence": one file after the other; "merge": all at once, merged by time.'),
  loop: z
    .boolean()
    .default(false)
    .describe('Plays again from the start, for ever; times go on from where they were.'),
  shiftToNow: z.boolean().default(false).describe('Shifts the times so that the first tick happens now.'),
  format: z
    .enum(['auto', 'csv', 'mqltick', 'bi5'])
    .default('auto')
    .describe('How the files are read; "auto": as their names say.'),
  symbol: z
    .string()
    .min(1)
    .optional()
    .describe('Raw symbol of files that hold one symbol; absent: told by their names.'),
  digits: z
    .int()
    .min(0)
    .max(DIGITS_MAX)
    .optional()
    .describe(
      'Digits of the prices; absent: learnt from them, for bi5 files taken from the list of instruments.',
    ),
  negative: z
    .boolean()
    .default(false)
    .describe('Whether prices may be zero or negative; without it such ticks are refused.'),
  zone: z
    .string()
    .default('UTC')
    .describe('Clock of the trade server in the MT5 formats: UTC+3, Europe/Athens, America/New_York+7h.'),
  source: z.string().min(1).default('file').describe('Name of the source that the ticks belong to.'),
});

export type FileOptions = z.infer<typeof fileOptions>;
