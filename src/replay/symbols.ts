/** The symbols of a tick log: names and digits by id, and the filter of a replay. */
import { matchesPattern, parsePattern } from '../core/pattern.js';
import { ENGINE_SYMBOL } from '../core/tick.js';
import { openCatalog, readRegistry } from '../log/storage/catalog.js';
import { Registry } from '../pipeline/memory/registry.js';
import type { LineSymbol } from '../wire/lines.js';

/**
 * Reads the present symbols and sources of a data folder.
 * @throws TickwireError log_missing, data_folder_unusable
 */
export async function readLogRegistry(dataFolder: string): Promise<Registry> {
  const catalog = openCatalog(dataFolder, { readOnly: true });
  try {
    return Registry.from(readRegistry(catalog));
  } finally {
    await catalog.root.close();
  }
}

/** By symbol id, 1 = wanted. The engine's own records belong to no symbol: only `*` wants them. */
export function filterOf(registry: Registry, patterns: readonly string[]): Uint8Array {
  const filter = new Uint8Array(Math.max(1, registry.symbolCount));
  filter[ENGINE_SYMBOL] = patterns.includes('*') ? 1 : 0;
  const parsed = patterns.map(parsePattern);
  for (let id = 1; id < registry.symbolCount; id++) {
    const name = registry.symbols[id]?.name;
    if (name !== undefined && parsed.some((p) => matchesPattern(p, name))) filter[id] = 1;
  }
  return filter;
}

/** The name of a record's symbol. */
export function nameOf(registry: Registry, id: number): string {
  return registry.symbols[id]?.name ?? (id === ENGINE_SYMBOL ? '$engine' : `#${id}`);
}

/** The wanted symbols of a log that may get new symbols during the replay. */
export class LogSymbols {
  filter: Uint8Array;

  private constructor(
    readonly dataFolder: string,
    readonly patterns: readonly string[],
    public registry: Registry,
  ) {
    this.filter = filterOf(registry, patterns);
  }

  /** @throws TickwireError log_missing, data_folder_unusable */
  static async open(dataFolder: string, patterns: readonly string[]): Promise<LogSymbols> {
    return new LogSymbols(dataFolder, patterns, await readLogRegistry(dataFolder));
  }

  get wantsAll(): boolean {
    return this.patterns.includes('*');
  }

  knows(id: number): boolean {
    return id < this.filter.length;
  }

  isWanted(id: number): boolean {
    return this.filter[id] === 1 || (this.wantsAll && !this.knows(id));
  }

  name(id: number): string {
    return nameOf(this.registry, id);
  }

  /** A symbol for lines of text. */
  line(id: number): LineSymbol {
    return { name: this.name(id), digits: this.registry.digits[id] ?? 0 };
  }

  /** Loads symbols that were defined since. */
  async refresh(): Promise<void> {
    this.registry = await readLogRegistry(this.dataFolder);
    this.filter = filterOf(this.registry, this.patterns);
  }
}
