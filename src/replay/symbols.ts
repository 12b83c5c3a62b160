/** The symbols of a tick log: their names and digits by id, and which of them a replay wants. */
import { matchesPattern, parsePattern } from '../core/pattern.js';
import { ENGINE_SYMBOL } from '../core/tick.js';
import { openCatalog, readRegistry } from '../log/storage/catalog.js';
import { Registry } from '../pipeline/memory/registry.js';
import type { LineSymbol } from '../wire/lines.js';

/**
 * Reads which symbols and sources a data folder knows, as of now.
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

/** The name that a record's symbol id stands for. */
export function nameOf(registry: Registry, id: number): string {
  return registry.symbols[id]?.name ?? (id === ENGINE_SYMBOL ? '$engine' : `#${id}`);
}

/** What a replay wants of a log whose symbols may grow while it is read. */
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

  /** A symbol as lines of text tell it. */
  line(id: number): LineSymbol {
    return { name: this.name(id), digits: this.registry.digits[id] ?? 0 };
  }

  /** Learns what was defined since. */
  async refresh(): Promise<void> {
    this.registry = await readLogRegistry(this.dataFolder);
    this.filter = filterOf(this.registry, this.patterns);
  }
}
