import { Registry } from '../../../../src/pipeline/memory/registry.js';

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

/** Opens one stream after the other of a source, and defines symbols meanwhile; each has to be found again at once. */
export function supersede(data: {
  memory: SharedArrayBuffer;
  owner: number;
  streams: number;
  symbols: number;
}): void {
  const registry = new Registry(data.memory, 256, data.owner);
  const feed = `f${data.owner}`;
  for (let i = 0; i < data.streams; i++) {
    registry.defineSource({ feed, name: 'n', stream: `s${i}` });
    if (registry.source(feed, 'n')?.stream !== `s${i}`) throw new Error(`stream ${i} was lost`);
    if (i < data.symbols) registry.defineSymbol({ name: `${feed}-${i}`, digits: 2 });
  }
}
