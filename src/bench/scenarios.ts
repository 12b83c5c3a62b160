/** All scenarios, from the smallest part of the engine to the whole. */
import { e2e } from './e2e.js';
import { encode } from './encode.js';
import { fanout } from './fanout.js';
import { log } from './log.js';
import { normalise } from './normalise.js';
import { pipeline } from './pipeline.js';
import { replay } from './replay.js';
import { ring } from './ring.js';
import type { Scenario } from './scenario.js';
import { soak } from './soak.js';
import { storm } from './storm.js';
import { wakeup } from './wakeup.js';

export const SCENARIOS: readonly Scenario[] = [
  ring,
  wakeup,
  normalise,
  encode,
  log,
  replay,
  pipeline,
  fanout,
  storm,
  e2e,
  soak,
];
