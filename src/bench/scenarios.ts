/** All scenarios, from the smallest part of the engine to the whole. */
import { e2e } from './e2e/scenario.js';
import { fanout } from './fanout/scenario.js';
import type { Scenario } from './harness/scenario.js';
import { log } from './log/scenario.js';
import { encode } from './micro/encode.js';
import { normalise } from './micro/normalise.js';
import { ring } from './micro/ring.js';
import { wakeup } from './micro/wakeup.js';
import { pipeline } from './pipeline/pipeline.js';
import { replay } from './pipeline/replay.js';
import { soak } from './pipeline/soak.js';
import { storm } from './pipeline/storm.js';

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
