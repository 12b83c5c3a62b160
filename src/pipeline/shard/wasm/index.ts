/** What the host calls and reads: see `../sequencing-module.ts`. */
export { apply } from './apply';
export { COUNTS, CRITICALS, POSITIONS, RECORDS, TAGS, TICKS } from './layout';
export { sequence, sequenceSettled } from './sequence';
export { begin } from './states';
