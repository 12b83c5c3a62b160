/** Settings of the engine itself: its data folder, its threads, the sizes of its tables and rings. */
import { z } from 'zod';
import {
  BROADCAST_RING_SLOTS,
  BROADCAST_RING_SLOTS_MIN,
  CAPTURE_FILE_BYTES,
  CRITICAL_RING_SLOTS,
  isPowerOfTwo,
  RAW_RING_SLOTS,
  SHARDS_MAX,
  SYMBOLS_DEFAULT,
  SYMBOLS_MAX,
} from '../../core/limits.js';
import { setting } from '../../core/setting.js';
import { SLOT_BITS } from '../../core/tick.js';

const RING_SLOTS_MAX = SLOT_BITS + 1;
/** The engine itself has a symbol, which counts too. */
const SYMBOLS_MIN = 2;

export const dataFolderSchema = z.union([z.string().min(1), z.literal(false)]).meta(
  setting(
    'Where the tick log lives. `false`: no log, and nothing survives the process; subscribers start again in the next run, and are told.',
    {
      values: 'a folder, or false',
      flag: '-d, --data <folder>',
      offFlag: '--no-log',
      offHelp: 'keep no log: nothing survives the process',
    },
  ),
);

export const shardsSchema = z
  .int()
  .min(1)
  .max(SHARDS_MAX)
  .default(1)
  .meta(
    setting('Shards that number ticks side by side. Symbols are spread over them by a hash of their name.', {
      unit: 'threads',
      flag: '--shards <n>',
    }),
  );

export const maxSymbolsSchema = z
  .int()
  .min(SYMBOLS_MIN)
  .max(SYMBOLS_MAX)
  .default(SYMBOLS_DEFAULT)
  .meta(setting('Symbols that may ever be defined in the data folder.', { unit: 'symbols' }));

function slots(standard: number, min: number, meaning: string) {
  const values = `a power of two from ${min} to ${RING_SLOTS_MAX}`;
  return z
    .int()
    .refine((count) => isPowerOfTwo(count) && count >= min, {
      error: ({ input }) => `expected ${values}, got number ${String(input)}`,
    })
    .default(standard)
    .meta(setting(meaning, { unit: 'slots', values: `${values}, slots` }));
}

export const ringsSchema = z.strictObject({
  raw: slots(
    RAW_RING_SLOTS,
    1,
    'Size of each ring between a feed and a shard. When it is full, the policy of the feed decides.',
  ),
  broadcast: slots(
    BROADCAST_RING_SLOTS,
    BROADCAST_RING_SLOTS_MIN,
    'Size of the ring of sequenced ticks of each shard. When it is full, `log.onStall` decides.',
  ),
  critical: slots(
    CRITICAL_RING_SLOTS,
    1,
    'Size of the ring of trades, status and gap records of each shard. Readers that it overtakes continue from the log.',
  ),
});

export const captureSchema = z.strictObject({
  folder: z
    .string()
    .min(1)
    .meta(
      setting('Where to capture what every feed takes in, for `ticks replay --capture`.', {
        values: 'a folder',
        standard: 'none: no capture',
        flag: '--capture <folder>',
      }),
    ),
  fileBytes: z
    .int()
    .min(1)
    .default(CAPTURE_FILE_BYTES)
    .meta(setting('Size of a capture file after which the next one begins.', { unit: 'bytes' })),
});

/** With all defaults. */
export type CaptureSettings = z.output<typeof captureSchema>;
