/** Tells the operator in time that the registry fills up: once for each of its bounds, and again after it has sunk. */
import { REGISTRY_WARN_SHARE } from '../../core/limits.js';
import type { RegistryUsage } from './registry.js';

/** Part of the bound that tells that there is room again: a value that goes up and down by a little is logged once. */
const SUNK_SHARE = REGISTRY_WARN_SHARE * 0.9;

const BOUNDS = [
  ['symbols', 'symbolsMax', 'symbols are defined', 'Raise maxSymbols before new ones are refused.'],
  ['sources', 'sourcesMax', 'sources are known', 'Start a new data folder before new ones are refused.'],
  ['bytes', 'bytesMax', 'bytes of the registry are used', 'Raise maxSymbols before new names are refused.'],
] as const;

export class RegistryWatch {
  readonly #told = new Set<string>();

  /** Sentences about the bounds that have come near since the last look. */
  look(usage: RegistryUsage): string[] {
    return BOUNDS.flatMap(([what, max, are, remedy]) => {
      const share = usage[what] / usage[max];
      if (share < SUNK_SHARE) this.#told.delete(what);
      if (share < REGISTRY_WARN_SHARE || this.#told.has(what)) return [];
      this.#told.add(what);
      return [`${usage[what]} of at most ${usage[max]} ${are} (${Math.floor(share * 100)} %). ${remedy}`];
    });
  }
}
