/** What a user can set of a file feed. */
import { z } from 'zod';
import { DIGITS_MAX } from '../../limits.js';

export const fileOptions = z.strictObject({
  /** A file, a folder, a pattern with `*` or `?` in its last part, or a list of these. */
  path: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
  /** Recorded seconds per second, or `max`: as fast as the engine takes them. */
  speed: z.union([z.number().positive(), z.literal('max')]).default(1),
  /** `sequence`: one file after the other; `merge`: all at once, merged by time. */
  order: z.enum(['sequence', 'merge']).default('sequence'),
  /** Play again from the start, for ever; times go on from where they were. */
  loop: z.boolean().default(false),
  /** Shift the times so that the first tick happens now. */
  shiftToNow: z.boolean().default(false),
  /** Default: by each file's name. */
  format: z.enum(['auto', 'csv', 'mqltick', 'bi5']).default('auto'),
  /** Raw symbol of files that hold one symbol; default: by each file's name. */
  symbol: z.string().min(1).optional(),
  /** Digits of the prices; default: learnt from them. */
  digits: z.int().min(0).max(DIGITS_MAX).optional(),
  /** Clock of the trade server in the MT5 formats: `UTC+3`, `Europe/Athens`, `America/New_York+7h` … */
  zone: z.string().default('UTC'),
  /** Name of the source that the ticks belong to. */
  source: z.string().min(1).default('file'),
});

export type FileOptions = z.infer<typeof fileOptions>;
