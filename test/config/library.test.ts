/** A library host's options are checked by the schema of the config file, and have the same defaults. */
import t, { type Test } from 'tap';
import { loadConfig } from '../../src/engine/config.js';
import { createEngine } from '../../src/engine/engine.js';
import { checkOptions, type EngineOptions } from '../../src/engine/options.js';

const NO_LOG: EngineOptions = { feeds: [], dataFolder: false };
const refused = (t: Test, more: object, message: string) =>
  t.rejects(createEngine({ ...NO_LOG, ...more } as EngineOptions), { code: 'bad_config', message });

t.test('the same defaults', async (t) => {
  const { feeds, http, ...options } = checkOptions(NO_LOG);
  const { feeds: _, http: served, ...config } = loadConfig({ flags: NO_LOG });
  t.match(options, config);
  t.match(served, http);
});

t.test('the same faults', async (t) => {
  await refused(t, { shards: 'two' }, 'shards: expected number, got string "two"');
  await refused(t, { shard: 2 }, 'shard: unknown setting; did you mean "shards"?');
  await refused(t, { dataFolder: 3 }, 'dataFolder: expected string or false, got number 3');
  await refused(t, { http: { port: 70_000 } }, 'http.port: expected at most 65535, got number 70000');
  await refused(t, { log: { commitDelayMs: 0 } }, 'log.commitDelayMs: expected at least 1, got number 0');
  await refused(
    t,
    { log: { retention: { ageDay: 1 } } },
    'log.retention.ageDay: unknown setting; did you mean "ageDays"?',
  );
});
