/** What other folders use of the fan-out. */
export type { Account, Authorise } from './auth.js';
export type * from './deps.js';
export { createFanout } from './fanout.js';
export { type FanoutOptions, type FanoutSettings, fanoutOptionsSchema } from './options.js';
