/** What other folders use of the fan-out. */
export type { Account, Authorise } from './contract/access.js';
export { type FanoutOptions, type FanoutSettings, fanoutOptionsSchema } from './contract/options.js';
export type * from './contract/ports.js';
export { createFanout } from './server.js';
