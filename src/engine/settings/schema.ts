/**
 * The settings of the engine: one schema, from which follow the types, the checks, the environment variables, the flags of
 * `ticks serve` and the table in `docs/operations.md`. Sections lie beside the code that uses them.
 */
import { z } from 'zod';
import { setting } from '../../core/setting.js';
import { fanoutOptionsSchema } from '../../fanout/contract/options.js';
import { logSchema } from '../../log/write/options.js';
import { feedList } from './feeds.js';
import { captureSchema, dataFolderSchema, maxSymbolsSchema, ringsSchema, shardsSchema } from './pipeline.js';

/** What a config file and a library host set alike. */
export const sharedSettings = {
  shards: shardsSchema,
  maxSymbols: maxSymbolsSchema,
  log: logSchema.prefault({}),
  http: z
    .union([fanoutOptionsSchema, z.literal(false)])
    .prefault({})
    .meta(
      setting('`false`: there is no server.', {
        values: 'false, or the settings below',
        standard: 'a server',
      }),
    ),
  rings: ringsSchema.prefault({}),
  capture: captureSchema.optional(),
};

/** The feed of an engine whose settings name none. */
const STANDARD_FEEDS = [{ name: 'mt5', type: 'mt5' }];

/** What a config file may hold. */
export const configSchema = z.strictObject({
  dataFolder: dataFolderSchema.default('./data'),
  feeds: feedList<unknown>()
    .default(STANDARD_FEEDS)
    .meta(
      setting(
        'Where ticks come from: `{name, type, options, aliases, policy}`, or `{name, module, export, options}`. The section on feeds says more.',
        { values: 'a list of feeds', standard: 'one `mt5`', flag: '--feed <type>' },
      ),
    ),
  ...sharedSettings,
});

/** Settings as they are written: every one optional. */
export type ConfigInput = z.input<typeof configSchema>;
