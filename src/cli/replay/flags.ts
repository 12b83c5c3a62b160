/** The flags that all ways of `ticks replay` share. */
import { type Bound, parseBound } from '../../replay/range.js';
import type { Encoding, Mode } from '../../wire/ticks.js';
import type { LogLevel } from '../support/logger.js';
import type { TickFormatName } from '../support/tick-output.js';

export interface ReplayFlags {
  data: string;
  from?: string;
  to?: string;
  symbols?: string[];
  format: TickFormatName;
  spreadsheet?: boolean;
  out?: string;
  speed?: number | 'max';
  follow?: boolean;
  virtual?: boolean;
  capture?: string;
  flushMs: number;
  encoding: Encoding;
  mode: Mode;
  interval: number;
  serve?: number;
  /** Of --to-engine. */
  toEngine?: string;
  prefix: string;
  secret?: string;
  host: string;
  /** False under `--no-wait`. */
  wait: boolean;
  allowGaps?: boolean;
  json?: boolean;
  logLevel: LogLevel;
}

/** @throws TickwireError bad_config */
export function rangeOf(flags: Pick<ReplayFlags, 'from' | 'to'>): { from?: Bound; to?: Bound } {
  return {
    ...(flags.from === undefined ? {} : { from: parseBound(flags.from, 'from') }),
    ...(flags.to === undefined ? {} : { to: parseBound(flags.to, 'to') }),
  };
}
