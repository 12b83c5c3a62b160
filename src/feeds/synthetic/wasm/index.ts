/** What the host calls and reads: see `../market-module.ts`. */
export { BREATH, begin, GAPS, make, note, PACES, PERSISTENCE, STATE, SYMBOLS } from './market';
