/** Flags over environment over config file over defaults, field by field. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { type ConfigSources, loadConfig } from '../../src/engine/config.js';
import type { FanoutOptions } from '../../src/index.js';

const folder = mkdtempSync(join(tmpdir(), 'tickwire-config-'));
const file = join(folder, 'c.json');
writeFileSync(
  file,
  JSON.stringify({
    shards: 2,
    maxSymbols: 100,
    http: { port: 1, heartbeatMs: 50 },
    log: { onStall: 'shed' },
  }),
);

t.test('defaults', async (t) => {
  const options = loadConfig();
  t.equal(options.shards, 1);
  t.equal(options.dataFolder, './data');
  t.match(options.http, { host: '127.0.0.1', port: 8080 });
  t.match(options.feeds, [{ name: 'mt5', type: 'mt5', options: { host: '127.0.0.1', port: 5555 } }]);
});

t.test('a setting comes from the highest source that has it', async (t) => {
  const low = join(folder, 'low.json');
  writeFileSync(low, JSON.stringify({ log: { segmentMs: 1_000 } }));
  const environment = { TICKWIRE_LOG_SEGMENT_MS: '2000' };
  const flags = { log: { segmentMs: 3_000 } };
  const segmentMs = (sources: ConfigSources) => loadConfig(sources).log?.segmentMs;
  t.equal(segmentMs({}), 86_400_000, 'the default');
  t.equal(segmentMs({ file: low }), 1_000, 'a file covers the default');
  t.equal(segmentMs({ file: low, environment }), 2_000, 'the environment covers the file');
  t.equal(segmentMs({ file: low, environment, flags }), 3_000, 'a flag covers the environment');
  t.equal(segmentMs({ file: low, flags }), 3_000, 'a flag covers the file');
});

t.test('each source covers the one below', async (t) => {
  const environment = { PORT: '2', TICKWIRE_SHARDS: '3', TICKWIRE_DATA_FOLDER: 'elsewhere' };
  const flags = { http: { port: 3 }, dataFolder: undefined };
  const options = loadConfig({ file, environment, flags });
  t.equal((options.http as FanoutOptions).port, 3, 'a flag');
  t.equal((options.http as FanoutOptions).heartbeatMs, 50, 'its neighbour from the file');
  t.equal(options.shards, 3, 'the environment');
  t.equal(options.dataFolder, 'elsewhere', 'an absent flag covers nothing');
  t.equal(options.maxSymbols, 100, 'the file');
  t.equal(options.log?.onStall, 'shed');
  t.equal(options.log?.sync, 'every-commit', 'a default');
});

t.test('TICKWIRE_HTTP_PORT is more to the point than PORT', async (t) => {
  const options = loadConfig({ environment: { PORT: '2', TICKWIRE_HTTP_PORT: '4' } });
  t.equal((options.http as FanoutOptions).port, 4);
});

t.test('what can be switched off', async (t) => {
  const options = loadConfig({ flags: { http: false, dataFolder: false } });
  t.equal(options.http, false);
  t.equal(options.dataFolder, false);
  t.equal(loadConfig({ environment: { TICKWIRE_DATA_FOLDER: 'false' } }).dataFolder, false);
});
