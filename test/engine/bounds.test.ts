/** Rings and tables beyond what indices are masked to are refused when the engine is made. */
import t from 'tap';
import { createEngine } from '../../src/engine/engine.js';

t.test('too many slots or symbols, or too few', async (t) => {
  const refused = (more: object, message: RegExp) =>
    t.rejects(createEngine({ feeds: [], dataFolder: false, ...more }), { code: 'bad_config', message });
  await refused(
    { rings: { raw: 2 ** 27 } },
    /^rings\.raw: expected a power of two from 1 to 67108864, got number 134217728$/,
  );
  await refused({ rings: { critical: 100 } }, /^rings\.critical: expected a power of two/);
  await refused(
    { rings: { broadcast: 4096 } },
    /^rings\.broadcast: expected a power of two from 8192 to 67108864, got number 4096$/,
  );
  await refused({ maxSymbols: 2 ** 24 + 1 }, /^maxSymbols: expected at most 16777216, got number 16777217$/);
});
