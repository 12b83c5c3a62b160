/** The fan-out: serves the one sequence to any number of subscribers over WebSocket and REST. */
import type { Fanout, FanoutDeps } from './deps.js';
import type { FanoutOptions } from './options.js';

/**
 * Puts the fan-out together; it serves from `listen` on.
 * @throws TickwireError bad_config
 */
export declare function createFanout(deps: FanoutDeps, options?: FanoutOptions): Fanout;
