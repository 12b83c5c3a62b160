/** What the host calls and reads: see `../numbering.ts`. */
export { apply } from './apply';
export { COUNTS, CRITICALS, LABELS, POSITIONS, RECORDS, STATES, TICKS } from './layout';
export { number, numberSettled } from './number';
export { begin } from './states';
