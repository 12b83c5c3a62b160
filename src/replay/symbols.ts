/** The symbols of a tick log: their names and digits by id, and which of them a replay wants. */
import { matchesPattern, parsePattern } from '../fanout/watch.js';
import { REGISTRY_BYTES, SYMBOLS_DEFAULT } from '../limits.js';
import { openStore, readRegistry } from '../log/store.js';
import { Registry } from '../pipeline/registry.js';
import { ENGINE_SYMBOL } from '../tick.js';

/**
 * Reads which symbols and sources a data folder knows, as of now.
 * @throws TickwireError log_missing, data_folder_unusable
 */
export async function readLogRegistry(dataFolder: string): Promise<Registry> {
  const store = openStore(dataFolder, { readOnly: true });
  try {
    const bytes = readRegistry(store);
    // One entry takes more than 16 bytes, so this is room for every symbol that the bytes can define.
    const symbolsMax = Math.max(SYMBOLS_DEFAULT, Math.ceil(bytes.length / 16));
    const memory = Registry.allocate(Math.max(REGISTRY_BYTES, bytes.length));
    const registry = new Registry(memory, symbolsMax);
    registry.load(bytes);
    return registry;
  } finally {
    await store.root.close();
  }
}

/** By symbol id, 1 = wanted. The engine's own records belong to no symbol: only `*` wants them. */
export function watchOf(registry: Registry, patterns: readonly string[]): Uint8Array {
  const watch = new Uint8Array(Math.max(1, registry.symbolCount));
  watch[ENGINE_SYMBOL] = patterns.includes('*') ? 1 : 0;
  const parsed = patterns.map(parsePattern);
  for (let id = 1; id < registry.symbolCount; id++) {
    const name = registry.symbols[id]?.name;
    if (name !== undefined && parsed.some((p) => matchesPattern(p, name))) watch[id] = 1;
  }
  return watch;
}

/** The name that a record's symbol id stands for. */
export function nameOf(registry: Registry, id: number): string {
  return registry.symbols[id]?.name ?? (id === ENGINE_SYMBOL ? '$engine' : `#${id}`);
}
