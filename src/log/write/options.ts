/** Settings of the log. Its stage gets them checked, so it loads only the types of this file. */
import { z } from 'zod';
import {
  LOG_COMMIT_BYTES,
  LOG_COMMIT_DELAY_MS,
  LOG_FREE_BYTES_FLOOR,
  LOG_INFLIGHT_BYTES,
  LOG_SEGMENT_MS,
  LOG_SEGMENT_MS_MIN,
} from '../../core/limits.js';
import { setting } from '../../core/setting.js';
import { COMPRESSIONS } from '../format/compress.js';
import type { SyncMode } from '../storage/catalog.js';

const SYNC_MODES = ['every-commit', 'interval', 'os'] as const satisfies readonly SyncMode[];
const COMMIT_BYTES_MIN = 4_096;
const COMMIT_DELAY_MS_MAX = 60_000;

const retentionSchema = z.strictObject({
  ageDays: z
    .number()
    .positive()
    .optional()
    .meta(setting('Segments that were closed longer ago are removed.', { unit: 'days' })),
  totalBytes: z
    .int()
    .min(1)
    .optional()
    .meta(
      setting('The oldest segments are removed until the whole log is no larger than this.', {
        unit: 'bytes',
      }),
    ),
  freeBytes: z
    .int()
    .min(1)
    .optional()
    .meta(
      setting(
        'The oldest segments are removed until the disk has this much free space. Choose more than `log.freeBytesFloor`.',
        { unit: 'bytes' },
      ),
    ),
});

export const logSchema = z.strictObject({
  commitDelayMs: z
    .int()
    .min(1)
    .max(COMMIT_DELAY_MS_MAX)
    .default(LOG_COMMIT_DELAY_MS)
    .meta(setting('How long a tick may wait before the log writes it.', { unit: 'milliseconds' })),
  commitBytes: z
    .int()
    .min(COMMIT_BYTES_MIN)
    .max(LOG_INFLIGHT_BYTES / 2)
    .default(LOG_COMMIT_BYTES)
    .meta(
      setting('Encoded bytes that the log writes at once, whatever `log.commitDelayMs` is.', {
        unit: 'bytes',
      }),
    ),
  sync: z
    .enum(SYNC_MODES)
    .default('every-commit')
    .meta(
      setting(
        'When the log flushes to the disk: with each commit, each second, or when the operating system does. The section on durability says what each choice costs.',
      ),
    ),
  onStall: z
    .enum(['block', 'shed'])
    .default('block')
    .meta(
      setting(
        'What happens while the log cannot write. `block`: everything waits. `shed`: ticks flow without the log. The choice also decides what an acknowledgement means.',
      ),
    ),
  retention: retentionSchema.prefault({}),
  compression: z
    .enum(COMPRESSIONS)
    .default('none')
    .meta(
      setting('The compressor of fresh blocks. The section on the data folder says what each choice costs.'),
    ),
  recompress: z
    .enum(COMPRESSIONS)
    .default('none')
    .meta(setting('The compressor by which closed segments are written again in the background.')),
  segmentMs: z
    .int()
    .min(LOG_SEGMENT_MS_MIN)
    .default(LOG_SEGMENT_MS)
    .meta(
      setting(
        'Time that one segment covers; a segment is one file. Segments begin at multiples of it, UTC. The default is a day.',
        { unit: 'milliseconds' },
      ),
    ),
  freeBytesFloor: z
    .int()
    .min(0)
    .default(LOG_FREE_BYTES_FLOOR)
    .meta(setting('Free disk space below which the log writes nothing.', { unit: 'bytes' })),
});

/** As a host or a config file gives them. */
export type LogOptions = z.input<typeof logSchema>;
/** With all defaults, as the log's stage gets them. */
export type LogStageOptions = z.output<typeof logSchema>;
