/** Rings and tables beyond what indices are masked to are refused when the engine is made. */
import t from 'tap';
import { createEngine } from '../../src/engine/engine.js';

t.test('too many slots or symbols, or too few', async (t) => {
  const refused = (more: object, message: RegExp) =>
    t.rejects(createEngine({ feeds: [], dataFolder: false, ...more }), { code: 'bad_config', message });
  await refused({ rings: { raw: 2 ** 27 } }, /^rings\.raw must be a power of two of at most 67108864\.$/);
  await refused({ rings: { critical: 100 } }, /^rings\.critical must be a power of two/);
  await refused({ rings: { broadcast: 4096 } }, /^rings\.broadcast must be at least 8192\.$/);
  await refused({ maxSymbols: 2 ** 24 + 1 }, /^maxSymbols must be at most 16777216\.$/);
});
