import { Registry } from '../../../src/pipeline/registry.js';

/** Defines `names` symbols in an order of its own, and says which id each was given. */
export function defineAll(data: {
  memory: SharedArrayBuffer;
  names: number;
  owner: number;
  step: number;
}): Record<string, number> {
  const registry = new Registry(data.memory, data.names + 1, data.owner);
  const ids: Record<string, number> = {};
  for (let i = 0; i < data.names; i++) {
    const name = `S${(i * data.step + data.owner) % data.names}`;
    ids[name] = registry.defineSymbol({ name, digits: 2 });
    if (i % 10 === 0) registry.defineSource({ feed: `f${data.owner}`, name: `n${i}` });
  }
  return ids;
}
